/*
 * All problems that were found, to be reported together, in the order of finding, each with the
 * stream that it concerns.
 */
#ifndef BASE_PROBLEMS_H
#define BASE_PROBLEMS_H

#include <stddef.h>

#include "base/err.h"
#include "base/out.h"

/* SQL that fixes a problem, or a part of it. */
struct statement {
    char *sql;
    char *runner; /* who has to run it, in words; NULL: who runs the others */
};

struct problem {
    char *text;
    char *schema, *table;         /* the stream; empty when it concerns all */
    size_t what_len;              /* of the text: what is wrong, without what to do; 0: all of it */
    struct statement *statements; /* in the order of running; the text has them too */
    size_t statement_count, statement_cap;
};

/* All zero: none. Owns its strings. */
struct problems {
    struct problem *items;
    size_t count, cap;
};

/* Concerns all, unless problems_concern says otherwise. */
void problems_add(struct problems *, const char *text);

/* Append words to the text of the last one. */
void problems_extend(struct problems *, const char *words);

/*
 * This statement helps to fix the last problem, after those that it already has. It is appended to
 * the text, which says what to do with it: "…: run".
 */
void problems_mend(struct problems *, const char *statement);

/* The last statement is to be run by these, in words. */
void problems_leave_to(struct problems *, const char *runner);

/* Name this stream in all problems from index `first` on. */
void problems_concern(struct problems *, size_t first, const char *schema, const char *table);

/* Forget the problems from index `first` on. */
void problems_forget(struct problems *, size_t first);

/* Append all, joined by '\n'. */
void problems_write(struct out *, const struct problems *);

/* True if there are none. Else the error (ERR_CONFIG) is all of them, as err_add joins them. */
bool problems_none(const struct problems *, struct err *);

/*
 * The next error of one stream, *next being where to look, and 0 at first: adjacent ones are
 * joined. False when there is none left.
 */
bool problems_of_stream(const struct problems *, size_t *next, struct err *);

void problems_free(struct problems *);

#endif
