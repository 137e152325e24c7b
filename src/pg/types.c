/*
 * The table of types: a hash by OID, filled from builtin.h when it is made, and from the catalogs
 * on demand.
 */
#include "pg/types.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "builtin.h"
#include "rows.h"
#include "types_table.h"

/* The place of that OID, or the free one where it belongs. */
static struct entry *place(struct entry *entries, size_t cap, uint32_t oid)
{
    uint32_t hash = oid * UINT32_C(2654435761);
    size_t i = hash & (cap - 1);
    while (entries[i].oid && entries[i].oid != oid) {
        i = (i + 1) & (cap - 1);
    }
    return &entries[i];
}

struct entry *type_hash_find(const struct type_hash *hash, uint32_t oid)
{
    struct entry *entry = hash->cap ? place(hash->entries, hash->cap, oid) : NULL;
    return oid && entry && entry->oid ? entry : NULL;
}

static void grow(struct type_hash *hash)
{
    size_t cap = hash->cap ? hash->cap * 2 : 512;
    struct entry *entries = mem_zero(cap * sizeof *entries);
    for (size_t i = 0; i < hash->cap; i++) {
        if (hash->entries[i].oid) {
            *place(entries, cap, hash->entries[i].oid) = hash->entries[i];
        }
    }
    free(hash->entries);
    hash->entries = entries;
    hash->cap = cap;
}

struct entry *type_hash_insert(struct type_hash *hash, uint32_t oid, const struct type *type)
{
    if (hash->count * 2 >= hash->cap) {
        grow(hash);
    }
    struct entry *entry = place(hash->entries, hash->cap, oid);
    hash->count += entry->oid == 0;
    *entry = (struct entry){.oid = oid, .typmod = -1, .type = type};
    return entry;
}

static struct entry *lookup(const struct types *types, uint32_t oid)
{
    return type_hash_find(&types->known, oid);
}

static struct entry *insert(struct types *types, uint32_t oid, const struct type *type)
{
    return type_hash_insert(&types->known, oid, type);
}

static const char *keep(struct types *types, const char *s)
{
    return arena_string(&types->arena, s, strlen(s));
}

static const struct type *add(struct types *types, const struct type *type)
{
    const struct type *copy = arena_copy(&types->arena, type, sizeof *type);
    insert(types, type->oid, copy);
    return copy;
}

static const char *array_name(struct types *types, const char *element)
{
    size_t len = strlen(element) + 1;
    char *name = arena_alloc(&types->arena, len + 1);
    name[0] = '_';
    memcpy(name + 1, element, len);
    return name;
}

/* One of ours, and its array. */
static void add_builtin(struct types *types, const struct builtin_type *b, enum type_class class,
                        const struct type *inner)
{
    struct type type = {b->oid, class, "pg_catalog", b->name, inner, ','};
    const struct type *element = add(types, &type);
    struct type array = {.oid = b->array_oid,
                         .class = TYPE_ARRAY,
                         .schema = "pg_catalog",
                         .name = array_name(types, b->name),
                         .element = element,
                         .delimiter = b->oid == OID_BOX ? ';' : ','};
    if (array.oid) {
        add(types, &array);
    }
}

struct types *types_new(void)
{
    struct types *types = mem_zero(sizeof *types);
    arena_init(&types->arena, 16 << 10);
    for (size_t i = 0; i < sizeof builtin_types / sizeof *builtin_types; i++) {
        add_builtin(types, &builtin_types[i], TYPE_SCALAR, NULL);
    }
    types->text = types_find(types, OID_TEXT);
    for (size_t i = 0; i < sizeof builtin_ranges / sizeof *builtin_ranges; i++) {
        const struct builtin_range *b = &builtin_ranges[i];
        const struct type *subtype = types_find(types, b->subtype);
        add_builtin(types, &b->range, TYPE_RANGE, subtype);
        add_builtin(types, &b->multirange, TYPE_MULTIRANGE, subtype);
    }
    return types;
}

void types_free(struct types **types)
{
    if (*types) {
        arena_free(&(*types)->arena);
        free((*types)->known.entries);
        free((*types)->remembered.entries);
        free(*types);
        *types = NULL;
    }
}

const struct type *types_find(const struct types *types, uint32_t oid)
{
    const struct entry *entry = lookup(types, oid);
    return entry ? entry->type : types->text;
}

int32_t types_modifier(const struct types *types, uint32_t oid, int32_t typmod)
{
    const struct entry *entry = lookup(types, oid);
    return typmod >= 0 || !entry ? typmod : entry->typmod;
}

