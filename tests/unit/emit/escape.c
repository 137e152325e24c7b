/* Strings: every byte that JSON forbids, and all paths alike. */
#include "escape.h"

#include "emit/json.h"
#include "printed.h"

static const char *string_of(const char *s, size_t len)
{
    static struct out out;
    out_free(&out);
    out_init(&out, 0);
    json_quoted(&out, s, len);
    return out_text(&out);
}

Test(escape, empty_string)
{
    cr_expect_str_eq(string_of("", 0), "\"\"");
}

Test(escape, quotes_and_backslashes)
{
    cr_expect_str_eq(string_of("a\"b\\c", 5), "\"a\\\"b\\\\c\"");
}

Test(escape, control_characters_short_where_json_has_a_short_form)
{
    char all[32];
    for (int i = 0; i < 32; i++) {
        all[i] = (char)i;
    }
    cr_expect_str_eq(
        string_of(all, sizeof all),
        "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r"
        "\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018"
        "\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f\"");
}

Test(escape, delete_slash_and_utf8_pass)
{
    const char *s = "\x7f/\xc3\xbc \xe2\x80\xa8 \xf0\x9f\x90\x98";
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\"", s);
    cr_expect_str_eq(string_of(s, strlen(s)), quoted);
}

/* A byte at a time, as the standard says it. */
static char *escape_plainly(char *p, const char *s, const char *end)
{
    static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (; s < end; s++) {
        const char *pair = shorts;
        while (*pair && *pair != *s) {
            pair += 2;
        }
        if (*pair && *s) {
            p += sprintf(p, "\\%c", pair[1]);
        } else if ((unsigned char)*s < 0x20) {
            p += sprintf(p, "\\u%04x", *s);
        } else {
            *p++ = *s;
        }
    }
    return p;
}

/* Mostly letters, so that there are clean runs of all lengths. */
static char *random_bytes(size_t len, int specials_in_100)
{
    char *s = malloc(len ? len : 1);
    for (size_t i = 0; i < len; i++) {
        int kind = rand() % 100;
        s[i] =
            (char)(kind < specials_in_100 ? "\"\\\n\x01\x1f\x00"[rand() % 6] : 0x20 + rand() % 224);
        s[i] = s[i] == '"' && kind >= specials_in_100 ? 'x' : s[i];
    }
    return s;
}

Test(escape, all_paths_print_the_same)
{
    char plain[ESCAPE_ROOM(200)], fast[ESCAPE_ROOM(200)], portable[ESCAPE_ROOM(200)];
    srand(1);
    for (int i = 0; i < 200000; i++) {
        size_t len = (size_t)rand() % 200;
        char *s = random_bytes(len, i % 3 ? 2 : 40), *end = s + len;
        size_t n = (size_t)(escape_plainly(plain, s, end) - plain);
        cr_assert_eq((size_t)(escape_copy(fast, s, end) - fast), n);
        cr_assert_eq((size_t)(escape_copy_portable(portable, s, end) - portable), n);
        cr_assert(memcmp(plain, fast, n) == 0);
        cr_assert(memcmp(plain, portable, n) == 0);
        free(s);
    }
}

Test(escape, all_paths_find_the_same)
{
    srand(2);
    for (int i = 0; i < 200000; i++) {
        size_t len = (size_t)rand() % 200;
        char *s = random_bytes(len, i % 3), *end = s + len;
        const char *p = s;
        while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) {
            p++;
        }
        cr_assert_eq(escape_find(s, end), p);
        cr_assert_eq(escape_find_portable(s, end), p);
        free(s);
    }
}

Test(escape, never_writes_past_its_room)
{
    char *s = malloc(100), *room = malloc(ESCAPE_ROOM(100));
    memset(s, 1, 100);
    for (size_t len = 0; len <= 100; len++) {
        cr_expect_eq(escape_copy(room, s + 100 - len, s + 100), room + 6 * len);
    }
    free(s);
    free(room);
}

Test(json, integers_of_every_length)
{
    uint64_t v = 1;
    for (int digits = 1; digits <= 19; digits++, v *= 10) {
        const uint64_t around[] = {v - 1, v, v + 1, v * 9};
        for (int i = 0; i < 4; i++) {
            char ours[JSON_INTEGER + 1], theirs[JSON_INTEGER + 4];
            *json_u64(ours, around[i]) = '\0';
            snprintf(theirs, sizeof theirs, "%llu", (unsigned long long)around[i]);
            cr_expect_str_eq(ours, theirs);
            *json_i64(ours, -(int64_t)(around[i] / 2)) = '\0';
            snprintf(theirs, sizeof theirs, "%lld", -(long long)(around[i] / 2));
            cr_expect_str_eq(ours, theirs);
        }
    }
}

Test(json, integer_extremes)
{
    char text[JSON_INTEGER + 1];
    *json_u64(text, UINT64_MAX) = '\0';
    cr_expect_str_eq(text, "18446744073709551615");
    *json_i64(text, INT64_MIN) = '\0';
    cr_expect_str_eq(text, "-9223372036854775808");
}
