/*
 * The stream: pgoutput messages decoded, and what was decoded printed.
 *
 * Input: messages, each behind its length in two bytes. Every message gets a block of its own size,
 * so that a read past its end shows.
 */
#include "wal/decode.h"

#include "base/bytes.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The emitter's part, for a batch. */
struct emitter {
    struct out out;
    struct source source;
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
    default: return;
    }
}

static void emitter_free(struct emitter *emitter)
{
    for (size_t i = 0; i < emitter->count; i++) {
        printer_free(&emitter->relations[i]->printer);
        free(emitter->arrays[i]);
    }
    free((void *)emitter->relations);
    free((void *)emitter->arrays);
    out_free(&emitter->out);
}

struct exact {
    struct exact *next;
    uint8_t data[];
};

/* Returns the message, before `others`. */
static struct exact *decode(struct decoder *decoder, struct batch *batch, struct bytes *in,
                            struct exact *others)
{
    struct err err = {0};
    size_t len = bytes_u16(in), left = bytes_left(in);
    len = len < left ? len : left;
    struct exact *message = malloc(sizeof *message + len);
    message->next = others;
    memcpy(message->data, bytes_take(in, len), len);
    size_t before = batch->event_count;
    if (!decoder_message(decoder, batch, 1, message->data, len, &err) &&
        (batch->event_count != before || (err.kind != ERR_SYSTEM && err.kind != ERR_TRANSIENT))) {
        abort();
    }
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
    struct decoder *decoder = decoder_new();
    struct batch *batch = batch_new(0);
    struct emitter emitter = {0};
    struct exact *messages = NULL;
    struct bytes in = bytes_of(data, size);
    batch_reset(batch, BATCH_EVENTS);
    out_init(&emitter.out, 256);
    while (bytes_left(&in) > 2) {
        messages = decode(decoder, batch, &in, messages);
    }
    for (size_t i = 0; i < batch->event_count && emitter.out.len < FUZZ_LINES; i++) {
        print(&emitter, &batch->events[i]);
    }
    record_expect_lines(&emitter.out);
    emitter_free(&emitter);
    batch_free(&batch);
    decoder_free(&decoder);
    free_all(messages);
    return 0;
}
