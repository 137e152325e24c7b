/* Bindings as streams. */
#include "parse.h"

#include <stdio.h>

TestSuite(flow_bindings, .init = start, .fini = stop);

#define OPEN(members) "{\"open\":{\"capture\":{" BINDINGS(members) "}}}"

static const struct catalog_stream *stream(const char *members)
{
    char line[1024];
    snprintf(line, sizeof line, "{\"open\":{\"capture\":{" BINDINGS("%s") "}}}", members);
    parse(line);
    return &request.catalog->streams[0];
}

Test(flow_bindings, a_table_and_its_state_key)
{
    const struct catalog_stream *s = stream("},\"stateKey\":\"public%2Ft.v3\",\"backfill\":3}");
    cr_assert_str_eq(s->schema, "public");
    cr_assert_str_eq(s->table, "t");
    cr_assert_str_eq(s->state_key, "public%2Ft.v3");
    cr_assert_eq(s->mode, BACKFILL_NORMAL);
    cr_assert_eq(s->priority, 0);
    cr_assert_null(s->key);
    cr_assert_str_eq(stream("}}")->state_key, "public.t");
}

Test(flow_bindings, modes_and_priority)
{
    cr_assert_eq(stream(",\"mode\":\"\"}}")->mode, BACKFILL_NORMAL);
    cr_assert_eq(stream(",\"mode\":\"Normal\"}}")->mode, BACKFILL_NORMAL);
    cr_assert_eq(stream(",\"mode\":\"Precise\"}}")->mode, BACKFILL_NORMAL);
    cr_assert_eq(stream(",\"mode\":\"Only Changes\"}}")->mode, BACKFILL_ONLY_CHANGES);
    cr_assert_eq(stream(",\"mode\":\"Without Primary Key\"}}")->mode, BACKFILL_WITHOUT_KEY);
    cr_assert_eq(stream(",\"priority\":-3}}")->priority, -3);
}

Test(flow_bindings, the_collections_key_names_columns)
{
    const struct catalog_stream *s =
        stream("},\"collection\":{\"name\":\"c\",\"key\":[\"/a~1b~0c~01\",\"/id\"]}}");
    cr_assert_str_eq(s->key[0], "a/b~c~1");
    cr_assert_str_eq(s->key[1], "id");
    cr_assert_null(s->key[2]);
}

Test(flow_bindings, a_key_of_other_things_names_none)
{
    cr_assert_null(stream("},\"collection\":{\"key\":[\"/_meta/source/loc/0\"]}}")->key);
    cr_assert_null(stream("},\"collection\":{\"key\":[\"/id\",\"/doc/name\"]}}")->key);
    cr_assert_null(stream("},\"collection\":{\"key\":[\"/_meta\"]}}")->key);
    cr_assert_null(stream("},\"collection\":{\"key\":[]}}")->key);
}

Test(flow_bindings, a_key_in_the_resource_comes_first)
{
    const struct catalog_stream *s =
        stream(",\"primary_key\":[\"b\"]},\"collection\":{\"key\":[\"/id\"]}}");
    cr_assert_str_eq(s->key[0], "b");
    cr_assert_null(s->key[1]);
    s = stream(",\"primary_key\":[]},\"collection\":{\"key\":[\"/id\"]}}");
    cr_assert_str_eq(s->key[0], "id");
}

Test(flow_bindings, the_platforms_notes_are_left_alone)
{
    cr_assert_str_eq(stream(",\"_meta\":{\"path\":[1]},\"syncMode\":\"x\"}}")->table, "t");
}

#define LINKED(binding, linked)                                                                    \
    "{\"open\":{\"capture\":{\"config\":{\"host\":\"h\",\"user\":\"u\"},\"bindings\":["            \
    "{\"resourceConfig\":{" TABLE "}" binding "}],\"linkedCollections\":" linked "}}}"

Test(flow_bindings, a_collection_may_be_linked)
{
    parse(LINKED(",\"collectionIndex\":1", "[{\"key\":[\"/a\"]},{\"key\":[\"/b\"]}]"));
    cr_assert_str_eq(request.catalog->streams[0].key[0], "b");
    parse(LINKED("", "[{\"key\":[\"/a\"]},{\"key\":[\"/b\"]}]"));
    cr_assert_str_eq(request.catalog->streams[0].key[0], "a");
    parse(LINKED(",\"collection\":{\"key\":[]}", "[{\"key\":[\"/a\"]}]"));
    cr_assert_str_eq(request.catalog->streams[0].key[0], "a");
    parse(LINKED(",\"collection\":{\"key\":[\"/c\"]}", "[]"));
    cr_assert_str_eq(request.catalog->streams[0].key[0], "c");
    refused(LINKED(",\"collectionIndex\":2", "[{},{}]"),
            "request: open.capture.bindings[0].collectionIndex names linked collection 2, and "
            "there are 2");
}

#define VALIDATE(now, last)                                                                        \
    "{\"validate\":{" BINDINGS(now) ",\"lastCapture\":{\"config\":{\"sops\":1},\"bindings\":["     \
                                    "{\"resourceConfig\":{" TABLE last "]}}}"

