#include "manifest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/state.h"

static struct err err;
static struct file_entry entries[4];
static int count;

static bool keep(void *context, struct file_entry *entry, struct err *error)
{
    (void)context;
    (void)error;
    entries[count++] = *entry;
    return true;
}

static void clear(void)
{
    for (; count; count--) {
        free(entries[count - 1].directory);
    }
}

TestSuite(manifest, .fini = clear);

static bool parse(const char *text)
{
    cJSON *document = json_parse("state", text, strlen(text), &err);
    cr_assert_not_null(document, "%s", err.message);
    struct json_at root = json_root("state", document);
    bool ok = manifest_read(&root, keep, NULL, &err);
    cJSON_Delete(document);
    return ok;
}

static void refused(const char *files, const char *message)
{
    char text[512];
    snprintf(text, sizeof text, "{\"state\":{},\"files\":%s}", files);
    cr_expect_not(parse(text), "%s", text);
    cr_expect_str_eq(err.message, message);
    clear();
}

Test(manifest, is_read_as_it_was_written)
{
    static const char state[] = "{\"cursor\":\"0/10\",\"streams\":{}}";
    const struct file_entry written[] = {
        {(char *)"public.a", 7, true, UINT64_C(1) << 40, 1700000000000},
        {(char *)"public.none", 1, false, 0, 0},
        {(char *)"public.b%2f", 2, false, 0, 0},
    };
    struct out out;
    bool first = true;
    out_init(&out, 64);
    manifest_begin(&out, state, strlen(state));
    for (int i = 0; i < 3; i++) {
        manifest_add(&out, &written[i], &first);
    }
    manifest_end(&out);
    cr_assert(parse(out_text(&out)), "%s", err.message);
    cr_assert_eq(count, 2);
    cr_expect_str_eq(entries[0].directory, "public.a");
    cr_expect_eq(entries[0].number, 7);
    cr_expect(entries[0].zstd);
    cr_expect_eq(entries[0].length, UINT64_C(1) << 40);
    cr_expect_eq(entries[0].since_ms, 1700000000000);
    cr_expect_str_eq(entries[1].directory, "public.b%2f");
    cr_expect_eq(entries[1].number, 2);
    cr_expect_not(entries[1].zstd);
    out_free(&out);
}

/* `status` and any other reader can take the same file as a state. */
Test(manifest, is_a_state)
{
    static const char text[] =
        "{\"state\":{\"cursor\":\"0/10\",\"slot\":\"s\",\"streams\":{\"public.t\":{\"mode\":"
        "\"Active\"}}},\"files\":{}}";
    struct state state;
    cr_assert(state_parse(&state, text, strlen(text), NULL, &err), "%s", err.message);
    cr_assert_not_null(state.checkpoint);
    cr_expect_eq(state.checkpoint->cursor, 16);
    cr_expect_not_null(checkpoint_stream(state.checkpoint, "public.t"));
    state_clear(&state);
}

Test(manifest, of_nothing_yet_is_the_beginning)
{
    static const char text[] = "{\"state\":{},\"files\":{}}\n";
    struct state state;
    cr_assert(state_parse(&state, text, strlen(text), NULL, &err), "%s", err.message);
    cr_expect_null(state.checkpoint);
    cr_assert(parse(text));
    cr_expect_eq(count, 0);
}

#define AT                "state: files[\"public.t\"]."
#define ENTRY(file, rest) "{\"public.t\":{\"file\":\"" file "\"" rest "}}"

Test(manifest, says_what_is_wrong_with_it)
{
    cr_expect_not(parse("{\"state\":{}}"));
    cr_expect_str_eq(err.message, "state: files is missing: it must be an object");
    refused("[]", "state: files must be an object, not an array");
    refused("{\"t\":7}", "state: files.t is no name of a table's directory");
    refused("{\"..\":{}}", "state: files[\"..\"] is no name of a table's directory");
    refused("{\"a/b.c\":{}}", "state: files[\"a/b.c\"] is no name of a table's directory");
    refused("{\"a.b\":7}", "state: files[\"a.b\"] must be an object, not a number");
    refused(ENTRY("x", ""), AT "file is \"x\", which is no name of a file");
    refused(ENTRY("00000001.jsonl.open", ",\"length\":1,\"since\":1"),
            AT "file is \"00000001.jsonl.open\", which is no name of a file");
    refused(ENTRY("00000001.jsonl", ""), AT "length is missing: it must be a whole number");
    refused(ENTRY("00000001.jsonl", ",\"length\":-1,\"since\":1"),
            AT "length must be a whole number from 0 to 9007199254740992");
    refused(ENTRY("00000001.jsonl", ",\"length\":1"),
            AT "since is missing: it must be a whole number");
}
