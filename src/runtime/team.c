/*
 * Pieces are numbered. Those below `taken` are taken. Those from `taken` up to `begun` are done or
 * being done, and `done` says which; there are at most `work.ahead` of them.
 */
#include "runtime/team.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "runtime/run.h"

struct member {
    struct team *team;
    struct thread *thread;
    int number;
};

struct team {
    pthread_mutex_t mutex;    /* of everything below but members */
    pthread_cond_t may_begin; /* members wait: another piece may be begun, or the team is over */
    pthread_cond_t some_done; /* the caller waits: a piece that it needs is done */
    struct teamwork work;     /* count 0: none */
    size_t taken, begun;      /* see above */
    size_t working;           /* members that work on a piece */
    bool *done;               /* of the pieces from `taken` on: piece modulo `ahead` */
    size_t done_cap;
    bool stopped; /* `take` returned false */
    bool over;

    struct member *members; /* but the caller */
    int count;
};

static bool may_begin(const struct team *t)
{
    return !t->stopped && t->begun < t->work.count && t->begun - t->taken < t->work.ahead;
}

/* Under the mutex, which is free while the work lasts. */
static void do_piece(struct team *t, int member)
{
    size_t piece = t->begun++;
    const struct teamwork work = t->work;
    t->working++;
    pthread_mutex_unlock(&t->mutex);
    work.work(work.context, piece, member);
    pthread_mutex_lock(&t->mutex);
    t->working--;
    t->done[piece % work.ahead] = true;
    if (piece == t->taken || (t->stopped && !t->working)) {
        pthread_cond_signal(&t->some_done);
    }
}

static void member_main(void *context)
{
    const struct member *member = context;
    struct team *t = member->team;
    pthread_mutex_lock(&t->mutex);
    while (!t->over) {
        if (may_begin(t)) {
            do_piece(t, member->number);
        } else {
            pthread_cond_wait(&t->may_begin, &t->mutex);
        }
    }
    pthread_mutex_unlock(&t->mutex);
}

struct team *team_new(int members, const char *name, struct err *err)
{
    struct team *t = mem_zero(sizeof *t);
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->may_begin, NULL);
    pthread_cond_init(&t->some_done, NULL);
    t->members = mem_zero((size_t)members * sizeof *t->members);
    for (int i = 1; t && i < members; i++) {
        struct member *member = &t->members[t->count];
        *member = (struct member){.team = t, .number = i};
        member->thread = thread_start(name, member_main, member, err);
        if (member->thread) {
            t->count++;
        } else {
            team_free(&t);
        }
    }
    return t;
}

void team_free(struct team **team)
{
    struct team *t = *team;
    *team = NULL;
    if (!t) {
        return;
    }
    pthread_mutex_lock(&t->mutex);
    t->over = true;
    pthread_cond_broadcast(&t->may_begin);
    pthread_mutex_unlock(&t->mutex);
    for (int i = 0; i < t->count; i++) {
        thread_join(&t->members[i].thread);
    }
    pthread_cond_destroy(&t->some_done);
    pthread_cond_destroy(&t->may_begin);
    pthread_mutex_destroy(&t->mutex);
    free(t->members);
    free(t->done);
    free(t);
}

static void begin(struct team *t, const struct teamwork *work)
{
    CHECK(!t->work.count && work->ahead);
    t->done = mem_grow_array(t->done, &t->done_cap, work->ahead, sizeof *t->done);
    for (size_t i = 0; i < work->ahead; i++) {
        t->done[i] = false;
    }
    t->work = *work;
    t->taken = t->begun = 0;
    t->stopped = false;
    pthread_cond_broadcast(&t->may_begin);
}

/* Under the mutex, which is free while the caller takes. */
static void take_piece(struct team *t)
{
    t->done[t->taken % t->work.ahead] = false;
    pthread_mutex_unlock(&t->mutex);
    bool more = t->work.take(t->work.context, t->taken);
    pthread_mutex_lock(&t->mutex);
    t->stopped = !more;
    if (more) {
        t->taken++;
        pthread_cond_signal(&t->may_begin);
    }
}

size_t team_work(struct team *t, const struct teamwork *work)
{
    pthread_mutex_lock(&t->mutex);
    begin(t, work);
    while ((!t->stopped && t->taken < work->count) || t->working) {
        if (!t->stopped && t->taken < t->begun && t->done[t->taken % work->ahead]) {
            take_piece(t);
        } else if (may_begin(t)) {
            do_piece(t, 0);
        } else {
            pthread_cond_wait(&t->some_done, &t->mutex);
        }
    }
    size_t taken = t->taken;
    t->work = (struct teamwork){0};
    pthread_mutex_unlock(&t->mutex);
    return taken;
}