Test(flow_bindings, a_mode_changes_with_a_raised_counter)
{
    parse(VALIDATE(",\"mode\":\"Only Changes\"},\"backfill\":2}", "},\"backfill\":1}"));
    parse(VALIDATE(",\"mode\":\"Normal\"},\"backfill\":1}", "},\"backfill\":1}"));
    parse(VALIDATE(",\"mode\":\"Only Changes\"}}", ",\"mode\":\"?\"}},5"));
    refused(VALIDATE(",\"mode\":\"Only Changes\"},\"backfill\":1}", "},\"backfill\":1}"),
            "request: validate.bindings[0] has another mode than what was captured of table "
            "public.t: raise its backfill counter, so that the table is backfilled again, or "
            "change it back");
}

#define FILTER(condition) ",\"advanced\":{\"additional_backfill_filter\":\"" condition "\"}}"

Test(flow_bindings, a_filter_changes_with_a_raised_counter)
{
    parse(VALIDATE(FILTER("id > 5") "}", FILTER("id > 5") "}"));
    parse(VALIDATE(FILTER("id > 5") ",\"backfill\":1}", "}}"));
    refused(VALIDATE("}}", FILTER("id > 5") "}"),
            "request: validate.bindings[0] has another advanced.additional_backfill_filter than "
            "what was captured of table public.t: raise its backfill counter, so that the table "
            "is backfilled again, or change it back");
}

Test(flow_bindings, a_filter_of_the_backfill)
{
    cr_assert_null(stream(",\"advanced\":null}}")->backfill_filter);
    cr_assert_null(stream(",\"advanced\":{}}}")->backfill_filter);
    cr_assert_null(
        stream(",\"advanced\":{\"additional_backfill_filter\":null}}}")->backfill_filter);
    cr_assert_null(
        stream(",\"mode\":\"Precise\",\"advanced\":{\"additional_backfill_filter\":\"\"}}}")
            ->backfill_filter);
    cr_assert_str_eq(stream(",\"mode\":\"Normal\",\"advanced\":{"
                            "\"additional_backfill_filter\":\"id > 5\"}}}")
                         ->backfill_filter,
                     "id > 5");
}

#define AT "request: open.capture.bindings[0]."

Test(flow_bindings, errors_name_the_place)
{
    refused(OPEN(",\"mode\":\"Fast\"}}"),
            AT "resourceConfig.mode is \"Fast\"; it must be Normal, Precise, Only Changes, Without "
               "Primary Key or empty");
    refused(OPEN(",\"prio\":1}}"),
            AT "resourceConfig.prio is not known; there are namespace, stream, mode, priority and "
               "advanced");
    refused(OPEN(",\"mode\":\"Precise\",\"advanced\":{\"additional_backfill_filter\":\"true\"}}}"),
            AT "resourceConfig.advanced.additional_backfill_filter does not go with the mode "
               "Precise: choose Normal, or leave the filter out");
    refused(OPEN(",\"advanced\":{\"filter\":1}}}"),
            AT "resourceConfig.advanced.filter is not known; there is additional_backfill_filter");
    refused(OPEN(",\"priority\":1.5}}"),
            AT "resourceConfig.priority must be a whole number from -1000000 to 1000000");
    refused(OPEN("},\"collection\":{\"key\":\"/id\"}}"),
            AT "collection.key must be an array, not a string");
    refused(OPEN("}},{}"),
            "request: open.capture.bindings[1].resourceConfig is missing: it must be an object");
    refused(OPEN("}},{\"resourceConfig\":{\"namespace\":\"\",\"stream\":\"t\"}}"),
            "request: open.capture.bindings[1].resourceConfig.namespace must not be empty");
}

Test(flow_bindings, every_wrong_binding_is_told)
{
    refused(OPEN(",\"mode\":\"Fast\"}},{\"resourceConfig\":5}"),
            AT "resourceConfig.mode is \"Fast\"; it must be Normal, Precise, Only Changes, Without "
               "Primary Key or empty\n"
               "request: open.capture.bindings[1].resourceConfig must be an object, not a number");
}

Test(flow_bindings, a_table_is_bound_once)
{
    refused(OPEN("}},{\"resourceConfig\":{" TABLE "},\"stateKey\":\"other\"}"),
            "request: open.capture.bindings[1] has the same table as bindings[0] "
            "(\"public.t\"), and must have one of its own");
}

Test(flow_bindings, a_state_key_is_of_one_binding)
{
    refused(
        OPEN("},\"stateKey\":\"s\"},{\"resourceConfig\":{\"namespace\":\"a\",\"stream\":\"b\"}},"
             "{\"resourceConfig\":{\"namespace\":\"public\",\"stream\":\"u\"},\"stateKey\":\"s\"}"),
        "request: open.capture.bindings[2] has the same stateKey as bindings[0] "
        "(\"public.t\"), and must have one of its own");
}
