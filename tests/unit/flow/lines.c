/* Standard input, cut into lines. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/flow.h"

static struct flow_lines lines;
static struct err err;

static void start(void)
{
    flow_lines_init(&lines, FLOW_JSON);
}

static void stop(void)
{
    flow_lines_free(&lines);
}

TestSuite(flow_lines, .init = start, .fini = stop);

static void add(const char *text)
{
    cr_assert(flow_lines_add(&lines, text, strlen(text), &err));
}

static void next_is(const char *expected, bool ended)
{
    const char *line;
    size_t len;
    cr_assert(flow_lines_next(&lines, ended, &line, &len, &err) && line, "%s", expected);
    cr_assert_eq(len, strlen(expected));
    cr_assert_arr_eq(line, expected, len);
}

static void none(bool ended)
{
    const char *line;
    size_t len;
    cr_assert(flow_lines_next(&lines, ended, &line, &len, &err) && !line);
}

Test(flow_lines, lines_come_one_by_one)
{
    none(false);
    add("one\ntwo\nthr");
    next_is("one", false);
    next_is("two", false);
    none(false);
    add("ee\n");
    next_is("three", false);
    none(false);
    none(true);
}

Test(flow_lines, blank_lines_are_passed_over)
{
    add("\n \t\r\n\none\n\n");
    next_is("one", false);
    none(false);
    none(true);
}

Test(flow_lines, the_last_needs_no_newline)
{
    add("one\ntwo");
    next_is("one", true);
    next_is("two", true);
    none(true);
}

Test(flow_lines, megabytes_in_small_pieces)
{
    enum { PIECE = 1000, PIECES = 20000 };
    char *piece = mem_alloc(PIECE);
    const char *line;
    size_t len;
    memset(piece, 'x', PIECE);
    for (int i = 0; i < PIECES; i++) {
        cr_assert(flow_lines_add(&lines, piece, PIECE, &err));
        none(false);
    }
    add("\nnext\n");
    cr_assert(flow_lines_next(&lines, false, &line, &len, &err) && line);
    cr_assert_eq(len, (size_t)PIECE * PIECES);
    next_is("next", false);
    add("more\n");
    next_is("more", false);
    free(piece);
}

Test(flow_lines, a_line_without_end_is_refused)
{
    size_t size = 64 * 1024 * 1024;
    char *piece = mem_zero(size);
    bool ok = true;
    for (int i = 0; i < 5 && ok; i++) {
        ok = flow_lines_add(&lines, piece, size, &err);
    }
    cr_assert_not(ok);
    cr_assert_str_eq(err.message, "request: the line is longer than 256 MiB");
    free(piece);
}

/* Frames instead. */
static void start_frames(void)
{
    flow_lines_free(&lines);
    flow_lines_init(&lines, FLOW_PROTO);
}

Test(flow_lines, frames_in_any_pieces)
{
    static const char frames[] = "\3\0\0\0a\nb\0\0\0\0\1\0\0\0c";
    start_frames();
    for (size_t i = 0; i < sizeof frames - 1; i++) {
        cr_assert(flow_lines_add(&lines, frames + i, 1, &err));
        if (i == 6 || i == 10 || i == 15) {
            next_is(i == 6 ? "a\nb" : i == 10 ? "" : "c", false);
        }
        none(false);
    }
    none(true);
}

Test(flow_lines, frames_that_are_cut_off_and_that_are_too_long_are_refused)
{
    const char *message;
    size_t len;
    for (size_t cut = 1; cut <= 5; cut++) {
        start_frames();
        cr_assert(flow_lines_add(&lines, "\2\0\0\0a", cut, &err));
        none(false);
        cr_assert_not(flow_lines_next(&lines, true, &message, &len, &err));
        cr_assert_str_eq(err.message, "request: standard input ended in the middle of it");
    }
    start_frames();
    add("{\"sp");
    cr_assert_not(flow_lines_next(&lines, false, &message, &len, &err));
    cr_assert(strstr(err.message, "1886593659 bytes") && strstr(err.message, "speaks JSON"), "%s",
              err.message);
}
