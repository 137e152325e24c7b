/* Writing pgoutput messages byte by byte, and feeding them to a decoder. */
#ifndef TEST_MESSAGE_H
#define TEST_MESSAGE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "wal/decode.h"

struct message_bytes {
    uint8_t data[1024];
    size_t len;
};

static inline void put_int(struct message_bytes *m, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        m->data[m->len++] = (uint8_t)(value >> 8 * i);
    }
}

static inline void put_text(struct message_bytes *m, const char *s, size_t len)
{
    memcpy(m->data + m->len, s, len);
    m->len += len;
}

static inline void put_string(struct message_bytes *m, const char *s)
{
    put_text(m, s, strlen(s) + 1);
}

/* Values with commas between them: "~" is null, "^" unchanged, all else text. */
static inline void put_tuple(struct message_bytes *m, const char *values)
{
    size_t count_at = m->len;
    int count = 0;
    put_int(m, 0, 2);
    for (const char *p = values; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        count++;
        if (*p == '~' || *p == '^') {
            put_int(m, *p == '~' ? 'n' : 'u', 1);
        } else {
            put_int(m, 't', 1);
            put_int(m, len, 4);
            put_text(m, p, len);
        }
        p += len;
    }
    m->data[count_at + 1] = (uint8_t)count;
}

static inline struct message_bytes message_begin(uint64_t final_lsn, int64_t us_of_2000,
                                                 uint32_t xid)
{
    struct message_bytes m = {{'B'}, 1};
    put_int(&m, final_lsn, 8);
    put_int(&m, (uint64_t)us_of_2000, 8);
    put_int(&m, xid, 4);
    return m;
}

static inline struct message_bytes message_commit(uint64_t end_lsn)
{
    struct message_bytes m = {{'C'}, 1};
    put_int(&m, 0, 1);
    put_int(&m, end_lsn - 8, 8);
    put_int(&m, end_lsn, 8);
    put_int(&m, 0, 8);
    return m;
}

/* Columns of type int4 with commas between them; those with a "!" in front are the identity. */
static inline struct message_bytes message_relation(uint32_t oid, const char *name,
                                                    const char *columns)
{
    struct message_bytes m = {{'R'}, 1};
    put_int(&m, oid, 4);
    put_string(&m, "public");
    put_string(&m, name);
    put_int(&m, 'd', 1);
    size_t count_at = m.len;
    put_int(&m, 0, 2);
    for (const char *p = columns; *p; p += *p == ',') {
        bool identity = *p == '!';
        p += identity;
        size_t len = strcspn(p, ",");
        put_int(&m, identity, 1);
        put_text(&m, p, len);
        put_int(&m, 0, 1);
        put_int(&m, 23, 4);
        put_int(&m, UINT32_MAX, 4);
        m.data[count_at + 1]++;
        p += len;
    }
    return m;
}

/* tag 'I' or 'D', or 'U' with or without an old tuple. */
static inline struct message_bytes message_change(char tag, uint32_t oid, char old_kind,
                                                  const char *old, const char *new)
{
    struct message_bytes m = {{(uint8_t)tag}, 1};
    put_int(&m, oid, 4);
    if (old) {
        put_int(&m, (uint8_t)old_kind, 1);
        put_tuple(&m, old);
    }
    if (new) {
        put_int(&m, 'N', 1);
        put_tuple(&m, new);
    }
    return m;
}

static inline struct message_bytes message_truncate(int count, uint32_t first, uint32_t second)
{
    struct message_bytes m = {{'T'}, 1};
    put_int(&m, (uint64_t)count, 4);
    put_int(&m, 0, 1);
    put_int(&m, first, 4);
    put_int(&m, second, 4);
    m.len = 6 + 4 * (size_t)count;
    return m;
}

static inline struct message_bytes message_logical(bool transactional, uint64_t lsn,
                                                   const char *prefix, const char *content,
                                                   size_t len)
{
    struct message_bytes m = {{'M'}, 1};
    put_int(&m, transactional, 1);
    put_int(&m, lsn, 8);
    put_string(&m, prefix);
    put_int(&m, len, 4);
    put_text(&m, content, len);
    return m;
}

/* A decoder with a batch; the bytes of each message live in a block of exactly their size. */
struct feed {
    struct decoder *decoder;
    struct batch *batch;
    struct exact {
        struct exact *next;
        uint8_t data[];
    } * messages;
    struct err err;
};

static inline struct feed feed_new(void)
{
    struct feed feed = {.decoder = decoder_new(), .batch = batch_new(0)};
    batch_reset(feed.batch, BATCH_EVENTS);
    return feed;
}

static inline void feed_free(struct feed *feed)
{
    batch_free(&feed->batch);
    decoder_free(&feed->decoder);
    for (struct exact *next; feed->messages; feed->messages = next) {
        next = feed->messages->next;
        free(feed->messages);
    }
}

static inline bool feed_bytes(struct feed *feed, uint64_t lsn, const uint8_t *data, size_t len)
{
    struct exact *message = malloc(sizeof *message + len);
    memcpy(message->data, data, len);
    message->next = feed->messages;
    feed->messages = message;
    return decoder_message(feed->decoder, feed->batch, lsn, message->data, len, &feed->err);
}

static inline bool feed_message(struct feed *feed, uint64_t lsn, struct message_bytes m)
{
    return feed_bytes(feed, lsn, m.data, m.len);
}

static inline const struct event *last_event(const struct feed *feed)
{
    cr_assert_gt(feed->batch->event_count, 0);
    return &feed->batch->events[feed->batch->event_count - 1];
}

#endif
