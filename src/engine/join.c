/* A catalog that was read again while the capture runs: new streams in it join, and streams with a
 * higher generation begin again. Its other changes take effect in the next run. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "merger.h"
#include "plan.h"

enum { LOCKED_US = 1000 * 1000 };

static int find_stream(const struct catalog *catalog, const struct catalog_stream *wanted)
{
    return catalog_find(catalog, catalog->count, wanted->schema, wanted->table);
}

/* A stream that is lost begins with the new generation anyway. */
static void raise_generation(struct merger_thread *t, int stream, int64_t generation)
{
    struct catalog_stream *known = &t->config->catalog->streams[stream];
    struct member *m = &t->roster.members[stream];
    known->generation_id = generation;
    m->state.generation = generation;
    merge_touch(t->merge, stream);
    if (m->status == MEMBER_LIVES && !plan_skips_rows(t->config->config, known)) {
        m->raised = true;
        roster_lose_because(t, stream, plan_raised);
    }
}

static void raise_generations(struct merger_thread *t, const struct catalog *newer)
{
    struct catalog *catalog = t->config->catalog;
    for (int i = 0; i < newer->count; i++) {
        int stream = find_stream(catalog, &newer->streams[i]);
        int64_t generation = newer->streams[i].generation_id;
        if (stream >= 0 && generation > catalog->streams[stream].generation_id) {
            raise_generation(t, stream, generation);
        }
    }
}

static void say_gone(const struct merger_thread *t, const struct catalog *newer)
{
    const struct catalog *catalog = t->config->catalog;
    for (int i = 0; i < catalog->count; i++) {
        const struct catalog_stream *s = &catalog->streams[i];
        if (find_stream(newer, s) < 0 && t->roster.members[i].status == MEMBER_LIVES) {
            log_line(t->config->log, LOG_INFO,
                     "stream %s is not asked for any more, or its table is gone: what comes of it "
                     "is captured until this read ends",
                     stream_label(s->schema, s->table).s);
        }
    }
}

void roster_read_again(struct merger_thread *t)
{
    struct roster *r = &t->roster;
    if (!t->config->catalogs || r->asked || r->newer ||
        !(r->newer = queue_take(t->config->catalogs))) {
        return;
    }
    if (t->final.begun) {
        log_line(t->config->log, LOG_WARN,
                 "the catalog was read again too late: this read is about to end");
        catalog_free(&r->newer);
        return;
    }
    r->joining = 0;
    r->join_us = 0;
    raise_generations(t, r->newer);
    say_gone(t, r->newer);
}

static void cannot_join(struct merger_thread *t, const struct catalog_stream *s, const char *why,
                        const char *then)
{
    log_line(t->config->log, LOG_WARN,
             "stream %s of the catalog cannot join the capture, which goes on without it: %s; "
             "%s",
             stream_label(s->schema, s->table).s, why, then);
}

static void ask_join(struct merger_thread *t, const struct catalog_stream *joins)
{
    struct question *q = question_new(ASK_JOIN, STREAM_NONE);
    q->joins = joins;
    q->again = true;
    roster_ask(t, &q);
}

void roster_join_next(struct merger_thread *t, int64_t now_us, int64_t *us)
{
    struct roster *r = &t->roster;
    const struct catalog *catalog = t->config->catalog;
    for (; r->newer && !r->asked && r->joining < r->newer->count; r->joining++) {
        const struct catalog_stream *joins = &r->newer->streams[r->joining];
        if (find_stream(catalog, joins) >= 0) {
            continue;
        }
        if (catalog->count == catalog->room) {
            cannot_join(t, joins, "too many have joined it", "stop the read and start it again");
        } else if (now_us >= r->join_us) {
            ask_join(t, joins);
            return;
        } else {
            *us = r->join_us < *us ? r->join_us : *us;
            return;
        }
    }
    if (!r->asked) {
        catalog_free(&r->newer);
    }
}

/* Moves *joins into the catalog. */
static int add_stream(struct merger_thread *t, struct catalog_stream *joins)
{
    struct catalog *catalog = t->config->catalog;
    int stream = catalog->count++;
    struct member *m = &t->roster.members[stream];
    t->roster.count = catalog->count;
    catalog->streams[stream] = *joins;
    *joins = (struct catalog_stream){0};
    m->status = MEMBER_LOST;
    m->state.id = plan_stream_id(&catalog->streams[stream]);
    m->life.state = &m->state;
    merge_add(t->merge, &m->life);
    t->settled = false;
    return stream;
}

bool roster_joined(struct merger_thread *t, struct question *q, struct err *err)
{
    struct roster *r = &t->roster;
    r->asked = false;
    if (q->busy) {
        r->join_us = clock_monotonic_us() + LOCKED_US;
        return true;
    }
    struct catalog_stream *joins = &r->newer->streams[r->joining++];
    if (!q->ok) {
        cannot_join(t, joins, q->err.message, "then send SIGHUP again");
        return true;
    }
    q->stream = add_stream(t, joins);
    if (!roster_begin(t, q, err)) {
        return false;
    }
    const struct catalog_stream *s = &t->config->catalog->streams[q->stream];
    progress_add_stream(t, q->stream);
    log_line(t->config->log, LOG_INFO, "stream %s joins the capture",
             stream_label(s->schema, s->table).s);
    return true;
}
