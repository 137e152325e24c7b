/*
 * The stream: pgoutput messages decoded, those of open transactions after their commit, and what was
 * decoded printed.
 *
 * Input: messages, each behind its length in two bytes. Every message gets a block of its own size,
 * so that a read past its end shows.
 */
#include "wal/decode.h"

#include "base/bytes.h"
#include "emit/logical.h"
#include "record.h"
#include "wal/streamed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The emitter's part, for a batch. */
struct emitter {
    struct out out;
    struct source source;
    struct relation *of_messages;
    struct printer *messages;
    struct relation **relations; /* those that have a printer */
    struct type **arrays;
    size_t count;
};

static void compile(struct emitter *emitter, struct relation *relation)
{
    size_t n = emitter->count++;
    emitter->relations = realloc(emitter->relations, emitter->count * sizeof *emitter->relations);
    emitter->arrays = realloc(emitter->arrays, emitter->count * sizeof *emitter->arrays);
    emitter->arrays[n] = malloc(((size_t)relation->column_count + 1) * sizeof *emitter->arrays[n]);
    emitter->relations[n] = relation;
    relation->printer = record_printer(relation, emitter->arrays[n], n % 2);
}

static void print(struct emitter *emitter, const struct event *event)
{
    switch (event->kind) {
    case EVENT_BEGIN: source_begin(&emitter->source, event->txn, 0); return;
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE:
        if (!event->relation->printer) {
            compile(emitter, event->relation);
        }
        print_change(&emitter->out, event->relation->printer, event, &emitter->source, FUZZ_NOW_MS);
        return;
    case EVENT_MESSAGE:
        print_message(&emitter->out, emitter->messages, event, &emitter->source, FUZZ_NOW_MS);
        return;
    default: return;
    }
}

static void emitter_init(struct emitter *emitter)
{
    static const struct frame frame = {.head = "", .tail = "\n"};
    *emitter = (struct emitter){.of_messages = relation_new(0)};
    emitter->messages = printer_new(emitter->of_messages, &frame, "pg_logical", "messages");
    out_init(&emitter->out, 256);
}

static void emitter_free(struct emitter *emitter)
{
    for (size_t i = 0; i < emitter->count; i++) {
        printer_free(&emitter->relations[i]->printer);
        free(emitter->arrays[i]);
    }
    printer_free(&emitter->messages);
    relation_free(&emitter->of_messages);
    free((void *)emitter->relations);
    free((void *)emitter->arrays);
    out_free(&emitter->out);
}

struct exact {
    struct exact *next;
    uint8_t data[];
};

struct stream {
    struct streamed *streamed;
    struct decoder *decoder;
    struct batch *batch;
};

/* It is decoded, or refused without a trace. */
static void decode(struct stream *s, const uint8_t *message, size_t len)
{
    struct err err = {0};
    size_t before = s->batch->event_count;
    if (!decoder_message(s->decoder, s->batch, 1, message, len, &err) &&
        (s->batch->event_count != before ||
         (err.kind != ERR_SYSTEM && err.kind != ERR_TRANSIENT))) {
        abort();
    }
}

static void take(struct stream *s, const uint8_t *data, size_t len)
{
    struct err err = {0};
    const uint8_t *message;
    uint64_t lsn;
    bool kept;
    if (!streamed_take(s->streamed, 1, data, len, &kept, &err)) {
        kept = err.kind == ERR_SYSTEM;
    }
    if (!kept) {
        decode(s, data, len);
    }
    while (streamed_committed(s->streamed)) {
        if (!streamed_next(s->streamed, &s->batch->arena, &lsn, &message, &len, &err)) {
            abort();
        }
        decode(s, message, len);
    }
}

/* Returns the message, before `others`. */
static struct exact *take_next(struct stream *s, struct bytes *in, struct exact *others)
{
    size_t len = bytes_u16(in), left = bytes_left(in);
    len = len < left ? len : left;
    struct exact *message = malloc(sizeof *message + len);
    message->next = others;
    memcpy(message->data, bytes_take(in, len), len);
    take(s, message->data, len);
    return message;
}

static void free_all(struct exact *messages)
{
    for (struct exact *next; messages; messages = next) {
        next = messages->next;
        free(messages);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream s = {streamed_new("/tmp"), decoder_new(), batch_new(0)};
    struct emitter emitter;
    struct exact *messages = NULL;
    struct bytes in = bytes_of(data, size);
    batch_reset(s.batch, BATCH_EVENTS);
    emitter_init(&emitter);
    while (bytes_left(&in) > 2) {
        messages = take_next(&s, &in, messages);
    }
    for (size_t i = 0; i < s.batch->event_count && emitter.out.len < FUZZ_LINES; i++) {
        print(&emitter, &s.batch->events[i]);
    }
    record_expect_lines(&emitter.out);
    emitter_free(&emitter);
    batch_free(&s.batch);
    decoder_free(&s.decoder);
    streamed_free(&s.streamed);
    free_all(messages);
    return 0;
}
