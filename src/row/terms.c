/* Copying and comparing terms. */
#include "row/terms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *term_name(enum term term)
{
    static const char *const names[TERMS] = {
        [TERM_TABLE] = "oid",
        [TERM_COLUMNS] = "columns",
        [TERM_KEY] = "key",
        [TERM_ORDER] = "order",
        [TERM_IDENTITY] = "identity",
        [TERM_ENTRY] = "published_by",
        [TERM_LIMITS] = "limits",
        [TERM_PUBLICATION] = "publication",
        [TERM_PERSISTENCE] = "persistence",
        [TERM_LEAVES] = "leaves",
        [TERM_HOME] = "home",
        [TERM_VALUES] = "values",
    };
    return names[term];
}

void terms_copy(struct terms *to, const struct terms *from)
{
    *to = *from;
    for (int i = 0; i < TERMS; i++) {
        to->text[i] = mem_string(from->text[i]);
    }
}

void terms_clear(struct terms *terms)
{
    for (int i = 0; i < TERMS; i++) {
        free(terms->text[i]);
    }
    *terms = (struct terms){0};
}

static bool same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

enum term terms_differ(const struct terms *a, const struct terms *b)
{
    enum term term = 0;
    while (term < TERMS && same(a->text[term], b->text[term])) {
        term++;
    }
    return term;
}

bool terms_equal(const struct terms *a, const struct terms *b)
{
    return terms_differ(a, b) == TERMS;
}

bool term_same(const struct terms *a, const struct terms *b, enum term term)
{
    bool known = (a->known && b->known) || (a->text[term] && b->text[term]);
    return !known || same(a->text[term], b->text[term]);
}

/* Up to the mark or the item's end. */
static const char *part(const char **text, char mark, uint32_t *len)
{
    const char *begin = *text;
    while (**text && **text != mark && **text != ' ') {
        ++*text;
    }
    *len = (uint32_t)(*text - begin);
    *text += **text == mark && mark;
    return begin;
}

bool leaf_next(const char **text, struct leaf *leaf)
{
    uint32_t len;
    while (*text && **text == ' ') {
        ++*text;
    }
    if (!*text || !**text) {
        return false;
    }
    leaf->oid = (uint32_t)strtoul(part(text, ':', &len), NULL, 10);
    leaf->how = part(text, ':', &leaf->how_len);
    leaf->file = part(text, ' ', &leaf->file_len);
    return true;
}

bool leaf_find(const char *text, uint32_t oid, struct leaf *leaf)
{
    while (leaf_next(&text, leaf)) {
        if (leaf->oid == oid) {
            return true;
        }
    }
    return false;
}

bool terms_add_leaf(struct terms *terms, uint32_t oid)
{
    char *leaves = terms->text[TERM_LEAVES];
    struct leaf found;
    if (!leaves || leaf_find(leaves, oid, &found)) {
        return false;
    }
    terms->text[TERM_LEAVES] = mem_format("%s %" PRIu32 ":?:?", leaves, oid);
    free(leaves);
    return true;
}
