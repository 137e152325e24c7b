/* Building the pipeline, running it, and taking it down. */
#include "engine/engine.h"

#include <stdlib.h>

#include "base/cores.h"
#include "base/mem.h"
#include "parts.h"
#include "plan.h"
#include "runtime/throttle.h"

enum {
    MIB = 1024 * 1024,
    REPLICATION_BATCHES = 16,
    MERGER_BATCHES = 2,
    WORKER_BATCHES_LEAST = 8,
};

/* The memory limit: a third is for the stream and buffered changes; the rest is divided among the
 * workers, each of which gets at least what it needs to make progress. */
static size_t worker_batches(const struct engine *e)
{
    size_t workers = e->pipeline.worker_count > 1 ? (size_t)e->pipeline.worker_count : 1;
    size_t batches =
        (size_t)e->config.config->memory_limit_mb * MIB / BATCH_BYTES * 2 / 3 / workers;
    return batches < WORKER_BATCHES_LEAST ? WORKER_BATCHES_LEAST : batches;
}

static struct pool *add_pool(struct engine *e, unsigned producer, size_t batches)
{
    e->pipeline.pools[producer] = pool_new(producer, batches);
    run_add_bell(e->config.run, pool_bell(e->pipeline.pools[producer]));
    return e->pipeline.pools[producer];
}

/* As many workers as there are ranges to be read, and at least one: tables may begin again. */
static int count_workers(const struct engine *e)
{
    int ranges = 0, most = e->config.config->backfill_workers;
    for (int i = 0; i < e->merger.roster.count; i++) {
        const struct stream_state *state = &e->merger.roster.members[i].state;
        ranges += state->mode == STREAM_BACKFILL ? state->range_count : 0;
    }
    return ranges < 1 ? 1 : ranges > most ? most : ranges;
}

static void build(struct engine *e)
{
    e->pipeline.worker_count = count_workers(e);
    size_t batches = worker_batches(e);
    add_pool(e, POOL_REPLICATION, REPLICATION_BATCHES);
    add_pool(e, POOL_MERGER, MERGER_BATCHES);
    e->pipeline.events = ring_new(REPLICATION_BATCHES, &e->pipeline.merger_bell);
    for (int i = 0; i < e->pipeline.worker_count; i++) {
        queue_add_bell(e->pipeline.tasks,
                       pool_bell(add_pool(e, POOL_WORKERS + (unsigned)i, batches)));
        e->pipeline.rows[i] = ring_new(batches, &e->pipeline.merger_bell);
    }
    e->pipeline.output =
        ring_new(REPLICATION_BATCHES + MERGER_BATCHES + batches * (size_t)e->pipeline.worker_count,
                 &e->pipeline.emitter_bell);
}

static bool make_merge(struct engine *e, struct err *err)
{
    const struct merge_stream **streams =
        mem_zero((size_t)e->merger.roster.count * sizeof *streams);
    for (int i = 0; i < e->merger.roster.count; i++) {
        streams[i] = &e->merger.roster.members[i].life;
    }
    struct merge_config config = {
        .streams = streams,
        .stream_count = e->merger.roster.count,
        .room = e->config.catalog->room,
        .slot = e->config.config->slot,
        .cursor = e->start.lsn,
        .start = e->config.state->checkpoint,
        .buffered_bytes = (size_t)e->config.config->memory_limit_mb * MIB / 4,
        .emits_skipped_truncates = e->config.config->emit_truncates &&
                                   !e->config.state->by_stream &&
                                   e->config.config->state_type != STATE_STREAM,
        .asks_lost = e->config.config->on_untracked_change == UNTRACKED_FAIL,
        .hooks = roster_hooks(&e->merger),
    };
    e->merger.merge = merge_new(&config, err);
    free((void *)streams);
    return e->merger.merge != NULL;
}

static bool start_threads(struct engine *e, struct err *err)
{
    struct backfill backfill = {
        .config = e->config.config,
        .catalog = e->config.catalog,
        .tasks = e->pipeline.tasks,
        .lives = e->pipeline.lives,
        .received = &e->config.progress->received,
        .renewal = &e->pipeline.renewal,
        .run = e->config.run,
        .log = e->config.log,
        .pool_batches = worker_batches(e),
        .progress = e->config.progress->workers,
        .throttle = e->pipeline.throttle,
        .far = pg_is_far(e->service.pg),
    };
    int printers = printing_printers(cores_usable(), e->pipeline.worker_count);
    bool ok = (e->printing = e->emitter.printing = printing_new(printers, SLICE_BYTES, err)) &&
              service_start(&e->service, &e->pipeline.merger_bell, err) &&
              (e->emitter_thread = thread_start("emitter", emitter_main, &e->emitter, err)) &&
              (e->replication_thread =
                   thread_start("replication", replication_main, e->replication, err));
    for (int i = 0; ok && i < e->pipeline.worker_count; i++) {
        unsigned producer = POOL_WORKERS + (unsigned)i;
        e->workers[i] = worker_start(&backfill, (unsigned)i + 1, e->pipeline.pools[producer],
                                     e->pipeline.rows[i], err);
        ok = e->workers[i] != NULL;
    }
    return ok;
}

