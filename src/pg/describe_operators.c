/*
 * How SQL must compare the columns of keys: by the operators of the key's own index, each with its
 * schema, and with both operands of the type that they are made for. An operator that is looked up
 * by its name alone may be one that another user put into a schema of the search path, or another
 * one if we may not use the schema of the right one.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "describe.h"
#include "rows.h"

/*
 * A row for each column asked for: its base type, and the operator class of its index or 0: then
 * the default one is found as the server does it. The classes of arrays, enums, ranges, multiranges
 * and records are for all of their kind. Most keys are of a few types: each is answered once.
 */
static const char operators_sql[] =
    "WITH asked AS ("
    " SELECT type, opclass, n FROM unnest($1::oid[], $2::oid[]) WITH ORDINALITY w(type, opclass, n)"
    "), wanted AS ("
    " SELECT w.opclass, t.oid AS type, t.typnamespace, c.opcfamily, c.opcintype,"
    "  c.opcintype IN (2277, 3500, 3831, 4537, 2249) AS polymorphic"
    " FROM (SELECT DISTINCT type, opclass FROM asked) w JOIN pg_type t ON t.oid = w.type"
    " LEFT JOIN pg_type e ON e.oid = t.typelem"
    " LEFT JOIN LATERAL (SELECT o.oid, o.opcfamily, o.opcintype FROM pg_opclass o"
    "  JOIN pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'"
    "  JOIN pg_type i ON i.oid = o.opcintype"
    "  WHERE CASE WHEN w.opclass <> 0 THEN o.oid = w.opclass ELSE o.opcdefault"
    "   AND (o.opcintype = t.oid OR o.opcintype = CASE WHEN e.typarray = t.oid THEN 2277"
    "     ELSE CASE t.typtype WHEN 'e' THEN 3500 WHEN 'r' THEN 3831 WHEN 'm' THEN 4537"
    "      WHEN 'c' THEN 2249 END END"
    "    OR EXISTS (SELECT FROM pg_cast x WHERE x.castsource = t.oid"
    "     AND x.casttarget = o.opcintype AND x.castmethod = 'b' AND x.castcontext = 'i')) END"
    "  ORDER BY o.opcintype = t.oid DESC, i.typispreferred DESC, o.oid LIMIT 1) c ON true"
    "), operators AS ("
    " SELECT w.type, w.opclass, a.amopstrategy, o.oprnamespace,"
    "  format('OPERATOR(%I.%s)', s.nspname, o.oprname) AS operator"
    " FROM wanted w JOIN pg_amop a ON a.amopfamily = w.opcfamily AND a.amopmethod = 403"
    "  AND a.amoppurpose = 's' AND a.amoplefttype = w.opcintype AND a.amoprighttype = w.opcintype"
    " JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace s ON s.oid = o.oprnamespace"
    "), chosen AS ("
    " SELECT type, opclass, array_agg(DISTINCT oprnamespace) AS namespaces,"
    "  max(operator) FILTER (WHERE amopstrategy = 1) AS less,"
    "  max(operator) FILTER (WHERE amopstrategy = 2) AS less_or_equal,"
    "  max(operator) FILTER (WHERE amopstrategy = 3) AS equal,"
    "  max(operator) FILTER (WHERE amopstrategy = 4) AS greater_or_equal,"
    "  max(operator) FILTER (WHERE amopstrategy = 5) AS greater"
    " FROM operators GROUP BY type, opclass"
    "), answers AS ("
    " SELECT w.type, w.opclass, format('%I.%I', s.nspname, t.typname) AS name, c.less,"
    "  c.less_or_equal, c.equal, c.greater_or_equal, c.greater,"
    "  (SELECT string_agg(quote_ident(u.nspname), ', ' ORDER BY u.nspname) FROM pg_namespace u"
    "   WHERE (u.oid IN (t.typnamespace, w.typnamespace) OR u.oid = ANY (c.namespaces))"
    "   AND NOT has_schema_privilege(u.oid, 'USAGE')) AS unusable"
    " FROM wanted w LEFT JOIN chosen c ON c.type = w.type AND c.opclass = w.opclass"
    " JOIN pg_type t ON t.oid = CASE WHEN w.polymorphic THEN w.type"
    "  ELSE coalesce(w.opcintype, w.type) END"
    " JOIN pg_namespace s ON s.oid = t.typnamespace"
    ") "
    "SELECT k.n - 1,"
    " a.name,"
    " a.less,"
    " a.less_or_equal,"
    " a.equal,"
    " a.greater_or_equal,"
    " a.greater,"
    " a.unusable,"
    " quote_ident(current_user) FROM asked k"
    " JOIN answers a ON a.type = k.type AND a.opclass = k.opclass ORDER BY k.n";

