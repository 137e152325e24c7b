/* The order of keys that only the server knows. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service.h"

/* Append keys' values of one column as an array literal: {"a","b"} */
static void add_array(struct out *out, const struct keycode *const *keys, size_t count, int column)
{
    out_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *text = keycode_column(keys[i], column, &len);
        out_string(out, i ? ",\"" : "\"");
        for (size_t j = 0; j < len; j++) {
            if (text[j] == '"' || text[j] == '\\') {
                out_char(out, '\\');
            }
            out_char(out, text[j]);
        }
        out_char(out, '"');
    }
    out_char(out, '}');
}

/* k.c0::type COLLATE … OPERATOR(…) b.c0::type */
static void add_comparison(struct out *sql, const struct key_description *key, int k,
                           const char *operator)
{
    out_format(sql, "k.c%d::%s", k, key->operators.type);
    if (key->collation) {
        out_format(sql, " COLLATE %s", key->collation);
    }
    out_format(sql, " %s b.c%d::%s", operator, k, key->operators.type);
}

/* k > b, column by column. */
static void add_greater(struct out *sql, const struct table_description *d)
{
    int last = d->key_count - 1;
    for (int k = 0; k <= last; k++) {
        add_comparison(sql, &d->key[k], k, d->key[k].operators.greater);
        if (k < last) {
            out_string(sql, " OR (");
            add_comparison(sql, &d->key[k], k, d->key[k].operators.equal);
            out_string(sql, " AND (");
        }
    }
    for (int k = 0; k < last; k++) {
        out_string(sql, "))");
    }
}

static void add_unnest(struct out *sql, const struct table_description *d, char alias, int first)
{
    out_string(sql, "unnest(");
    for (int k = 0; k < d->key_count; k++) {
        out_format(sql, "%s$%d::text[]", k ? "," : "", first + k);
    }
    out_format(sql, ") WITH ORDINALITY AS %c(", alias);
    for (int k = 0; k < d->key_count; k++) {
        out_format(sql, "c%d,", k);
    }
    out_string(sql, "n)");
}

/* For each key, in order, the number of bounds below it. */
static void rank_sql(struct out *sql, const struct table_description *d)
{
    out_string(sql, "SELECT (SELECT pg_catalog.count(*) FROM ");
    add_unnest(sql, d, 'b', 1 + d->key_count);
    out_string(sql, " WHERE ");
    add_greater(sql, d);
    out_string(sql, ") FROM ");
    add_unnest(sql, d, 'k', 1);
    out_string(sql, " ORDER BY k.n");
}

static bool ask(struct service *s, struct question *q, const char *sql, const char *const *params,
                struct err *err)
{
    struct merge_question *m = q->merge;
    struct pg_rows *rows = service_query(s, sql, 2 * q->about->key_count, params, err);
    q->stale = !rows && service_is_stale(s);
    bool ok = rows && (pg_rows_count(rows) == (int)m->count ||
                       err_set(err, ERR_SYSTEM, "the server answered for %d keys of %zu",
                               pg_rows_count(rows), m->count));
    for (size_t i = 0; ok && i < m->count; i++) {
        m->ranks[i] = (int)strtol(pg_rows_value(rows, (int)i, 0), NULL, 10);
    }
    pg_rows_free(&rows);
    return ok;
}

bool answer_ranks(struct service *s, struct question *q, struct err *err)
{
    const struct table_description *d = q->about;
    const struct merge_question *m = q->merge;
    struct out sql, texts[2 * KEY_COLUMNS_MAX];
    const char *params[2 * KEY_COLUMNS_MAX];
    out_init(&sql, 1024);
    rank_sql(&sql, d);
    for (int k = 0; k < d->key_count; k++) {
        struct out *key = &texts[k], *bound = &texts[d->key_count + k];
        out_init(key, 256);
        out_init(bound, 256);
        add_array(key, m->keys, m->count, k);
        add_array(bound, m->bounds, m->bound_count, k);
        params[k] = out_text(key);
        params[d->key_count + k] = out_text(bound);
    }
    bool ok = ask(s, q, out_text(&sql), params, err);
    for (int k = 0; k < 2 * d->key_count; k++) {
        out_free(&texts[k]);
    }
    out_free(&sql);
    return ok || err_prefix(err, "comparing keys of %s: ",
                            stream_label(d->relation->schema, d->relation->name).s);
}