const char *const *types_labels(const struct types *types, uint32_t oid)
{
    const struct entry *entry = lookup(types, types_find(types, oid)->oid);
    return entry ? entry->labels : NULL;
}

/*
 * Every type asked for and all that it is made of, what others are made of first. A true array is
 * one that its element calls its array: oidvector and similar types have elements too, but print in
 * their own form.
 */
static const char types_sql[] =
    "WITH RECURSIVE wanted(oid, depth) AS ("
    " SELECT unnest($1::oid[]), 0"
    " UNION"
    " SELECT i.oid, w.depth + 1"
    " FROM wanted w"
    " JOIN pg_type t ON t.oid = w.oid"
    " LEFT JOIN pg_type e ON e.oid = t.typelem"
    " LEFT JOIN pg_range r ON r.rngtypid = t.oid"
    " LEFT JOIN pg_range m ON %s"
    " CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype"
    "   WHEN e.typarray = t.oid THEN t.typelem ELSE coalesce(r.rngsubtype, m.rngsubtype) END) "
    "i(oid)"
    " WHERE i.oid <> 0) "
    "SELECT t.oid,"
    " n.nspname,"
    " t.typname,"
    " CASE WHEN e.typarray = t.oid THEN 'a' ELSE t.typtype END,"
    " CASE WHEN t.typtype = 'd' THEN t.typbasetype"
    "  WHEN e.typarray = t.oid THEN t.typelem ELSE coalesce(r.rngsubtype, m.rngsubtype) END,"
    " CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE -1 END,"
    " coalesce(e.typdelim, ',') "
    "FROM (SELECT oid, max(depth) AS depth FROM wanted GROUP BY oid) w "
    "JOIN pg_type t ON t.oid = w.oid "
    "JOIN pg_namespace n ON n.oid = t.typnamespace "
    "LEFT JOIN pg_type e ON e.oid = t.typelem "
    "LEFT JOIN pg_range r ON r.rngtypid = t.oid "
    "LEFT JOIN pg_range m ON %s "
    "ORDER BY w.depth DESC";

enum { COL_OID, COL_SCHEMA, COL_NAME, COL_KIND, COL_INNER, COL_TYPMOD, COL_DELIMITER };

enum type_class type_class_of(char kind)
{
    switch (kind) {
    case 'a': return TYPE_ARRAY;
    case 'c': return TYPE_COMPOSITE;
    case 'e': return TYPE_ENUM;
    case 'm': return TYPE_MULTIRANGE;
    case 'r': return TYPE_RANGE;
    default: return TYPE_SCALAR;
    }
}

static void add_domain(struct types *types, const struct pg_rows *rows, int row)
{
    uint32_t inner = rows_oid(rows, row, COL_INNER);
    int32_t typmod = types_modifier(types, inner, rows_int(rows, row, COL_TYPMOD));
    insert(types, rows_oid(rows, row, COL_OID), types_find(types, inner))->typmod = typmod;
}

static void add_row(struct types *types, const struct pg_rows *rows, int row)
{
    char kind = *rows_text(rows, row, COL_KIND);
    uint32_t inner = rows_oid(rows, row, COL_INNER);
    if (kind == 'd') {
        add_domain(types, rows, row);
        return;
    }
    struct type type = {.oid = rows_oid(rows, row, COL_OID),
                        .class = type_class_of(kind),
                        .schema = keep(types, rows_text(rows, row, COL_SCHEMA)),
                        .name = keep(types, rows_text(rows, row, COL_NAME)),
                        .element = inner ? types_find(types, inner) : NULL,
                        .delimiter = *rows_text(rows, row, COL_DELIMITER)};
    add(types, &type);
}

/* An array of OIDs as a parameter. */
static void write_oids(struct out *out, const uint32_t *oids, size_t count)
{
    out_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        out_format(out, i ? ",%u" : "%u", oids[i]);
    }
    out_char(out, '}');
}

static struct pg_rows *query_oids(struct pg *pg, const char *sql, const uint32_t *oids,
                                  size_t count, struct err *err)
{
    struct out list;
    out_init(&list, 256);
    write_oids(&list, oids, count);
    const char *params[] = {out_text(&list)};
    struct pg_rows *rows = pg_query(pg, sql, 1, params, err);
    out_free(&list);
    return rows;
}

static const char labels_sql[] =
    "SELECT enumtypid, enumlabel FROM pg_enum WHERE enumtypid = ANY ($1::oid[]) "
    "ORDER BY enumtypid, enumsortorder";

enum { LABEL_TYPE, LABEL_TEXT };

