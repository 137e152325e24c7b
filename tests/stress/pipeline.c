/*
 * The shape of the connector without its work: producers with a pool and a ring each, one thread
 * that marks what they send, one that checks it and returns the batches to their pools. Runs that
 * end by themselves must show every number once, in its producer's order; after runs that are
 * stopped at some instant every batch must be found again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runtime/counter.h"
#include "runtime/log.h"
#include "runtime/pool.h"
#include "runtime/ring.h"
#include "runtime/run.h"

enum {
    PRODUCERS = 3,
    NUMBERS = 60000, /* of events in a run */
    EVENTS = 7,      /* in a batch */
    STOPPED_RUNS = 40,
    LOST_AFTER_US = 30 * 1000000,
};

static const size_t batches[PRODUCERS] = {1, 3, 16};

struct line;

struct producer {
    struct line *line;
    unsigned number;
    struct pool *pool;
    struct ring *ring;
    struct thread *thread;
};

struct line {
    struct run *run;
    struct log *log;
    struct producer producers[PRODUCERS];
    struct bell merger_bell, emitter_bell;
    struct ring *out;
    struct thread *merger, *emitter;
    unsigned next;     /* the numbers, shared by the producers */
    uint64_t progress; /* the emitter's, read by main */
    uint8_t *came;     /* the emitter's: how often each number did */
    bool whole;        /* the emitter has seen all producers end */
};

static void check(bool fact, const char *what)
{
    if (!fact) {
        fprintf(stderr, "pipeline: %s\n", what);
        exit(1);
    }
}

static bool fill(struct line *line, struct batch *batch)
{
    for (int i = 0; i < EVENTS; i++) {
        unsigned number = counter_take(&line->next);
        struct event *event = batch_event(batch);
        event->kind = number < NUMBERS ? EVENT_INSERT : EVENT_END;
        event->lsn = number;
        if (event->kind == EVENT_END) {
            return false;
        }
        event->new_tuple = arena_copy(&batch->arena, &number, sizeof number);
    }
    return true;
}

static void produce(void *context)
{
    struct producer *p = context;
    struct line *line = p->line;
    for (bool more = true; more && !run_stopping(line->run);) {
        struct batch *batch = pool_take(p->pool, BATCH_EVENTS, line->run, INT64_MAX);
        if (!batch) {
            continue; /* the bell rang: maybe a stop */
        }
        check(batch->producer == p->number && batch->event_count == 0, "a batch of another");
        more = fill(line, batch);
        if (batch->events[0].lsn % 97 == 0) {
            log_line(line->log, LOG_INFO, "producer %u", p->number);
        }
        ring_push(p->ring, (void **)&batch);
    }
}

static bool mark(struct batch *batch)
{
    bool ended = false;
    for (size_t i = 0; i < batch->event_count; i++) {
        struct event *e = &batch->events[i];
        ended |= e->kind == EVENT_END;
        e->kind = e->kind == EVENT_INSERT ? EVENT_DELETE : e->kind;
    }
    return ended;
}

static void merge(void *context)
{
    struct line *line = context;
    for (int ended = 0; ended < PRODUCERS && !run_stopping(line->run);) {
        bool idle = true;
        uint32_t seen = bell_count(&line->merger_bell);
        for (int i = 0; i < PRODUCERS; i++) {
            struct batch *batch = ring_pop(line->producers[i].ring);
            if (batch) {
                idle = false;
                ended += mark(batch);
                ring_push(line->out, (void **)&batch);
            }
        }
        if (idle && !run_stopping(line->run)) {
            bell_wait(&line->merger_bell, seen, INT64_MAX);
        }
    }
}

static void emit_event(struct line *line, const struct event *e, uint64_t *last)
{
    unsigned number;
    check(e->kind == EVENT_DELETE, "an event was not marked");
    memcpy(&number, e->new_tuple, sizeof number);
    check(number == e->lsn, "an event lost its payload");
    check(*last == UINT64_MAX || number > *last, "events were reordered");
    check(++line->came[number] == 1, "an event came twice");
    *last = number;
}

static int emit_batch(struct line *line, const struct batch *batch, uint64_t *last)
{
    for (size_t i = 0; i < batch->event_count; i++) {
        if (batch->events[i].kind == EVENT_END) {
            return 1;
        }
        emit_event(line, &batch->events[i], last);
        shared_store(&line->progress, line->progress + 1);
    }
    return 0;
}

