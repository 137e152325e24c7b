#include "runtime/team.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "runtime/counter.h"
#include "runtime/run.h"

enum { PIECES = 500, AHEAD = 5 };

struct job {
    unsigned begun, done;
    size_t results[AHEAD];
    size_t taken, no_at;
};

static void work(void *context, size_t piece, int member)
{
    struct job *job = context;
    (void)member;
    counter_take(&job->begun);
    job->results[piece % AHEAD] = piece * 3;
    counter_take(&job->done);
}

static bool take(void *context, size_t piece)
{
    struct job *job = context;
    cr_assert_eq(piece, job->taken, "in order");
    cr_assert_eq(job->results[piece % AHEAD], piece * 3);
    cr_assert_leq(job->begun, job->taken + AHEAD);
    if (piece == job->no_at) {
        return false;
    }
    job->taken++;
    return true;
}

static size_t run_job(struct team *team, struct job *job, size_t count)
{
    return team_work(team, &(struct teamwork){job, count, AHEAD, work, take});
}

Test(team, results_are_taken_in_order)
{
    for (int members = 1; members < 5; members++) {
        struct err err;
        struct team *team = team_new(members, "member", &err);
        for (size_t count = 0; count < 40; count++) {
            struct job job = {.no_at = PIECES};
            cr_assert_eq(run_job(team, &job, count), count);
            cr_assert_eq(job.done, count);
        }
        struct job job = {.no_at = PIECES};
        cr_assert_eq(run_job(team, &job, PIECES), PIECES);
        team_free(&team);
    }
}

Test(team, a_false_from_take_ends_the_work_of_all_members)
{
    for (int members = 1; members < 5; members++) {
        struct err err;
        struct team *team = team_new(members, "member", &err);
        for (size_t at = 0; at < 40; at++) {
            struct job job = {.no_at = at};
            cr_assert_eq(run_job(team, &job, PIECES), at);
            cr_assert_eq(job.taken, at);
            cr_assert_eq(job.begun, job.done);
            cr_assert_leq(job.begun, at + AHEAD);
        }
        team_free(&team);
    }
}

/* Both pieces wait until the other is begun, as far as a run's pause reaches. */
static void meet(void *context, size_t piece, int member)
{
    struct job *job = context;
    struct err err;
    struct run *run = run_new(&err);
    (void)piece, (void)member;
    counter_take(&job->begun);
    for (int i = 0; i < 5000 && __atomic_load_n(&job->begun, __ATOMIC_SEQ_CST) < 2; i++) {
        run_pause(run, 1000);
    }
    job->results[piece] = job->begun;
    run_free(&run);
}

static bool take_any(void *context, size_t piece)
{
    (void)context, (void)piece;
    return true;
}

Test(team, members_work_at_the_same_time)
{
    struct err err;
    struct team *team = team_new(2, "member", &err);
    struct job job = {0};
    cr_assert_eq(team_work(team, &(struct teamwork){&job, 2, AHEAD, meet, take_any}), 2);
    cr_assert_eq(job.results[0], 2);
    cr_assert_eq(job.results[1], 2);
    team_free(&team);
}
