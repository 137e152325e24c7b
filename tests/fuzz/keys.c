/*
 * Keys as the merger compares them: the order of two codes is an order, and a code from text is
 * the one from the tuple that holds the same text.
 *
 * Input: a byte that chooses the order, a byte that says how long the first key is, then two keys.
 */
#include <stdlib.h>
#include <string.h>

#include "keycode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keycode *code_of(const struct merge_key *key, const uint8_t *data, size_t len)
{
    struct key *text = key_new(1);
    key_set(text, 0, (const char *)data, len);
    struct keycode *code = keycode_of(key, text);
    key_free(&text);
    return code;
}

/* The binary form of the same bytes is another value: it must do no harm. */
static void encode_binary(const struct merge_key *key, const uint8_t *data, size_t len)
{
    struct keybuf buf = {0};
    struct keycode *first = code_of(key, data, len);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, data, len);
    buf.code = first;
    buf.cap = first ? first->len : 0;
    if (first) {
        keycode_value(&buf, key, 0, &(struct value){VALUE_BINARY, (uint32_t)len, exact});
    }
    keybuf_free(&buf);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    enum key_order order = (enum key_order)(data[0] % (KEY_SERVER + 1));
    struct merge_key key = {.count = 1, .orders = &order, .server = order == KEY_SERVER};
    size_t left = size - 2, len = data[1] < left ? data[1] : left;
    struct keycode *one = code_of(&key, data + 2, len);
    struct keycode *two = code_of(&key, data + 2 + len, left - len);
    if (one && two) {
        int forth = keycode_compare(one, two), back = keycode_compare(two, one);
        if ((forth > 0) != (back < 0) || (forth == 0) != (back == 0)) {
            abort();
        }
    }
    encode_binary(&key, data + 2, len);
    free(one);
    free(two);
    return 0;
}
