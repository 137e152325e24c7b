/* The merger's keys: made from a row of either form, and compared. */
#include <stdio.h>
#include <stdlib.h>

#include "keycode.h"
#include "sample.h"
#include "subjects.h"

struct lookup {
    struct merge_key key;
    struct relation *relation;
    struct out tuple;
    struct keybuf buf, other;
};

static void check(bool made)
{
    if (!made) {
        fputs("key: the sample has no key\n", stderr);
        exit(EXIT_FAILURE);
    }
}

static void make_copy(void *context, size_t count)
{
    struct lookup *l = context;
    for (size_t i = 0; i < count; i++) {
        check(keycode_copy(&l->buf, &l->key, l->relation, (const uint8_t *)l->tuple.data));
    }
}

static void make_wal(void *context, size_t count)
{
    struct lookup *l = context;
    for (size_t i = 0; i < count; i++) {
        check(keycode_wal(&l->buf, &l->key, l->relation, (const uint8_t *)l->tuple.data, NULL));
    }
}

static void compare(void *context, size_t count)
{
    struct lookup *l = context;
    for (size_t i = 0; i < count; i++) {
        measure_keep(l->other.code);
        int order = keycode_compare(l->buf.code, l->other.code);
        measure_keep(&order);
    }
}

static void measure_key(const struct measure *m, const struct sample *row, enum key_order order,
                        const char *const names[3])
{
    struct lookup l = {.relation = sample_relation(row)};
    l.key = (struct merge_key){.count = 1, .orders = &order};
    out_init(&l.tuple, 1024);
    sample_copy_tuple(&l.tuple, row);
    check(keycode_copy(&l.other, &l.key, l.relation, (const uint8_t *)l.tuple.data));
    measure(m, names[0], 0, make_copy, &l);
    l.tuple.len = 0;
    sample_wal_tuple(&l.tuple, row);
    check(keycode_wal(&l.buf, &l.key, l.relation, (const uint8_t *)l.tuple.data, NULL));
    measure(m, names[1], 0, make_wal, &l);
    measure(m, names[2], 0, compare, &l);
    keybuf_free(&l.buf);
    keybuf_free(&l.other);
    out_free(&l.tuple);
    relation_free(&l.relation);
}

void bench_key(const struct measure *m)
{
    const struct sample *text = sample_narrow + 2;
    const struct sample text_row[] = {*text, {0}};
    measure_key(
        m, sample_narrow, KEY_INT,
        (const char *const[]){"key.int8_from_copy", "key.int8_from_wal", "key.int8_compare"});
    measure_key(
        m, sample_wide + 1, KEY_UUID,
        (const char *const[]){"key.uuid_from_copy", "key.uuid_from_wal", "key.uuid_compare"});
    measure_key(
        m, text_row, KEY_TEXT,
        (const char *const[]){"key.text_from_copy", "key.text_from_wal", "key.text_compare"});
}