enum {
    COL_N,
    COL_TYPE,
    COL_LESS,
    COL_LESS_OR_EQUAL,
    COL_EQUAL,
    COL_GREATER_OR_EQUAL,
    COL_GREATER,
    COL_UNUSABLE,
    COL_USER,
};

static void take_operators(struct key_operators *o, const struct pg_rows *rows, int row)
{
    *o = (struct key_operators){
        .type = rows_copy(rows, row, COL_TYPE),
        .less = rows_copy(rows, row, COL_LESS),
        .less_or_equal = rows_copy(rows, row, COL_LESS_OR_EQUAL),
        .equal = rows_copy(rows, row, COL_EQUAL),
        .greater_or_equal = rows_copy(rows, row, COL_GREATER_OR_EQUAL),
        .greater = rows_copy(rows, row, COL_GREATER),
    };
}

void key_operators_free(struct key_operators *o)
{
    free(o->type);
    free(o->less);
    free(o->less_or_equal);
    free(o->equal);
    free(o->greater_or_equal);
    free(o->greater);
    *o = (struct key_operators){0};
}

static struct pg_rows *query(struct pg *pg, const struct table_description *tables, int count,
                             struct err *err)
{
    struct out types, classes;
    out_init(&types, 256);
    out_init(&classes, 256);
    pg_array_open(&types);
    pg_array_open(&classes);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < tables[i].key_count; k++) {
            const struct key_description *key = &tables[i].key[k];
            const char *comma = types.len > 1 ? "," : "";
            out_format(&types, "%s%u", comma, tables[i].relation->columns[key->column].type->oid);
            out_format(&classes, "%s%u", comma, key->operator_class);
        }
    }
    pg_array_close(&types);
    pg_array_close(&classes);
    const char *params[] = {out_text(&types), out_text(&classes)};
    struct pg_rows *rows = pg_query(pg, operators_sql, 2, params, err);
    out_free(&types);
    out_free(&classes);
    return rows;
}

/* Where rows are read by the key, the server must be able to compare it, and we to ask for it. */
static bool check_operators(const struct table_description *table, int k,
                            const struct pg_rows *rows, int row, struct err *err)
{
    const char *column = table->relation->columns[table->key[k].column].name;
    if (table->ctid_order) {
        return true;
    }
    if (!table->key[k].operators.greater) {
        return err_set(err, ERR_CONFIG,
                       "key column \"%s\" has a type that the server cannot order: leave "
                       "primary_key out (Flow: set the binding's mode to Without Primary Key)",
                       column);
    }
    if (!pg_rows_null(rows, row, COL_UNUSABLE)) {
        const char *schemas = rows_text(rows, row, COL_UNUSABLE);
        return err_set(err, ERR_CONFIG,
                       "the type of key column \"%s\", or its operators, are in schema %s, which "
                       "user %s may not use: run GRANT USAGE ON SCHEMA %s TO %s",
                       column, schemas, rows_text(rows, row, COL_USER), schemas,
                       rows_text(rows, row, COL_USER));
    }
    return true;
}

static bool take_table(struct table_description *table, const struct pg_rows *rows, int *row,
                       struct err *err)
{
    bool fits = true;
    for (int k = 0; k < table->key_count; k++, ++*row) {
        take_operators(&table->key[k].operators, rows, *row);
        fits = fits && check_operators(table, k, rows, *row, err);
    }
    return fits;
}

bool describe_operators(struct pg *pg, struct table_description *tables, int count,
                        void (*visit)(void *, int table, struct err *), void *context,
                        struct err *err)
{
    struct pg_rows *rows = query(pg, tables, count, err);
    int row = 0, keys = 0;
    for (int i = 0; i < count; i++) {
        keys += tables[i].key_count;
    }
    bool ok = rows && (pg_rows_count(rows) == keys ||
                       err_set(err, ERR_TRANSIENT, "a type of a key was dropped meanwhile"));
    for (int i = 0; ok && i < count; i++) {
        struct err unfit;
        if (!take_table(&tables[i], rows, &row, &unfit)) {
            visit(context, i, &unfit);
        }
    }
    pg_rows_free(&rows);
    return ok;
}
