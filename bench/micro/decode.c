/* Messages of pgoutput to events, as the reader's thread does it: the message is copied into the
 * batch, whose events point at it. */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"
#include "subjects.h"
#include "wal/decode.h"

struct stream {
    struct decoder *decoder;
    struct batch *batch;
    struct out message[2]; /* one after the other is one operation; the second may be empty */
};

static void decode_one(struct stream *s, const struct out *message)
{
    struct err err;
    const uint8_t *copy = arena_copy(&s->batch->arena, message->data, message->len);
    if (!decoder_message(s->decoder, s->batch, 1, copy, message->len, &err)) {
        fprintf(stderr, "decode: %s\n", err.message);
        exit(EXIT_FAILURE);
    }
}

static void decode(void *context, size_t count)
{
    struct stream *s = context;
    for (size_t i = 0; i < count; i++) {
        decode_one(s, &s->message[0]);
        if (s->message[1].len) {
            decode_one(s, &s->message[1]);
        }
        if (batch_bytes(s->batch) >= BATCH_BYTES) {
            batch_reset(s->batch, BATCH_EVENTS);
        }
    }
}

static void measure_stream(const struct measure *m, const char *name, struct stream *s)
{
    measure(m, name, s->message[0].len + s->message[1].len, decode, s);
    s->message[0].len = s->message[1].len = 0;
    batch_reset(s->batch, BATCH_EVENTS);
}

static void introduce(struct stream *s, const struct relation *relation)
{
    struct out shape;
    out_init(&shape, 1024);
    sample_relation_message(&shape, relation);
    decode_one(s, &shape);
    out_free(&shape);
}

static void measure_changes(const struct measure *m, struct stream *s, const struct sample *row,
                            const char *insert, const char *update)
{
    struct relation *relation = sample_relation(row);
    introduce(s, relation);
    sample_insert_message(&s->message[0], relation, row);
    measure_stream(m, insert, s);
    sample_update_message(&s->message[0], relation, row);
    measure_stream(m, update, s);
    relation_free(&relation);
}

void bench_decode(const struct measure *m)
{
    struct stream s = {.decoder = decoder_new(), .batch = batch_new(0)};
    out_init(&s.message[0], 1024);
    out_init(&s.message[1], 1024);
    sample_begin_message(&s.message[0]);
    sample_commit_message(&s.message[1]);
    measure_stream(m, "decode.begin_commit", &s);
    sample_begin_message(&s.message[0]);
    decode_one(&s, &s.message[0]);
    s.message[0].len = 0;
    measure_changes(m, &s, sample_narrow, "decode.insert_narrow", "decode.update_narrow");
    measure_changes(m, &s, sample_wide, "decode.insert_wide", "decode.update_wide");
    out_free(&s.message[0]);
    out_free(&s.message[1]);
    batch_free(&s.batch);
    decoder_free(&s.decoder);
}