static void take_lines(struct log *log)
{
    enum log_level level;
    for (char *text; (text = log_take(log, &level)); free(text)) {
        check(level == LOG_INFO && !strncmp(text, "producer ", 9), "a line of the log was mangled");
    }
}

static void emit(void *context)
{
    struct line *line = context;
    uint64_t last[PRODUCERS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    int ended = 0;
    while (ended < PRODUCERS && !run_stopping(line->run)) {
        uint32_t seen = bell_count(&line->emitter_bell);
        struct batch *batch = ring_pop(line->out);
        take_lines(line->log);
        if (batch) {
            ended += emit_batch(line, batch, &last[batch->producer]);
            pool_return(line->producers[batch->producer].pool, &batch);
        } else if (!run_stopping(line->run)) {
            bell_wait(&line->emitter_bell, seen, INT64_MAX);
        }
    }
    line->whole = ended == PRODUCERS;
    run_stop(line->run);
}

static void ignore_line(const struct log_entry *entry)
{
    (void)entry;
}

static void start(struct line *line)
{
    struct err err;
    size_t all = 0;
    *line = (struct line){.run = run_new(&err), .log = log_new(LOG_INFO, ignore_line, true)};
    check(line->run, "no descriptors");
    bell_init(&line->merger_bell);
    bell_init(&line->emitter_bell);
    line->came = mem_zero(NUMBERS);
    run_add_bell(line->run, &line->merger_bell);
    run_add_bell(line->run, &line->emitter_bell);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        struct producer *p = &line->producers[i];
        *p = (struct producer){.line = line, .number = i};
        p->pool = pool_new(i, batches[i]);
        p->ring = ring_new(batches[i], &line->merger_bell);
        run_add_bell(line->run, pool_bell(p->pool));
        all += batches[i];
    }
    line->out = ring_new(all, &line->emitter_bell);
    line->emitter = thread_start("emitter", emit, line, &err);
    line->merger = thread_start("merger", merge, line, &err);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        struct producer *p = &line->producers[i];
        p->thread = thread_start("producer", produce, p, &err);
        check(p->thread, "no thread");
    }
    check(line->emitter && line->merger, "no thread");
}

static void bring_home(struct line *line, struct ring *ring)
{
    for (struct batch *batch; (batch = ring_pop(ring));) {
        pool_return(line->producers[batch->producer].pool, &batch);
    }
}

static void finish(struct line *line)
{
    thread_join(&line->merger);
    thread_join(&line->emitter);
    for (int i = 0; i < PRODUCERS; i++) {
        thread_join(&line->producers[i].thread);
    }
    bring_home(line, line->out);
    for (int i = 0; i < PRODUCERS; i++) {
        struct producer *p = &line->producers[i];
        bring_home(line, p->ring);
        check(pool_free_batches(p->pool) == batches[i], "a batch was lost");
    }
    run_forget_bells(line->run);
    for (int i = 0; i < PRODUCERS; i++) {
        ring_free(&line->producers[i].ring);
        pool_free(&line->producers[i].pool);
    }
    ring_free(&line->out);
    log_free(&line->log);
    run_free(&line->run);
    free(line->came);
}

static void sleep_us(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static void run_whole(void)
{
    struct line line;
    uint64_t before = 0;
    int64_t deadline = clock_monotonic_us() + LOST_AFTER_US;
    start(&line);
    while (!run_stopping(line.run)) {
        uint64_t progress = shared_load(&line.progress);
        check(progress >= before, "progress went back");
        check(clock_monotonic_us() < deadline, "the pipeline makes no progress");
        before = progress;
        sleep_us(500);
    }
    thread_join(&line.emitter);
    check(line.whole && line.progress == NUMBERS, "events are missing");
    finish(&line);
}

static void run_stopped(int round)
{
    struct line line;
    struct err err = {0}, first;
    start(&line);
    sleep_us(round * 137);
    if (round % 2) {
        run_stop(line.run);
        check(run_result(line.run, &first), "a stop became an error");
    } else {
        err_set(&err, ERR_SYSTEM, "round %d", round);
        run_fail(line.run, &err);
        check(!run_result(line.run, &first) && first.kind == ERR_SYSTEM, "an error was lost");
    }
    finish(&line);
}

int main(void)
{
    run_whole();
    for (int round = 0; round < STOPPED_RUNS; round++) {
        run_stopped(round);
    }
    puts("pipeline: all events came once, in order; every stop left all batches within reach");
    return 0;
}
