/* Messages, and the bounds of transactions. */
#include "extras.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void begin_stream(struct extras *x, enum logical_stream stream)
{
    struct frame frame = {0};
    const struct catalog_stream *s = &logical_streams[stream];
    x->config->codec.frame_logical(x->config->codec.context, stream, &frame);
    x->relations[stream] = relation_new(0);
    x->relations[stream]->stream = STREAM_NONE;
    x->printers[stream] = printer_new(x->relations[stream], &frame, s->schema, s->table);
}

void extras_init(struct extras *x, const struct engine_config *config)
{
    size_t room = (size_t)config->catalog->room + 1;
    *x = (struct extras){.config = config};
    x->counts = mem_zero(room * sizeof *x->counts);
    x->touched = mem_zero(room * sizeof *x->touched);
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        if (config->catalog->logical[i]) {
            begin_stream(x, (enum logical_stream)i);
        }
    }
}

void extras_clear(struct extras *x)
{
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        printer_free(&x->printers[i]);
        relation_free(&x->relations[i]);
    }
    free(x->counts);
    free(x->touched);
}

bool extras_wants(const struct extras *x, const struct event *message)
{
    return x->printers[LOGICAL_MESSAGES] &&
           config_emits_message(x->config->config, message->prefix);
}

void extras_print_message(struct extras *x, struct out *out, const struct event *e,
                          struct source *source, int64_t now_ms)
{
    source->lsn = e->lsn - 1; /* the next change is at its end */
    print_message(out, x->printers[LOGICAL_MESSAGES], e, source, now_ms);
}

/* The BEGIN record comes before the first record of what the transaction wrote. */
static void begin_transaction(struct extras *x, struct out *out, struct source *source,
                              int64_t now_ms)
{
    x->begun = true;
    source->lsn = 0;
    print_transaction(out, x->printers[LOGICAL_TRANSACTIONS], source, NULL, now_ms);
}

int extras_count(struct extras *x, struct out *out, int stream, uint64_t records,
                 struct source *source, int64_t now_ms)
{
    int place = stream < 0 ? x->config->catalog->room : stream, printed = !x->begun;
    if (!x->begun) {
        begin_transaction(x, out, source, now_ms);
    }
    if (!x->counts[place]) {
        x->touched[x->touched_count++] = place;
    }
    x->counts[place] += records;
    x->records += records;
    return printed;
}

/* Takes the counts of the transaction, which are 0 again. */
static struct transaction_part *take_parts(struct extras *x)
{
    const struct catalog *catalog = x->config->catalog;
    struct transaction_part *parts = mem_zero((size_t)x->touched_count * sizeof *parts);
    for (int i = 0; i < x->touched_count; i++) {
        int place = x->touched[i];
        const struct catalog_stream *s =
            place == catalog->room ? &logical_streams[LOGICAL_MESSAGES] : &catalog->streams[place];
        parts[i] = (struct transaction_part){s->schema, s->table, x->counts[place]};
        x->counts[place] = 0;
    }
    return parts;
}

int extras_commit(struct extras *x, struct out *out, uint64_t end_lsn, struct source *source,
                  int64_t now_ms)
{
    if (!x->begun) {
        return 0;
    }
    struct transaction_part *parts = take_parts(x);
    struct transaction_end end = {end_lsn, x->records, parts, (size_t)x->touched_count};
    source->lsn = source->txn.final_lsn;
    print_transaction(out, x->printers[LOGICAL_TRANSACTIONS], source, &end, now_ms);
    free(parts);
    x->begun = false;
    x->records = 0;
    x->touched_count = 0;
    return 1;
}
