/* Questions about tables: what their terms are, how one is read, and where its rows begin. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "pg/failover.h"
#include "pg/position.h"
#include "pg/prerequisites.h"
#include "pg/remarks.h"
#include "read_order.h"
#include "service.h"

/* The catalog with one stream of it, as it is described by the key that is given. */
static struct catalog catalog_of(const struct service *s, const struct question *q,
                                 struct catalog_stream *copy, char *const *key)
{
    *copy = q->joins ? *q->joins : s->config->catalog->streams[q->stream];
    if (key) {
        copy->key = (char **)key;
    }
    return (struct catalog){.streams = copy, .count = 1};
}

static bool retries(struct service *s, bool ok, struct retry *retry, struct err *err)
{
    return !ok && service_may_retry(s, retry, err);
}

static void forget_terms(struct question *q)
{
    for (int i = 0; i < q->count; i++) {
        terms_clear(&q->terms[i]);
    }
}

static void say_look(const struct service *s, const struct question *q, int64_t begun_us)
{
    if (log_shows(s->config->log, LOG_DEBUG)) {
        log_line(s->config->log, LOG_DEBUG,
                 "looked at how %d tables are now, at %s: that took %" PRId64 " ms", q->count,
                 lsn_format(q->lsn).s, (clock_monotonic_us() - begun_us) / 1000);
    }
}

bool answer_look(struct service *s, struct question *q, struct err *err)
{
    struct catalog asked = {.streams = s->config->catalog->streams, .count = q->count};
    struct retry retry;
    bool ok;
    int64_t begun_us = clock_monotonic_us();
    retry_succeeded(&retry, begun_us);
    q->terms = mem_zero((size_t)q->count * sizeof *q->terms);
    do {
        forget_terms(q);
        ok = terms_look(s->pg, s->config->config, &asked, (char *const *const *)q->keys, q->terms,
                        &q->lsn, err) &&
             terms_look_gone(s->pg, q->oids, &q->oid_count, &q->lsn, err) &&
             (!q->awaits_watermarks || watermarks_come(s->pg, s->config->config, err));
    } while (retries(s, ok, &retry, err));
    if (ok) {
        say_look(s, q, begun_us);
    }
    return ok;
}

/* A commit may be in the stream before others see what it did: then it is asked again later. */
static bool wait_to_see(struct service *s, struct question *q, struct err *err)
{
    bool ok = !q->must_see || service_snapshot(s, &q->snapshot, err);
    q->busy = ok && q->must_see && !snapshot_sees(&q->snapshot, q->must_see, 0);
    return ok;
}

static bool examine(struct service *s, struct question *q, struct err *err)
{
    struct catalog_stream copy;
    struct catalog one = catalog_of(s, q, &copy, NULL);
    char **key = key_names(q->about);
    struct retry retry;
    bool ok;
    retry_succeeded(&retry, clock_monotonic_us());
    q->terms = mem_zero(sizeof *q->terms);
    do {
        terms_clear(q->terms);
        ok = terms_look(s->pg, s->config->config, &one, (char *const *const *)&key, q->terms,
                        &q->lsn, err) &&
             terms_judge(s->pg, &q->was, q->terms, q->use, q->truncated, &q->verdict, err) &&
             position_read(s->pg, position_sql, &q->lsn, err); /* other queries were made since */
    } while (retries(s, ok, &retry, err));
    free((void *)key);
    return ok;
}

/* A partition that was dropped after its name was read: it is asked again later, too. */
bool answer_examine(struct service *s, struct question *q, struct err *err)
{
    bool ok = wait_to_see(s, q, err) && (q->busy || examine(s, q, err));
    q->busy |= !ok && s->pg && !strcmp(pg_sqlstate(s->pg), "42P01");
    return ok;
}

static bool cut(struct service *s, struct question *q, struct err *err)
{
    bool far = pg_is_far(s->pg);
    int ranges = q->again ? read_order_of(q->table)->ranges(s->config->config, q->table, far) : 1;
    return ranges == 1 ||
           backfill_bounds(s->pg, q->table, ranges, &q->bounds, &q->bound_count, err);
}

