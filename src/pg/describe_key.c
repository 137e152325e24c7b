/* Which columns are the key of a table, in whose order, and whether changes will carry it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"
#include "describe.h"
#include "row/key.h"

/* Types whose values the server orders as our encoding orders bytes, given the collation if they
 * have one. */
static bool bytewise_type(const struct type *type)
{
    switch (type->oid) {
    case OID_BOOL:
    case OID_BYTEA:
    case OID_NAME:
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
    case OID_TEXT:
    case OID_OID:
    case OID_BPCHAR:
    case OID_VARCHAR:
    case OID_DATE:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
    case OID_UUID: return true;
    default: return false;
    }
}

static void set_part(struct table_description *table, int part, int column,
                     const struct column_facts *facts)
{
    bool bytes = bytewise_type(table->relation->columns[column].type);
    table->key[part] = (struct key_description){
        .column = column,
        .bytewise = bytes && (!facts->collation || facts->bytes_collation),
        .collation = mem_string(facts->collation),
        .operator_class = facts->operator_class,
    };
    table->key_count = part + 1;
}

static bool choose_named(struct table_description *table, const struct column_facts *facts,
                         char *const *names, struct err *err)
{
    int count = 0;
    while (names[count]) {
        count++;
    }
    if (count > KEY_COLUMNS_MAX) {
        return err_set(err, ERR_CONFIG,
                       "the catalog's primary_key names %d columns; a key has %d at most", count,
                       KEY_COLUMNS_MAX);
    }
    table->key = mem_zero((size_t)count * sizeof *table->key);
    for (int part = 0; part < count; part++) {
        int column = relation_column(table->relation, names[part]);
        if (column < 0) {
            return err_set(err, ERR_CONFIG,
                           "the key that was chosen names column \"%s\", and the table has no "
                           "such column that is published: correct primary_key (Flow: the "
                           "collection's key), leave it out to use the table's own, or add the "
                           "column to the publication's column list",
                           names[part]);
        }
        set_part(table, part, column, &facts[column]);
    }
    return true;
}

/* How many columns the table's own key has, or -1 if some of them are not published. */
static int own_key_width(const struct relation *relation, const struct column_facts *facts)
{
    int last = 0, found = 0;
    for (int i = 0; i < relation->column_count; i++) {
        last = facts[i].position > last ? facts[i].position : last;
        found += facts[i].position > 0;
    }
    return found == last ? last : -1;
}

static void choose_own(struct table_description *table, const struct column_facts *facts)
{
    const struct relation *relation = table->relation;
    int count = own_key_width(relation, facts);
    if (count <= 0) {
        return; /* no key, or one that the publication's column list cuts off */
    }
    table->key = mem_zero((size_t)count * sizeof *table->key);
    for (int i = 0; i < relation->column_count; i++) {
        if (facts[i].position) {
            set_part(table, facts[i].position - 1, i, &facts[i]);
        }
    }
    table->key_count = count;
}

/*
 * An update or delete carries the old key only as far as the replica identity covers it. Without
 * any identity the server refuses both. Returns the name of a key column that they do not carry;
 * NULL: none.
 */
static const char *unsent_key_column(const struct table_description *table)
{
    const struct relation *relation = table->relation;
    bool any = false;
    const char *missing = NULL;
    for (int i = 0; i < relation->column_count; i++) {
        any = any || relation->columns[i].identity;
    }
    for (int i = 0; i < table->key_count; i++) {
        const struct column *column = &relation->columns[table->key[i].column];
        missing = missing || column->identity ? missing : column->name;
    }
    return any ? missing : NULL;
}

static bool check_identity(const struct table_description *table, struct err *err)
{
    const struct relation *relation = table->relation;
    const char *missing = unsent_key_column(table);
    if (!missing) {
        return true;
    }
    char *name = sql_table(relation->schema, relation->name);
    err_set(err, ERR_CONFIG,
            "key column \"%s\" is not part of the table's replica identity, so that changes do not "
            "tell which row they are of: run ALTER TABLE %s REPLICA IDENTITY FULL, or choose a key "
            "within it as primary_key (Flow: as the collection's key)",
            missing, name);
    free(name);
    return false;
}

/* Refuse names that a record has no room for: see emit/printer.h. */
static bool check_names(const struct table_description *table, struct err *err)
{
    for (int i = 0; i < table->key_count; i++) {
        if (!strcmp(table->relation->columns[table->key[i].column].name, "_meta")) {
            return err_set(err, ERR_CONFIG,
                           "key column \"_meta\" has the name of a part of every record: rename "
                           "the column");
        }
    }
    return true;
}

/* Rows are read from one key to the next: a null has no place in that order. */
static bool check_nulls(const struct table_description *table, const struct column_facts *facts,
                        struct err *err)
{
    for (int i = 0; i < table->key_count; i++) {
        const char *column = table->relation->columns[table->key[i].column].name;
        if (facts[table->key[i].column].nullable) {
            char *name = sql_table(table->relation->schema, table->relation->name);
            char *quoted = sql_name(column);
            err_set(err, ERR_CONFIG,
                    "key column \"%s\" may be null: run ALTER TABLE %s ALTER COLUMN %s SET NOT "
                    "NULL, or choose another primary_key (Flow: another collection's key)",
                    column, name, quoted);
            free(name);
            free(quoted);
            return false;
        }
    }
    return true;
}

/* Whether the table's own key lies within the one that was chosen, which holds no nulls. */
static bool is_unique(const struct table_description *table, const struct column_facts *facts)
{
    int found = 0, width = own_key_width(table->relation, facts);
    for (int i = 0; i < table->key_count; i++) {
        const struct column_facts *column = &facts[table->key[i].column];
        if (column->nullable) {
            return false;
        }
        found += column->position > 0;
    }
    return width > 0 && found == width;
}

static void drop_key(struct table_description *table)
{
    for (int i = 0; i < table->key_count; i++) {
        free(table->key[i].collation);
        key_operators_free(&table->key[i].operators);
    }
    table->key_count = 0;
}

/*
 * A key of a user's choice that two rows may share, or that may be null: rows are read in ctid
 * order, and changes may lack columns of it.
 */
static bool choose_any(struct table_description *table, struct err *err)
{
    table->ctid_order = true;
    table->unsent_key = mem_string(unsent_key_column(table));
    return check_names(table, err);
}

/*
 * A key that was asked for, or by which rows are read, must be usable. Any other key is used to
 * match changes to rows if it is usable, and else there is none.
 */
bool key_choose(struct table_description *table, const struct column_facts *facts,
                const struct catalog_stream *stream, struct err *err)
{
    bool named = stream->key && stream->key[0];
    bool read_by = stream->mode == BACKFILL_NORMAL;
    if (!named) {
        choose_own(table, facts);
    } else if (!choose_named(table, facts, stream->key, err)) {
        return false;
    }
    if (named && read_by && table->key_repeats && stream->key_may_repeat) {
        return choose_any(table, err);
    }
    bool fits = check_names(table, err) && check_identity(table, err);
    if (!fits && !named && !read_by) {
        drop_key(table);
        fits = true;
    }
    table->unique = is_unique(table, facts);
    table->ctid_order = stream->mode == BACKFILL_WITHOUT_KEY || !table->key_count;
    return fits && (!read_by || check_nulls(table, facts, err));
}
