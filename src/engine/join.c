/* A catalog that was read again while the capture runs: streams that are new in it join, and those of
 * which another generation is wanted begin again. All else of it counts from the next run on. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "plan.h"

enum { LOCKED_US = 1000 * 1000 };

static int find_stream(const struct catalog *catalog, const struct catalog_stream *wanted)
{
    for (int i = 0; i < catalog->count; i++) {
        if (!strcmp(catalog->streams[i].table, wanted->table) &&
            !strcmp(catalog->streams[i].schema, wanted->schema)) {
            return i;
        }
    }
    return STREAM_NONE;
}

/* One that is lost anyway begins with the new generation. */
static void raise_generation(struct engine *e, int stream, int64_t generation)
{
    struct catalog_stream *known = &e->config.catalog->streams[stream];
    struct member *m = &e->roster.members[stream];
    known->generation_id = generation;
    m->state.generation = generation;
    merge_touch(e->merge, stream);
    if (m->standing == MEMBER_LIVES && !plan_skips_rows(e->config.config, known)) {
        m->raised = true;
        roster_lose_because(e, stream, plan_raised);
    }
}

static void raise_generations(struct engine *e, const struct catalog *newer)
{
    struct catalog *catalog = e->config.catalog;
    for (int i = 0; i < newer->count; i++) {
        int stream = find_stream(catalog, &newer->streams[i]);
        int64_t generation = newer->streams[i].generation_id;
        if (stream >= 0 && generation > catalog->streams[stream].generation_id) {
            raise_generation(e, stream, generation);
        }
    }
}

void roster_read_again(struct engine *e)
{
    struct roster *r = &e->roster;
    if (!e->config.catalogs || r->asked || r->newer ||
        !(r->newer = queue_take(e->config.catalogs))) {
        return;
    }
    if (e->hands.final) {
        log_line(e->config.log, LOG_WARN,
                 "the catalog was read again too late: this read is about to end");
        catalog_free(&r->newer);
        return;
    }
    log_line(e->config.log, LOG_INFO, "the catalog was read again");
    r->joining = 0;
    r->join_us = 0;
    raise_generations(e, r->newer);
}

static void cannot_join(struct engine *e, const struct catalog_stream *s, const char *why,
                        const char *then)
{
    log_line(e->config.log, LOG_WARN,
             "stream %s.%s of the catalog cannot join the capture, which goes on without it: %s; "
             "%s",
             s->schema, s->table, why, then);
}

static void ask_join(struct engine *e, const struct catalog_stream *joins)
{
    struct question *q = question_new(ASK_JOIN, STREAM_NONE);
    q->joins = joins;
    q->again = true;
    roster_ask(e, &q);
}

void roster_join_next(struct engine *e, int64_t now_us, int64_t *us)
{
    struct roster *r = &e->roster;
    const struct catalog *catalog = e->config.catalog;
    for (; r->newer && !r->asked && r->joining < r->newer->count; r->joining++) {
        const struct catalog_stream *joins = &r->newer->streams[r->joining];
        if (find_stream(catalog, joins) >= 0) {
            continue;
        }
        if (catalog->count == catalog->room) {
            cannot_join(e, joins, "too many have joined it", "stop the read and start it again");
        } else if (now_us >= r->join_us) {
            ask_join(e, joins);
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

/* Takes what is in *joins. */
static int add_stream(struct engine *e, struct catalog_stream *joins)
{
    struct catalog *catalog = e->config.catalog;
    int stream = catalog->count++;
    struct member *m = &e->roster.members[stream];
    e->roster.count = catalog->count;
    catalog->streams[stream] = *joins;
    *joins = (struct catalog_stream){0};
    m->standing = MEMBER_LOST;
    m->state.id = plan_stream_id(&catalog->streams[stream]);
    m->life.state = &m->state;
    merge_add(e->merge, &m->life);
    e->streams_shown = false;
    return stream;
}

bool roster_joined(struct engine *e, struct question *q, struct err *err)
{
    struct roster *r = &e->roster;
    r->asked = false;
    if (q->busy) {
        r->join_us = clock_monotonic_us() + LOCKED_US;
        return true;
    }
    struct catalog_stream *joins = &r->newer->streams[r->joining++];
    if (!q->ok) {
        cannot_join(e, joins, q->err.message, "then send SIGHUP again");
        return true;
    }
    q->stream = add_stream(e, joins);
    if (!roster_begin(e, q, err)) {
        return false;
    }
    const struct catalog_stream *s = &e->config.catalog->streams[q->stream];
    engine_show_table(e, q->stream);
    log_line(e->config.log, LOG_INFO, "stream %s.%s joins the capture", s->schema, s->table);
    return true;
}
