/*
 * Documents' schemas. As discovery proposes it:
 *
 *   {"$defs":{"row.public.t":{"$anchor":"row.public.t","type":"object","properties":{columns…},
 *                        "required":[key…]}},
 *    "allOf":[{"properties":{"_meta":{…,"before":{"$ref":"#row.public.t",…}}},"required":["_meta"],
 *              "if":{a delete},"then":{"reduce":{…}},"else":{"reduce":{…}}},
 *             {"$ref":"#row.public.t"}]}
 *
 * `reduce` tells Flow how documents of one key become one: members are merged, a delete deletes.
 * In history mode the source is reduced by a rule that is not associative: by that, Flow keeps
 * every document of a transaction instead of reducing it before it is stored.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define MERGE  "\"reduce\":{\"strategy\":\"merge\"}"
#define CLOSED ",\"additionalProperties\":false"

void write_plain_name(struct out *out, const char *name, bool foreign)
{
    for (const char *p = name; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (isalnum(c) || strchr("_-.", *p) || (foreign && c >= 0x80)) {
            out_char(out, *p);
        } else {
            out_char(out, '_');
        }
    }
}

static void write_row(struct out *out, const struct discovered_table *table, const char *members,
                      void (*column)(struct out *, const struct discovered_column *))
{
    out_format(out, "{%s\"type\":\"object\",\"properties\":{", members);
    schema_columns(out, table, column);
    out_string(out, "},\"required\":");
    schema_key(out, table);
}

static void write_definition(struct out *out, const struct discovered_table *table,
                             const char *anchor)
{
    char *members = mem_format("\"$anchor\":\"%s\",", anchor);
    out_format(out, "\"$defs\":{\"%s\":", anchor);
    write_row(out, table, members, schema_column);
    if (table->comment) {
        out_string(out, ",\"description\":");
        json_write_string(out, table->comment, strlen(table->comment));
    }
    out_string(out, "}}");
    free(members);
}

static void write_meta(struct out *out, const char *anchor, bool history)
{
    char *before =
        mem_format("{\"$ref\":\"#%s\",\"reduce\":{\"strategy\":\"firstWriteWins\"}}", anchor);
    const char *source =
        history ? ",\"reduce\":{\"strategy\":\"lastWriteWins\",\"associative\":false}" : "";
    schema_meta(out, &(struct schema_meta){before, "," MERGE, source});
    free(before);
}

void document_schema(struct out *out, const struct discovered_table *table,
                     const struct config *config)
{
    struct out anchor;
    out_init(&anchor, 128);
    out_string(&anchor, "row.");
    write_plain_name(&anchor, table->schema, false);
    out_char(&anchor, '.');
    write_plain_name(&anchor, table->name, false);
    out_char(out, '{');
    write_definition(out, table, out_text(&anchor));
    out_string(out, ",\"allOf\":[{\"properties\":{\"_meta\":");
    write_meta(out, out_text(&anchor), config->history_mode);
    out_string(out,
               "},\"required\":[\"_meta\"],"
               "\"if\":{\"properties\":{\"_meta\":{\"properties\":{\"op\":{\"const\":\"d\"}}}}},"
               "\"then\":{\"reduce\":{\"strategy\":\"merge\",\"delete\":true}},"
               "\"else\":{" MERGE "}},");
    out_format(out, "{\"$ref\":\"#%s\"}]%s}", out_text(&anchor),
               config->no_schema_inference ? "" : ",\"x-infer-schema\":true");
    out_free(&anchor);
}

/* The schema of a row, for "before". */
static char *closed_row(const struct discovered_table *table)
{
    struct out out;
    out_init(&out, 1024);
    write_row(&out, table, "", schema_column_sourced);
    out_string(&out, CLOSED "}");
    char *text = mem_string(out_text(&out));
    out_free(&out);
    return text;
}

void sourced_schema(struct out *out, const struct discovered_table *table)
{
    char *before = closed_row(table);
    out_string(out, "{\"type\":\"object\",\"properties\":{");
    if (schema_columns(out, table, schema_column_sourced)) {
        out_char(out, ',');
    }
    out_string(out, "\"_meta\":");
    schema_meta(out, &(struct schema_meta){before, CLOSED, CLOSED});
    out_string(out, "},\"required\":[\"_meta\"");
    for (int i = 0; i < table->key_count; i++) {
        const char *name = table->columns[table->key[i]].name;
        out_char(out, ',');
        json_write_string(out, name, strlen(name));
    }
    out_string(out, "]" CLOSED "}");
    free(before);
}

/* A column's name as a JSON pointer (RFC 6901). */
static char *pointer(const char *name)
{
    struct out out;
    out_init(&out, 128);
    out_char(&out, '/');
    for (; *name; name++) {
        if (*name == '~' || *name == '/') {
            out_string(&out, *name == '~' ? "~0" : "~1");
        } else {
            out_char(&out, *name);
        }
    }
    char *text = mem_string(out_text(&out));
    out_free(&out);
    return text;
}

bool is_keyable(const struct discovered_table *table)
{
    bool keyable = table->key_count > 0;
    for (int i = 0; i < table->key_count; i++) {
        keyable = keyable && schema_is_plain(&table->columns[table->key[i]]);
    }
    return keyable;
}

char **key_pointers(const struct discovered_table *table)
{
    bool keyable = is_keyable(table);
    int count = keyable ? table->key_count : 3;
    char **pointers = mem_zero((size_t)(count + 1) * sizeof *pointers);
    for (int i = 0; i < count; i++) {
        pointers[i] = keyable ? pointer(table->columns[table->key[i]].name)
                              : mem_format("/_meta/source/loc/%d", i);
    }
    return pointers;
}