/* The labels of one enum, which are rows [first, end). */
static void set_labels(struct types *types, const struct pg_rows *rows, int first, int end)
{
    struct entry *entry = lookup(types, rows_oid(rows, first, LABEL_TYPE));
    const char **labels = arena_alloc(&types->arena, (size_t)(end - first + 1) * sizeof *labels);
    for (int row = first; row < end; row++) {
        labels[row - first] = keep(types, rows_text(rows, row, LABEL_TEXT));
    }
    labels[end - first] = NULL;
    if (entry) {
        entry->labels = labels;
    }
}

static int labels_end(const struct pg_rows *rows, int first)
{
    int end = first;
    while (end < pg_rows_count(rows) &&
           rows_oid(rows, end, LABEL_TYPE) == rows_oid(rows, first, LABEL_TYPE)) {
        end++;
    }
    return end;
}

static bool load_labels(struct types *types, struct pg *pg, const uint32_t *enums, size_t count,
                        struct err *err)
{
    struct pg_rows *rows = query_oids(pg, labels_sql, enums, count, err);
    if (!rows) {
        return false;
    }
    for (int first = 0, end; first < pg_rows_count(rows); first = end) {
        end = labels_end(rows, first);
        set_labels(types, rows, first, end);
    }
    pg_rows_free(&rows);
    return true;
}

/* Add the types that the catalogs have; then ask for the labels of the enums among them. */
static bool take_rows(struct types *types, struct pg *pg, const struct pg_rows *rows,
                      struct err *err)
{
    size_t enum_count = 0;
    uint32_t *enums = mem_alloc((size_t)pg_rows_count(rows) * sizeof *enums);
    for (int row = 0; row < pg_rows_count(rows); row++) {
        uint32_t oid = rows_oid(rows, row, COL_OID);
        if (lookup(types, oid)) {
            continue;
        }
        add_row(types, rows, row);
        if (types_find(types, oid)->class == TYPE_ENUM && types_find(types, oid)->oid == oid) {
            enums[enum_count++] = oid;
        }
    }
    bool ok = !enum_count || load_labels(types, pg, enums, enum_count, err);
    free(enums);
    return ok;
}

/* Add a type that is not in the catalogs: it was dropped meanwhile. */
static void add_gone(struct types *types, uint32_t oid)
{
    const struct entry *old = type_hash_find(&types->remembered, oid);
    struct entry *entry = insert(types, oid, old ? old->type : types->text);
    entry->typmod = old ? old->typmod : -1;
}

static bool load_unknown(struct types *types, struct pg *pg, const uint32_t *oids, size_t count,
                         struct err *err)
{
    struct out sql;
    const char *join = pg_server_version(pg) >= 140000 ? "m.rngmultitypid = t.oid" : "false";
    out_init(&sql, sizeof types_sql);
    out_format(&sql, types_sql, join, join);
    struct pg_rows *rows = query_oids(pg, out_text(&sql), oids, count, err);
    out_free(&sql);
    bool ok = rows && take_rows(types, pg, rows, err);
    pg_rows_free(&rows);
    for (size_t i = 0; ok && i < count; i++) {
        if (!lookup(types, oids[i])) {
            add_gone(types, oids[i]);
        }
    }
    return ok;
}

bool types_load(struct types *types, struct pg *pg, const uint32_t *oids, size_t count,
                struct err *err)
{
    size_t unknown_count = 0;
    uint32_t *unknown = mem_alloc(count * sizeof *unknown);
    for (size_t i = 0; i < count; i++) {
        if (oids[i] && !lookup(types, oids[i])) {
            unknown[unknown_count++] = oids[i];
        }
    }
    bool ok = !unknown_count || load_unknown(types, pg, unknown, unknown_count, err);
    free(unknown);
    return ok;
}

bool types_know(const struct types *types, const struct relation *relation)
{
    bool known = true;
    for (int i = 0; i < relation->column_count; i++) {
        known &= lookup(types, relation->columns[i].type_oid) != NULL;
    }
    return known;
}

bool types_resolve(struct types *types, struct pg *pg, struct relation *relation, struct err *err)
{
    size_t count = 0;
    uint32_t *oids = mem_alloc((size_t)relation->column_count * sizeof *oids);
    for (int i = 0; i < relation->column_count; i++) {
        if (!relation->columns[i].type) {
            oids[count++] = relation->columns[i].type_oid;
        }
    }
    bool ok = types_load(types, pg, oids, count, err);
    for (int i = 0; ok && i < relation->column_count; i++) {
        struct column *column = &relation->columns[i];
        if (!column->type) { /* a set type is not even rewritten: another thread may be reading
                                it */
            column->type = types_find(types, column->type_oid);
        }
    }
    free(oids);
    return ok;
}
