/* Compares what the consumer has with the tables: at each state, after each commit, and at the
 * end. */
#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "consumer.h"
#include "state/state.h"

static int number_of(const struct key *key)
{
    return atoi(key->columns[0].text);
}

/* Whether the key's row was out before the state. */
static bool is_saved(const struct stream_state *state, int key)
{
    for (int i = 0; i < state->range_count; i++) {
        const struct range_state *range = &state->ranges[i];
        if ((!range->scanned || key > number_of(range->scanned)) &&
            (!range->until || key <= number_of(range->until))) {
            return false;
        }
    }
    return true;
}

/* Whether the table continues from a state that is further than the others', or begins after
 * them. */
static bool is_ahead(const struct sim *m, int table)
{
    return m->passed_lsn < m->ahead_lsn[table];
}

static void check_saved(struct sim *m, int table, const struct stream_state *state, int key)
{
    const struct row *out = &m->out[table].rows[key], *at = &m->at[table][key];
    bool saved = is_saved(state, key);
    if (saved && out->v != at->v) {
        sim_fail(m, "row %d of t%d is v=%d in a state and should be %d", key, table, out->v, at->v);
    } else if (saved && out->w != at->w && !m->may_lack[at->w]) {
        sim_fail(m, "row %d of t%d is w=%d in a state and should be %d", key, table, out->w, at->w);
    } else if (!saved && out->v && !in_ctid_order(m->kinds[table])) {
        sim_fail(m, "row %d of t%d is told, and the state does not know", key, table);
    }
}

static void check_stream(struct sim *m, int table, const struct stream_state *state,
                         uint64_t cursor)
{
    uint64_t backfilled = m->out[table].backfilled;
    if (!m->setup.look && state->cursor <= cursor && !is_ahead(m, table)) {
        for (int key = 1; key <= SIM_KEYS && !*m->failure; key++) {
            check_saved(m, table, state, key);
        }
    }
    if (!m->setup.look && state->backfilled != backfilled) {
        sim_fail(m, "t%d has %llu rows and the state says %llu", table,
                 (unsigned long long)backfilled, (unsigned long long)state->backfilled);
    }
    m->current.copies[table] = m->out[table];
    m->current.bases[table] = m->bases[table];
    m->active[table] = state->mode == STREAM_ACTIVE;
}

static char *join_lines(const struct sim *m)
{
    struct out out;
    out_init(&out, 1024);
    for (int t = 0; t < SIM_TABLES && m->lines[t]; t++) {
        out_string(&out, t ? "," : "[");
        out_string(&out, m->lines[t]);
    }
    out_char(&out, ']');
    char *text = mem_string(out_text(&out));
    out_free(&out);
    return text;
}

static void keep(struct sim *m, bool of_all)
{
    for (int t = 0; !of_all && t < m->server.tables; t++) {
        if (!m->lines[t]) {
            return; /* there is not a state of all tables yet */
        }
    }
    if (m->kept_count == SIM_KEPT) {
        free(m->kept[0].text);
        memmove(&m->kept[0], &m->kept[1], (SIM_KEPT - 1) * sizeof *m->kept);
        m->kept_count--;
    }
    m->kept[m->kept_count] = m->current;
    m->kept[m->kept_count++].text = join_lines(m);
}

static void check_count(struct sim *m, const struct cJSON *state, int first, int end)
{
    const cJSON *stats = cJSON_GetObjectItemCaseSensitive(state, "sourceStats");
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(stats, "recordCount");
    uint64_t records = 0;
    for (int t = first; t < end; t++) {
        records += m->out[t].records;
        m->out[t].records = 0;
    }
    if (!count || count->valuedouble != (double)records) {
        sim_fail(m, "a state says that %d records came, and %llu did", count ? count->valueint : -1,
                 (unsigned long long)records);
    }
}

static int table_of(const struct stream_state *state)
{
    return state->id[strlen("public.t")] - '0';
}

void consumer_take_state(struct sim *m, const struct cJSON *message, const char *line, size_t len)
{
    struct state state = {0};
    struct err err = {0};
    if (!state_parse(&state, line, len, NULL, &err) || !state.checkpoint) {
        sim_fail(m, "a state cannot be read: %s", err.message);
        return;
    }
    const struct checkpoint *c = state.checkpoint;
    int first = table_of(&c->streams[0]);
    sim_say(m->trace, "      state %.*s\n", (int)len, line);
    free(m->lines[first]);
    m->lines[first] = mem_zero(len + 1);
    memcpy(m->lines[first], line, len);
    check_count(m, message, first, first + c->stream_count);
    for (int i = 0; i < c->stream_count; i++) {
        check_stream(m, table_of(&c->streams[i]), &c->streams[i], c->cursor);
    }
    m->in_doubt = c->in_doubt_count > 0;
    keep(m, !state.by_stream);
    state_clear(&state);
}

/* In ctid order a row may come by its change before the chunk of its page is out. */
static bool is_due(const struct sim *m, int table, int key)
{
    const struct base *base = &m->bases[table];
    return in_ctid_order(m->kinds[table]) && m->passed >= base->from &&
           m->at[table][key].v != base->rows[key].v;
}

void consumer_check(struct sim *m)
{
    const struct merge *merge = m->capture ? capture_merge(m->capture) : NULL;
    for (int i = 0; i < m->server.tables * SIM_KEYS && !m->setup.look && merge; i++) {
        int table = i / SIM_KEYS, key = 1 + i % SIM_KEYS;
        const struct row *out = &m->out[table].rows[key], *at = &m->at[table][key];
        if (is_ahead(m, table) || merge_is_lost(merge, table)) {
            continue;
        }
        if ((out->v || is_due(m, table, key)) && out->v != at->v) {
            sim_fail(m, "row %d of t%d is v=%d and should be %d", key, table, out->v, at->v);
        }
    }
}

static bool is_right(const struct sim *m, const struct row *out, const struct row *row)
{
    return out->v == row->v && (out->w == row->w || (m->setup.look && !out->w));
}

void consumer_check_end(struct sim *m)
{
    for (int i = 0; i < m->server.tables * SIM_KEYS; i++) {
        int table = i / SIM_KEYS, key = 1 + i % SIM_KEYS;
        const struct row *out = &m->out[table].rows[key], *row = &m->server.table[table].rows[key];
        if (!is_right(m, out, row)) {
            sim_fail(m, "row %d of t%d ends as %d/%d and should be %d/%d", key, table, out->v,
                     out->w, row->v, row->w);
        }
    }
    for (int t = 0; t < m->server.tables; t++) {
        if (!m->active[t]) {
            sim_fail(m, "all is read, and t%d is not active", t);
        }
    }
    if (m->in_doubt) {
        sim_fail(m, "no chunk will be read, and the state still names transactions");
    }
}
