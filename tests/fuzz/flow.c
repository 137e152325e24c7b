/* Flow's requests, by both codecs: what is wrong in them is an error of the configuration, in UTF-8. */
#include "flow/flow.h"

#include "valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(enum flow_form form, const char *message, size_t len, struct out *notices)
{
    struct err err = {0};
    struct flow_request request;
    if (!flow_request_parse(&request, form, message, len, notices, &err) &&
        (err.kind != ERR_CONFIG || !valid_utf8(err.message, strlen(err.message)))) {
        abort();
    }
    flow_request_clear(&request);
}

/* All that was sent, in pieces as they may come. */
static void take_all(enum flow_form form, const char *data, size_t size, struct out *notices)
{
    enum { PIECE = 7 };
    struct err err = {0};
    struct flow_lines lines;
    const char *message = NULL;
    size_t len;
    flow_lines_init(&lines, form);
    for (size_t at = 0; at <= size; at += PIECE) {
        size_t left = size - at;
        bool ok = flow_lines_add(&lines, data + at, left < PIECE ? left : PIECE, &err);
        while (ok && flow_lines_next(&lines, left < PIECE, &message, &len, &err) && message) {
            take(form, message, len, notices);
        }
    }
    flow_lines_free(&lines);
}

/* The first byte chooses the codec. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct out notices;
    if (!size) {
        return 0;
    }
    out_init(&notices, 64);
    enum flow_form form = *data & 1 ? FLOW_PROTO : FLOW_JSON;
    take(form, (const char *)data + 1, size - 1, &notices);
    take_all(form, (const char *)data + 1, size - 1, &notices);
    out_free(&notices);
    return 0;
}
