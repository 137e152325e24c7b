/* Writing schemas: first what a type's values look like, then what surrounds them. */
#include "discover/schema.h"

#include <string.h>

#include "json/json.h"

/* How values of a type print. */
struct look {
    const char *types; /* JSON types, each quoted, joined by commas; NULL: any value at all */
    const char *rest;  /* further members */
};

static const struct look string_look = {"\"string\"", ""};

/* Times have no format: 24:00:00, and offsets with seconds, are not valid in RFC 3339. */
static const struct {
    uint32_t oid;
    struct look look;
} builtin_looks[] = {
    {OID_BOOL, {"\"boolean\"", ""}},
    {OID_INT2, {"\"integer\"", ""}},
    {OID_INT4, {"\"integer\"", ""}},
    {OID_INT8, {"\"integer\"", ""}},
    {OID_OID, {"\"integer\"", ""}},
    {OID_FLOAT4, {"\"number\",\"string\"", ",\"format\":\"number\""}},
    {OID_FLOAT8, {"\"number\",\"string\"", ",\"format\":\"number\""}},
    {OID_NUMERIC, {"\"string\"", ",\"format\":\"number\""}},
    {OID_BYTEA, {"\"string\"", ",\"contentEncoding\":\"base64\""}},
    {OID_DATE, {"\"string\"", ",\"format\":\"date\""}},
    {OID_TIMESTAMP, {"\"string\"", ",\"format\":\"date-time\""}},
    {OID_TIMESTAMPTZ, {"\"string\"", ",\"format\":\"date-time\""}},
    {OID_UUID, {"\"string\"", ",\"format\":\"uuid\""}},
    {OID_JSON, {NULL, ",\"contentMediaType\":\"application/json\""}},
    {OID_JSONB, {NULL, ",\"contentMediaType\":\"application/json\""}},
};

static const struct {
    const char *name;
    struct look look;
} extension_looks[] = {
    {"hstore", {"\"object\"", ",\"additionalProperties\":{\"type\":[\"string\",\"null\"]}"}},
    {"vector", {"\"array\"", ",\"items\":{\"type\":\"number\"}"}},
    {"halfvec", {"\"array\"", ",\"items\":{\"type\":\"number\"}"}},
};

enum { FIRST_USER_OID = 16384 }; /* extensions' types are never below */

static const struct look *scalar_look(const struct type *type)
{
    for (size_t i = 0; i < sizeof builtin_looks / sizeof *builtin_looks; i++) {
        if (builtin_looks[i].oid == type->oid) {
            return &builtin_looks[i].look;
        }
    }
    for (size_t i = 0; i < sizeof extension_looks / sizeof *extension_looks; i++) {
        if (type->oid >= FIRST_USER_OID && !strcmp(extension_looks[i].name, type->name)) {
            return &extension_looks[i].look;
        }
    }
    return &string_look;
}

static const struct look *look_of(const struct type *type)
{
    return type->class == TYPE_SCALAR ? scalar_look(type) : &string_look;
}

/*
 * "type":…: `array` adds that to what a value may be. Returns false where any value may be, and
 * nothing was written.
 */
static bool write_types(struct out *out, const struct look *look, bool array, bool nullable)
{
    bool several = look->types && (array || nullable || strchr(look->types, ','));
    if (!look->types) {
        return false;
    }
    out_format(out, "\"type\":%s%s%s%s%s", several ? "[" : "", look->types,
               array ? ",\"array\"" : "", nullable ? ",\"null\"" : "", several ? "]" : "");
    return true;
}

/*
 * An array's elements may be arrays again: the number of dimensions is the value's, whatever the
 * column was declared with.
 */
static void write_array(struct out *out, const struct type *element, bool nullable)
{
    static const struct look array = {"\"array\"", ""};
    const struct look *look = look_of(element);
    write_types(out, &array, false, nullable);
    out_string(out, ",\"items\":{");
    bool arrays = look->types && !strcmp(look->types, "\"array\"");
    if (write_types(out, look, !arrays, true) && !arrays) {
        out_string(out, look->rest);
    }
    out_char(out, '}');
}

