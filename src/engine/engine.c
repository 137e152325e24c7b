/* Building the pipeline, running it, and taking it down. */
#include "engine/engine.h"

#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

enum {
    MIB = 1024 * 1024,
    READER_BATCHES = 16,
    MERGER_BATCHES = 2,
    WORKER_BATCHES_LEAST = 8,
};

/* The limit is shared out: the stream and what is kept ahead get a third, each worker its part of
 * the rest, and no less than it needs to go on. */
static size_t worker_batches(const struct engine *e)
{
    size_t workers = e->worker_count > 1 ? (size_t)e->worker_count : 1;
    size_t batches =
        (size_t)e->config.config->memory_limit_mb * MIB / BATCH_BYTES * 2 / 3 / workers;
    return batches < WORKER_BATCHES_LEAST ? WORKER_BATCHES_LEAST : batches;
}

static struct pool *add_pool(struct engine *e, unsigned producer, size_t batches)
{
    e->pools[producer] = pool_new(producer, batches);
    run_add_bell(e->config.run, pool_bell(e->pools[producer]));
    return e->pools[producer];
}

/* A worker for each range that is to be read, and one for tables that will be read again. */
static int count_workers(const struct engine *e)
{
    int ranges = 0, most = e->config.config->backfill_workers;
    for (int i = 0; i < e->roster.count; i++) {
        const struct stream_state *state = &e->roster.members[i].state;
        ranges += state->mode == STREAM_BACKFILL ? state->range_count : 0;
    }
    return ranges < 1 ? 1 : ranges > most ? most : ranges;
}

static void build(struct engine *e)
{
    e->worker_count = count_workers(e);
    size_t batches = worker_batches(e);
    add_pool(e, POOL_READER, READER_BATCHES);
    add_pool(e, POOL_MERGER, MERGER_BATCHES);
    e->events = ring_new(READER_BATCHES, &e->merger_bell);
    for (int i = 0; i < e->worker_count; i++) {
        queue_add_bell(e->tasks, pool_bell(add_pool(e, POOL_WORKERS + (unsigned)i, batches)));
        e->rows[i] = ring_new(batches, &e->merger_bell);
    }
    e->output = ring_new(READER_BATCHES + MERGER_BATCHES + batches * (size_t)e->worker_count,
                         &e->emitter_bell);
}

static bool make_merge(struct engine *e, struct err *err)
{
    const struct merge_stream **streams = mem_zero((size_t)e->roster.count * sizeof *streams);
    for (int i = 0; i < e->roster.count; i++) {
        streams[i] = &e->roster.members[i].life;
    }
    struct merge_config config = {
        .streams = streams,
        .stream_count = e->roster.count,
        .room = e->config.catalog->room,
        .slot = e->config.config->slot,
        .cursor = e->start_lsn,
        .start = e->config.state->checkpoint,
        .ahead_bytes = (size_t)e->config.config->memory_limit_mb * MIB / 4,
        .asks_lost = e->config.config->on_untracked_change == UNTRACKED_FAIL,
        .hooks = roster_hooks(e),
    };
    e->merge = merge_new(&config, err);
    free((void *)streams);
    return e->merge != NULL;
}

static bool start_threads(struct engine *e, struct err *err)
{
    struct backfill backfill = {
        e->config.config, e->config.catalog, e->tasks,          e->lives,
        e->config.run,    e->config.log,     worker_batches(e), e->config.progress->workers};
    bool ok = service_start(&e->service, &e->merger_bell, err) &&
              (e->emitter = thread_start("emitter", emitter_main, e, err)) &&
              (e->reader = thread_start("reader", reader_main, e, err));
    for (int i = 0; ok && i < e->worker_count; i++) {
        unsigned producer = POOL_WORKERS + (unsigned)i;
        e->workers[i] =
            worker_start(&backfill, (unsigned)i + 1, e->pools[producer], e->rows[i], err);
        ok = e->workers[i] != NULL;
    }
    return ok;
}

/* What was under way when everything stopped. */
static void discard(struct batch *batch)
{
    for (size_t i = 0; i < batch->event_count && batch->kind == BATCH_EVENTS; i++) {
        struct event *event = &batch->events[i];
        if (event->kind == EVENT_COMMIT || event->kind == EVENT_POSITION) {
            merge_discard_chunks(&event->chunk);
            checkpoint_free(&event->checkpoint);
        }
    }
    chunk_free(&batch->chunk);
    key_free(&batch->close.end);
    free(batch->close.why);
    batch_free(&batch);
}

static void drain(struct ring **ring)
{
    struct batch *batch;
    while (*ring && (batch = ring_pop(*ring))) {
        discard(batch);
    }
    ring_free(ring);
}

static void drain_tasks(struct engine *e)
{
    struct backfill_task *task;
    while ((task = queue_take(e->tasks))) {
        backfill_task_free(&task);
    }
    queue_free(&e->tasks);
}

/* What the merger held, once the service, which may still be asked about it, has ended. */
static void put_down(struct hands *h)
{
    if (h->events) {
        discard(h->events);
    }
    if (h->rows) {
        discard(h->rows);
    }
    question_free(&h->look);
    question_free(&h->deferred);
    h->events = h->rows = h->asking = NULL;
}

static void take_down(struct engine *e)
{
    run_stop(e->config.run);
    service_join(&e->service);
    put_down(&e->hands);
    thread_join(&e->reader);
    for (int i = 0; i < e->worker_count; i++) {
        worker_join_thread(e->workers[i]);
    }
    thread_join(&e->emitter);
    run_forget_bells(
        e->config.run); /* whoever stops the run from now on must not ring what is freed */
    drain(&e->events);
    drain(&e->output);
    for (int i = 0; i < e->worker_count; i++) {
        drain(&e->rows[i]);
    }
    drain_tasks(e);
    merge_free(&e->merge);
    for (int i = 0; i < POOLS; i++) {
        pool_free(&e->pools[i]);
    }
    for (int i = 0; i < e->worker_count; i++) {
        worker_free(&e->workers[i]);
    }
    replication_free(&e->replication);
    refresh_end(e);
    roster_clear(&e->roster);
    base_clear(&e->base);
    pg_close(&e->holder);
    service_close(&e->service);
    free(e->lives);
    capture_identity_clear(&e->identity);
}

void engine_run(const struct engine_config *config)
{
    struct engine *e = mem_zero(sizeof *e);
    struct err err = {0};
    e->config = *config;
    e->service = (struct service){
        .config = &e->config, .types = types_new(), .wait = {.log = e->config.log}};
    e->replication = replication_new(e);
    e->tasks = queue_new();
    e->begins_with = config->catalog->count;
    e->lives = mem_zero((size_t)config->catalog->room * sizeof *e->lives);
    bell_init(&e->merger_bell);
    bell_init(&e->emitter_bell);
    run_add_bell(config->run, &e->merger_bell);
    run_add_bell(config->run, &e->emitter_bell);
    bool over = refresh_is_complete(e);
    bool ok = over ? refresh_repeat(e, &err) : engine_start(e, &err) && make_merge(e, &err);
    if (ok && !over) {
        build(e);
        plan_queue(e);
        engine_show_tables(e);
        ok = start_threads(e, &err);
    }
    if (ok && !over) {
        merger_loop(e);
        thread_join(&e->emitter); /* it ends when all is written, or the run stops */
    } else if (!ok) {
        run_fail(config->run, &err);
    }
    take_down(e);
    free(e);
}
