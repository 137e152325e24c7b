/*
 * The terms of a table: what its capture depends on. While they stay the same, a backfill can
 * continue where it was, and the stream reports everything that happens to the rows.
 *
 * Each term is a short text, to be compared for equality. They are read from the server's catalogs
 * (pg/terms.h), and a state remembers them.
 *
 * A new term goes to the end, and needs a name (row/terms.c), an expression at the same place in
 * terms_sql() (pg/terms.c), and a judgement (pg/terms_judge.c). The states of earlier versions lack it:
 * there NULL means unknown, and must not count as a difference.
 */
#ifndef ROW_TERMS_H
#define ROW_TERMS_H

#include <stdbool.h>
#include <stdint.h>

enum term {
    TERM_TABLE,   /* its oid; NULL: there is no such table */
    TERM_COLUMNS, /* digest of all columns, '.', and digest with integer types being one */
    TERM_KEY,   /* the key's columns, and what keeps them from being a key: empty if nothing does */
    TERM_ORDER, /* digest of how the server orders the key: types, collations and their versions,
                   operator families; earlier states have more after a blank */
    TERM_IDENTITY, /* tables of it (partitions too) whose replica identity does not cover the key */
    TERM_ENTRY,    /* oid of the publication's entry of it; NULL: it is not published */
    TERM_LIMITS,   /* digest of the publication's column lists and row filters */
    TERM_PUBLICATION, /* "oid.version operations via-root"; version: xmin of its row; after the
                         operations 's' if generated columns are published */
    TERM_PERSISTENCE, /* pg_class.relpersistence, of it and all partitions the weakest */
    TERM_LEAVES, /* "oid:how:file" of each table that stores its rows, by oid, between blanks */
    TERM_HOME,   /* xmin of its entries in the schemas that are published; NULL: none publishes it,
                    or the state is of a version that did not know this term */
    TERM_VALUES, /* how the values of users' types in the key are written: digest of the attributes
                    of its row types; then, for each label of its enums, " oid.digest" */
    TERMS,
};

struct terms {
    char *text[TERMS]; /* owned; see above for NULL */
    uint64_t
        horizon; /* every transaction below this id had ended when they were read; 0: unknown */
    bool known;  /* false: nothing is; or TABLE and ENTRY alone, of an earlier version's state */
};

/* Where a term is named: in a state's member, or in a message. */
const char *term_name(enum term);

void terms_copy(struct terms *to, const struct terms *from);
void terms_clear(struct terms *);

/* The first term of which the texts are not the same; TERMS: there is none. */
enum term terms_differ(const struct terms *, const struct terms *);
bool terms_equal(const struct terms *, const struct terms *);

/* Whether this one is the same, as far as both are known. */
bool term_same(const struct terms *, const struct terms *, enum term);

/* One item of TERM_LEAVES. */
struct leaf {
    uint32_t oid;
    const char
        *how; /* xmin of each of its entries in pg_inherits, from the root down, joined by '.';
                        "-": the table itself; "?": a change of it came, and that is all that is
                        known. Borrowed, as is */
    uint32_t how_len;
    const char *file; /* number of its file; "f": it is a foreign table */
    uint32_t file_len;
};

/* The item at *text, which steps over it; false at the end. */
bool leaf_next(const char **text, struct leaf *);

/* The item of that oid. */
bool leaf_find(const char *text, uint32_t oid, struct leaf *);

/* Add an item for a partition that a change came from. False: it has one, or no leaves are
 * known. */
bool terms_add_leaf(struct terms *, uint32_t oid);

#endif
