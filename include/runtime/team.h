/*
 * A team: threads that share the pieces of one piece of work, whose results are taken in order.
 *
 * The caller of team_work is a member of the team, and works too; it alone takes results. Pieces
 * are handed out under a lock, so each should be a tenth of a millisecond of work or more. Members
 * without work sleep.
 */
#ifndef RUNTIME_TEAM_H
#define RUNTIME_TEAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct team;

/* With `members` - 1 threads, named `name`. NULL: a thread cannot be started. */
struct team *team_new(int members, const char *name, struct err *);
void team_free(struct team **); /* not while it works */

struct teamwork {
    void *context;
    size_t count; /* pieces */
    size_t
        ahead; /* pieces begun before the first of them is taken: results that wait. At least 1 */

    /* Do a piece. Member 0 is the caller of team_work. */
    void (*work)(void *context, size_t piece, int member);

    /* Called by the thread of team_work, in order, once the piece is done. False: no other is begun
     * or taken. */
    bool (*take)(void *context, size_t piece);
};

/*
 * Returns once all pieces are taken, or `take` returned false; then no member works on a piece.
 * Returns how many pieces were taken, without the one for which `take` returned false.
 */
size_t team_work(struct team *, const struct teamwork *);

#endif
