#include "row/terms.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct terms terms;

static void setup(void)
{
    terms = (struct terms){.known = true, .horizon = 745};
    for (int i = 0; i < TERMS; i++) {
        terms.text[i] = mem_string(term_name(i));
    }
}

static void teardown(void)
{
    terms_clear(&terms);
}

TestSuite(terms, .init = setup, .fini = teardown);

static void set(struct terms *of, enum term term, const char *text)
{
    free(of->text[term]);
    of->text[term] = mem_string(text);
}

Test(terms, a_copy_is_equal_and_its_own)
{
    struct terms copy;
    terms_copy(&copy, &terms);
    cr_assert(terms_equal(&copy, &terms));
    cr_assert_eq(copy.horizon, 745);
    cr_assert(copy.known);
    terms_clear(&copy);
    cr_assert_null(copy.text[TERM_TABLE]);
    cr_assert_str_eq(terms.text[TERM_TABLE], "oid");
}

Test(terms, each_one_counts)
{
    for (int i = 0; i < TERMS; i++) {
        struct terms other;
        terms_copy(&other, &terms);
        set(&other, i, "another");
        cr_assert_not(terms_equal(&other, &terms), "%s", term_name(i));
        cr_assert_not(term_same(&other, &terms, i), "%s", term_name(i));
        set(&other, i, NULL);
        cr_assert_not(terms_equal(&other, &terms), "%s", term_name(i));
        terms_clear(&other);
    }
}

Test(terms, the_horizon_makes_no_difference)
{
    struct terms later;
    terms_copy(&later, &terms);
    later.horizon = 800;
    cr_assert(terms_equal(&later, &terms));
    terms_clear(&later);
}

Test(terms, what_is_not_known_is_the_same)
{
    struct terms old = {.known = false};
    set(&old, TERM_TABLE, "16384");
    cr_assert(term_same(&old, &terms, TERM_LEAVES));
    cr_assert_not(term_same(&old, &terms, TERM_TABLE), "an earlier version's state tells it");
    old.known = true;
    cr_assert_not(term_same(&old, &terms, TERM_LEAVES));
    terms_clear(&old);
}

Test(terms, names_are_different_ones)
{
    for (int i = 0; i < TERMS; i++) {
        for (int j = 0; j < i; j++) {
            cr_assert_str_neq(term_name(i), term_name(j));
        }
    }
}

static void assert_leaf(const struct leaf *leaf, uint32_t oid, const char *how, const char *file)
{
    cr_assert_eq(leaf->oid, oid);
    cr_assert_eq(leaf->how_len, strlen(how));
    cr_assert_eq(memcmp(leaf->how, how, leaf->how_len), 0);
    cr_assert_eq(leaf->file_len, strlen(file));
    cr_assert_eq(memcmp(leaf->file, file, leaf->file_len), 0);
}

Test(leaves, are_read_one_by_one)
{
    const char *text = "16390:745.750:16390 16399:751:f 16401:-:17000";
    struct leaf leaf;
    cr_assert(leaf_next(&text, &leaf));
    assert_leaf(&leaf, 16390, "745.750", "16390");
    cr_assert(leaf_next(&text, &leaf));
    assert_leaf(&leaf, 16399, "751", "f");
    cr_assert(leaf_next(&text, &leaf));
    assert_leaf(&leaf, 16401, "-", "17000");
    cr_assert_not(leaf_next(&text, &leaf));
}

Test(leaves, there_may_be_none)
{
    const char *none = NULL, *empty = "";
    struct leaf leaf;
    cr_assert_not(leaf_next(&none, &leaf));
    cr_assert_not(leaf_next(&empty, &leaf));
    cr_assert_not(leaf_find(NULL, 1, &leaf));
}

Test(leaves, are_found_by_their_whole_oid)
{
    struct leaf leaf;
    cr_assert(leaf_find("16390:1:2 16399:3:4", 16399, &leaf));
    assert_leaf(&leaf, 16399, "3", "4");
    cr_assert_not(leaf_find("16390:1:2 16399:3:4", 1639, &leaf));
}

/* A state comes from outside: whatever is in it must not be read past its end. */
Test(leaves, of_a_damaged_state_end)
{
    static const char *const damaged[] = {
        ":", "::", "1", "1:", "1:2", " ", "x y z", "1:2:3:4 5", "99999999999999999999:1:1"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        const char *text = damaged[i];
        struct leaf leaf;
        int count = 0;
        while (leaf_next(&text, &leaf)) {
            cr_assert_lt(++count, 10, "%s", damaged[i]);
        }
        cr_assert_eq(*text, '\0', "%s", damaged[i]);
    }
}

Test(leaves, one_that_the_stream_described_is_added_once)
{
    struct terms told = {0};
    struct leaf leaf;
    cr_assert_not(terms_add_leaf(&told, 5), "of the others nothing is known");
    told.text[TERM_LEAVES] = mem_string("16390:745:16390");
    cr_assert_not(terms_add_leaf(&told, 16390));
    cr_assert(terms_add_leaf(&told, 5));
    cr_assert_not(terms_add_leaf(&told, 5));
    cr_assert(leaf_find(told.text[TERM_LEAVES], 5, &leaf));
    assert_leaf(&leaf, 5, "?", "?");
    cr_assert(leaf_find(told.text[TERM_LEAVES], 16390, &leaf));
    terms_clear(&told);
}
