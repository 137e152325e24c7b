/*
 * How SQL orders by the key, and compares with it: by the operators of the key's own index, each
 * with its schema, so that no operator of another schema is taken for one of them.
 */
#include <string.h>

#include "table.h"

/* Append the column with the type and the collation of the key's index. */
static void add_key_column(struct out *sql, const struct table_description *d, int k)
{
    out_string(sql, "r.");
    pg_quote_identifier(sql, d->relation->columns[d->key[k].column].name);
    out_format(sql, "::%s", d->key[k].operators.type);
    if (d->key[k].collation) {
        out_format(sql, " COLLATE %s", d->key[k].collation);
    }
}

void table_order_sql(struct out *sql, const struct table_description *d)
{
    for (int k = 0; k < d->key_count; k++) {
        out_string(sql, k ? "," : "");
        add_key_column(sql, d, k);
        out_format(sql, " USING %s", d->key[k].operators.less);
    }
}

static void add_key_value(struct out *sql, const struct table_description *d, int k,
                          const struct key *key)
{
    pg_quote_literal(sql, key->columns[k].text, key->columns[k].len);
    out_format(sql, "::%s", d->key[k].operators.type);
}

static const char *operator_of(const struct table_description *d, int k, bool greater)
{
    const struct key_operators *o = &d->key[k].operators;
    return greater ? o->greater : o->less_or_equal;
}

static bool one_operator(const struct table_description *d, bool greater)
{
    for (int k = 1; k < d->key_count; k++) {
        if (strcmp(operator_of(d, 0, greater), operator_of(d, k, greater)) != 0) {
            return false;
        }
    }
    return true;
}

/* (r.a,r.b) > (x,y): the server can read the index from there on. */
static void add_row_bound(struct out *sql, const struct table_description *d, bool greater,
                          const struct key *key)
{
    out_string(sql, " AND ROW(");
    for (int k = 0; k < d->key_count; k++) {
        out_string(sql, k ? "," : "");
        add_key_column(sql, d, k);
    }
    out_format(sql, ") %s ROW(", operator_of(d, 0, greater));
    for (int k = 0; k < d->key_count; k++) {
        out_string(sql, k ? "," : "");
        add_key_value(sql, d, k, key);
    }
    out_char(sql, ')');
}

static void add_comparison(struct out *sql, const struct table_description *d, int k,
                           const char *operator, const struct key * key)
{
    add_key_column(sql, d, k);
    out_format(sql, " %s ", operator);
    add_key_value(sql, d, k, key);
}

/* Operators of several schemas make no row: r.a > x OR r.a = x AND (r.b > y), and for the index
 * r.a >= x besides. */
static void add_column_bounds(struct out *sql, const struct table_description *d, bool greater,
                              const struct key *key)
{
    int last = d->key_count - 1;
    out_string(sql, " AND ");
    add_comparison(
        sql, d, 0,
        greater ? d->key[0].operators.greater_or_equal : d->key[0].operators.less_or_equal, key);
    out_string(sql, " AND (");
    for (int k = 0; k <= last; k++) {
        const struct key_operators *o = &d->key[k].operators;
        const char *strict = greater ? o->greater : o->less;
        add_comparison(sql, d, k, k == last ? operator_of(d, k, greater) : strict, key);
        if (k < last) {
            out_string(sql, " OR (");
            add_comparison(sql, d, k, o->equal, key);
            out_string(sql, " AND (");
        }
    }
    for (int k = 0; k < last; k++) {
        out_string(sql, "))");
    }
    out_char(sql, ')');
}

void table_bound_sql(struct out *sql, const struct table_description *d, bool greater,
                     const struct key *key)
{
    if (one_operator(d, greater)) {
        add_row_bound(sql, d, greater, key);
    } else {
        add_column_bounds(sql, d, greater, key);
    }
}
