/*
 * Scenarios: made at random, run, and made small when they fail.
 *
 * MODEL_SECONDS says for how long (3), MODEL_SEED which one alone.
 */
#include "model.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15U);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static enum step_kind random_kind(uint64_t *seed)
{
    static const uint8_t weights[STEP_KINDS] = {
        [STEP_BEGIN] = 12,  [STEP_CHANGE] = 40,  [STEP_COMMIT] = 12,   [STEP_SHOW] = 12,
        [STEP_ABORT] = 1,   [STEP_QUICK] = 24,   [STEP_WORK] = 50,     [STEP_TAKE_ROWS] = 30,
        [STEP_STREAM] = 60, [STEP_SNAPSHOT] = 3, [STEP_KEEPALIVE] = 3, [STEP_RESTART] = 4,
        [STEP_REBIRTH] = 3,
    };
    unsigned at = next_random(seed) % 254;
    int kind = 0;
    while (at >= weights[kind]) {
        at -= weights[kind++];
    }
    return (enum step_kind)kind;
}

static void make(struct scenario *s, uint64_t seed)
{
    uint64_t bits = next_random(&seed);
    s->setup = (struct setup){.table = (uint8_t)(bits % 8 ? bits % 3 == 1 : 2 + (bits >> 4) % 2),
                              .ranges = (uint8_t)(bits >> 8 & 3),
                              .rows = (uint8_t)(bits >> 16 & 7),
                              .full = bits >> 24 & 1,
                              .late = (uint8_t)(bits >> 32 & 15),
                              .wrap = (bits >> 40 & 7) == 0};
    s->count = 20 + (int)(next_random(&seed) % (MODEL_STEPS - 19));
    for (int i = 0; i < s->count; i++) {
        bits = next_random(&seed);
        s->steps[i] =
            (struct step){(uint8_t)random_kind(&seed), (uint8_t)bits, (uint8_t)(bits >> 8),
                          (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    }
}

static bool fails(const struct scenario *s)
{
    char failure[256];
    return !scenario_run(s, failure, NULL);
}

static bool without(const struct scenario *s, int at, int count, struct scenario *less)
{
    *less = *s;
    less->count -= count;
    memmove(&less->steps[at], &less->steps[at + count],
            (size_t)(less->count - at) * sizeof *less->steps);
    return fails(less);
}

/* Leave out ever smaller runs of steps. */
static bool fewer_steps(struct scenario *s)
{
    struct scenario less;
    int before = s->count;
    for (int size = s->count / 2; size > 0; size /= 2) {
        for (int at = 0; at + size <= s->count;) {
            if (without(s, at, size, &less)) {
                *s = less;
            } else {
                at += size;
            }
        }
    }
    return s->count < before;
}

static void simpler(struct scenario *s, uint8_t *field)
{
    uint8_t before = *field;
    while (*field) {
        uint8_t value = (*field)--;
        if (!fails(s)) {
            *field = value;
            break;
        }
    }
    if (*field == before && before) {
        *field = 0;
        if (!fails(s)) {
            *field = before;
        }
    }
}

static void shrink(struct scenario *s)
{
    while (fewer_steps(s)) {
    }
    uint8_t *fields[] = {&s->setup.table, &s->setup.ranges, &s->setup.full,
                         &s->setup.late,  &s->setup.wrap,   &s->setup.rows};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        simpler(s, fields[i]);
    }
    for (int i = 0; i < s->count; i++) {
        struct step *step = &s->steps[i];
        simpler(s, &step->a);
        simpler(s, &step->b);
        simpler(s, &step->c);
        simpler(s, &step->d);
    }
    fewer_steps(s);
}

/* A crash of the merger must not take the seed with it. */
static char under_way[64];

static void crashed(int number)
{
    if (write(STDERR_FILENO, under_way, strlen(under_way)) < 0) {
        /* nowhere to say it */
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void report(struct scenario *s, uint64_t seed)
{
    char failure[256];
    fprintf(stderr, "model: a scenario fails, MODEL_SEED=%llu; made small:\n",
            (unsigned long long)seed);
    shrink(s);
    scenario_run(s, failure, stderr);
    cr_assert_fail("%s (MODEL_SEED=%llu)", failure, (unsigned long long)seed);
}

static double number_from(const char *name, double otherwise)
{
    const char *text = getenv(name);
    return text ? strtod(text, NULL) : otherwise;
}

Test(model, any_history_comes_out_as_the_table)
{
    static struct scenario s;
    int64_t begun_us = clock_monotonic_us(), count = 0;
    const char *replay = getenv("MODEL_SEED");
    double seconds = replay ? 0 : number_from("MODEL_SECONDS", 3);
    uint64_t seed = replay ? strtoull(replay, NULL, 10) : (uint64_t)begun_us * 1000003U;
    signal(SIGABRT, crashed);
    signal(SIGSEGV, crashed);
    do {
        char failure[256];
        snprintf(under_way, sizeof under_way, "model: crashed with MODEL_SEED=%llu\n",
                 (unsigned long long)seed);
        make(&s, seed);
        if (!scenario_run(&s, failure, NULL)) {
            report(&s, seed);
        }
        seed++;
        count++;
    } while ((double)(clock_monotonic_us() - begun_us) < seconds * 1e6);
    fprintf(stderr, "model: %lld scenarios\n", (long long)count);
}