static bool describe(struct service *s, struct question *q, const struct catalog *one,
                     struct err *err)
{
    struct problems problems = {0};
    tables_free(&q->table, 1);
    bool ok = tables_describe(s->pg, s->types, s->config->config, one, &q->table, &problems, err) &&
              problems_none(&problems, err) && cut(s, q, err);
    problems_free(&problems);
    return ok;
}

bool answer_describe(struct service *s, struct question *q, struct err *err)
{
    struct catalog_stream copy;
    struct catalog one = catalog_of(s, q, &copy, q->key);
    struct retry retry;
    bool ok;
    retry_succeeded(&retry, clock_monotonic_us());
    do {
        ok = position_read(s->pg, position_sql, &q->lsn, err) && describe(s, q, &one, err);
    } while (retries(s, ok, &retry, err));
    return ok;
}

static void say_remark(void *context, const char *line)
{
    struct service *s = context;
    for (size_t i = 0; i < s->remark_count; i++) {
        if (!strcmp(s->remarks[i], line)) {
            return;
        }
    }
    s->remarks =
        mem_grow_array((void *)s->remarks, &s->remark_cap, s->remark_count + 1, sizeof *s->remarks);
    s->remarks[s->remark_count++] = mem_string(line);
    log_line(s->config->log, LOG_WARN, "%s", line);
}

bool service_remark(struct service *s, const struct catalog *catalog, struct err *err)
{
    return tables_remark(s->pg, s->config->config, catalog, say_remark, s, err) &&
           (s->config->catalog->full_refresh ||
            failover_remark(s->pg, s->config->config, say_remark, s, err));
}

/* Asking twice does no harm: the table is added to the publication once. */
bool answer_join(struct service *s, struct question *q, struct err *err)
{
    const struct config *config = s->config->config;
    struct catalog_stream copy;
    struct catalog one = catalog_of(s, q, &copy, NULL);
    char *none[] = {NULL}, *const *key = none;
    struct terms now = {0};
    struct retry retry;
    bool ok;
    retry_succeeded(&retry, clock_monotonic_us());
    do {
        terms_clear(&now);
        ok = prerequisites_publish(s->pg, config, &one, err) &&
             terms_look(s->pg, config, &one, &key, &now, &q->lsn, err) &&
             describe(s, q, &one, err) && service_remark(s, &one, err);
    } while (retries(s, ok, &retry, err));
    terms_clear(&now);
    return ok;
}

/* Wait for the transactions that write to the table now: the snapshot must see them, because
 * changes before it are skipped. */
static bool take_base(struct service *s, struct question *q, struct err *err)
{
    struct catalog_stream copy;
    struct catalog one = catalog_of(s, q, &copy, NULL);
    struct terms now = {0};
    char **key = key_names(q->about);
    bool ok =
        q->writers.ids || !q->fenced ||
        terms_look(s->pg, s->config->config, &one, (char *const *const *)&key, &now, &q->lsn, err);
    terms_clear(&now);
    free((void *)key);
    if (!ok || !backfill_writers(s->pg, q->about->relation, &s->wait, &q->writers, err)) {
        return false;
    }
    bool renewed = q->writers.ids || q->fenced || !pg_forgets_published(s->pg);
    if (!renewed && !backfill_renew(s->pg, s->renewal, &q->renew_lsn, &renewed, err)) {
        return false;
    }
    q->busy = q->writers.ids || !q->fenced;
    q->fenced |= !q->writers.ids && renewed;
    return q->busy || base_take(s->config, q->base, &q->holder, &q->busy, err);
}

bool answer_base(struct service *s, struct question *q, struct err *err)
{
    struct retry retry;
    bool ok;
    retry_succeeded(&retry, clock_monotonic_us());
    q->base = q->base ? q->base : mem_zero(sizeof *q->base);
    do {
        q->busy = false;
        ok = take_base(s, q, err);
    } while (retries(s, ok, &retry, err));
    return ok;
}