/* Free a batch that was under way when the run stopped, with all that it carries. */
static void discard(struct batch *batch)
{
    for (struct batch *rider; (rider = batch_take_rider(batch));) {
        discard(rider);
    }
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
    while ((task = queue_take(e->pipeline.tasks))) {
        backfill_task_free(&task);
    }
    queue_free(&e->pipeline.tasks);
}

/* Free what the merger's thread holds, once the service has ended, which may point at it. */
static void put_down(struct merger_thread *t)
{
    struct hands *h = &t->hands;
    if (h->events) {
        discard(h->events);
    }
    if (h->rows) {
        discard(h->rows);
    }
    question_free(&t->looks.look);
    question_free(&h->deferred);
    h->events = h->rows = h->asking = NULL;
}

static void take_down(struct engine *e)
{
    run_stop(e->config.run);
    service_join(&e->service);
    put_down(&e->merger);
    thread_join(&e->replication_thread);
    for (int i = 0; i < e->pipeline.worker_count; i++) {
        worker_join_thread(e->workers[i]);
    }
    thread_join(&e->emitter_thread);
    printing_free(&e->printing);
    run_forget_bells(
        e->config.run); /* a stop of the run from now on must not ring bells that are freed */
    drain(&e->pipeline.events);
    drain(&e->pipeline.output);
    for (int i = 0; i < e->pipeline.worker_count; i++) {
        drain(&e->pipeline.rows[i]);
    }
    drain_tasks(e);
    merge_free(&e->merger.merge);
    for (int i = 0; i < POOLS; i++) {
        pool_free(&e->pipeline.pools[i]);
    }
    for (int i = 0; i < e->pipeline.worker_count; i++) {
        worker_free(&e->workers[i]);
    }
    replication_free(&e->replication);
    refresh_end(e);
    roster_clear(&e->merger.roster);
    service_close(&e->service);
    throttle_free(&e->pipeline.throttle);
    free(e->pipeline.lives);
    capture_identity_clear(&e->start.identity);
}

static struct engine *engine_new(const struct engine_config *config)
{
    struct engine *e = mem_zero(sizeof *e);
    e->config = *config;
    e->merger = (struct merger_thread){
        .config = &e->config, .pipeline = &e->pipeline, .start = &e->start, .service = &e->service};
    e->emitter =
        (struct emitter){.config = &e->config, .pipeline = &e->pipeline, .start = &e->start};
    e->service = (struct service){
        .config = &e->config,
        .timeline = &e->pipeline.timeline,
        .renewal = &e->pipeline.renewal,
        .types = types_new(),
        .wait = {.log = e->config.log},
        .decoding = {.wait = {.log = e->config.log}},
        .guard = {.slot = config->config->slot,
                  .release = config->codec.release,
                  .warn_bytes = (uint64_t)config->config->wal_warn_mb * MIB,
                  .stop_bytes = (uint64_t)config->config->wal_stop_mb * MIB},
    };
    e->replication = replication_new(&e->config, &e->pipeline, &e->start);
    e->pipeline.tasks = queue_new();
    e->start.streams = config->catalog->count;
    e->pipeline.throttle =
        throttle_new((uint64_t)config->config->backfill_mb_per_second * MIB,
                     (uint64_t)config->config->backfill_max_standby_lag_mb * MIB);
    e->pipeline.lives = mem_zero((size_t)config->catalog->room * sizeof *e->pipeline.lives);
    bell_init(&e->pipeline.merger_bell);
    bell_init(&e->pipeline.emitter_bell);
    run_add_bell(config->run, &e->pipeline.merger_bell);
    run_add_bell(config->run, &e->pipeline.emitter_bell);
    return e;
}

void engine_run(const struct engine_config *config)
{
    struct engine *e = engine_new(config);
    struct err err = {0};
    bool over = refresh_is_complete(e);
    bool ok = over ? refresh_repeat(e, &err) : engine_start(e, &err) && make_merge(e, &err);
    if (ok && !over) {
        build(e);
        plan_queue(&e->merger);
        progress_begin(&e->merger);
        ok = start_threads(e, &err);
    }
    if (ok && !over) {
        merger_loop(&e->merger);
        thread_join(&e->emitter_thread); /* it ends when all is written, or the run stops */
    } else if (!ok) {
        run_fail(config->run, &err);
    }
    take_down(e);
    free(e);
}