/* The declared length of varchar(n) and char(n), in characters; -1: none. */
static int declared_length(const struct discovered_column *column)
{
    bool text = column->type->oid == OID_VARCHAR || column->type->oid == OID_BPCHAR;
    return text && column->typmod > 4 ? column->typmod - 4 : -1;
}

/* Members of a column's schema, each behind a comma, but for the first. */
static void write_value(struct out *out, const struct discovered_column *column, bool nullable)
{
    const struct type *type = column->type;
    if (type->class == TYPE_ARRAY && type->element) {
        write_array(out, type->element, nullable);
        return;
    }
    const struct look *look = look_of(type);
    bool typed = write_types(out, look, false, nullable);
    out_string(out, typed ? look->rest : look->rest + 1);
    if (declared_length(column) >= 0) {
        out_format(out, ",\"maxLength\":%d", declared_length(column));
    }
}

/* The comment, and how the column was declared. */
static void write_description(struct out *out, const struct discovered_column *column)
{
    struct out text;
    out_init(&text, 128);
    if (column->comment) {
        out_format(&text, "%s ", column->comment);
    }
    out_format(&text, "(source type: %s%s)", column->nullable ? "" : "non-nullable ",
               column->declared);
    out_string(out, ",\"description\":");
    json_write_string(out, text.data, text.len);
    out_free(&text);
}

void schema_column(struct out *out, const struct discovered_column *column)
{
    out_char(out, '{');
    write_value(out, column, column->nullable);
    write_description(out, column);
    out_char(out, '}');
}

void schema_column_sourced(struct out *out, const struct discovered_column *column)
{
    out_char(out, '{');
    write_value(out, column, false);
    out_char(out, '}');
}

bool schema_is_plain(const struct discovered_column *column)
{
    static const char *const plain[] = {"\"string\"", "\"integer\"", "\"boolean\""};
    const struct look *look = look_of(column->type);
    bool found = false;
    for (size_t i = 0; look->types && i < sizeof plain / sizeof *plain; i++) {
        found |= !strcmp(look->types, plain[i]);
    }
    return found && column->type->class != TYPE_ARRAY;
}

bool schema_columns(struct out *out, const struct discovered_table *table,
                    void (*write)(struct out *, const struct discovered_column *))
{
    bool first = true;
    for (int i = 0; i < table->column_count; i++) {
        const struct discovered_column *column = &table->columns[i];
        if (!strcmp(column->name, "_meta")) {
            continue; /* the record has its own */
        }
        out_string(out, first ? "" : ",");
        first = false;
        json_write_string(out, column->name, strlen(column->name));
        out_char(out, ':');
        write(out, column);
    }
    return !first;
}

void schema_meta(struct out *out, const struct schema_meta *meta)
{
    out_string(out, "{\"type\":\"object\",\"properties\":{"
                    "\"op\":{\"type\":\"string\",\"enum\":[\"c\",\"u\",\"d\"],"
                    "\"description\":\"create, update or delete\"},"
                    "\"source\":{\"type\":\"object\",\"properties\":{"
                    "\"ts_ms\":{\"type\":\"integer\","
                    "\"description\":\"when the change was committed, in ms since 1970\"},"
                    "\"schema\":{\"type\":\"string\"},"
                    "\"snapshot\":{\"type\":\"boolean\","
                    "\"description\":\"the row was there before the capture began\"},"
                    "\"table\":{\"type\":\"string\"},"
                    "\"loc\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},"
                    "\"minItems\":3,\"maxItems\":3,"
                    "\"description\":\"place in the order of changes\"},"
                    "\"txid\":{\"type\":\"integer\",\"description\":\"transaction\"},"
                    "\"tag\":{\"type\":\"string\"}},"
                    "\"required\":[\"schema\",\"table\",\"loc\"]");
    out_format(out, "%s},\"before\":%s},\"required\":[\"op\",\"source\"]%s}", meta->source_members,
               meta->before, meta->members);
}

void schema_key(struct out *out, const struct discovered_table *table)
{
    out_char(out, '[');
    for (int i = 0; i < table->key_count; i++) {
        const char *name = table->columns[table->key[i]].name;
        out_string(out, i ? "," : "");
        json_write_string(out, name, strlen(name));
    }
    out_char(out, ']');
}
