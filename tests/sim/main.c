/*
 * Scenarios: made at random, run, and made small when they fail.
 *
 * SIM_SECONDS says for how long (5). SIM_SEED is the first seed; without SIM_SECONDS it is run
 * alone. Without SIM_SEED the same scenarios are run each time, so that runs can be compared. A
 * crash is a failure like any other: scenarios run in a child process.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim.h"

enum {
    SCENARIO_SECONDS = 20, /* one that takes longer hangs */
    FIRST_SEED = 300000000,
};

/* The child's result. */
struct shared {
    uint64_t seed, scenarios, steps;
    char failure[SIM_FAILURE];
};

static struct shared *shared;

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15U);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static uint8_t random_kind(uint64_t *seed)
{
    static const uint8_t weights[STEP_KINDS] = {
        [STEP_BEGIN] = 12,  [STEP_CHANGE] = 44,  [STEP_COMMIT] = 12,   [STEP_SHOW] = 8,
        [STEP_ABORT] = 1,   [STEP_QUICK] = 24,   [STEP_WORK] = 60,     [STEP_TAKE_ROWS] = 30,
        [STEP_STREAM] = 60, [STEP_SNAPSHOT] = 3, [STEP_KEEPALIVE] = 3, [STEP_CLOCK] = 8,
        [STEP_LOOK] = 2,    [STEP_HIDE] = 2,     [STEP_RECONNECT] = 4, [STEP_LOST] = 2,
        [STEP_CRASH] = 1,   [STEP_RESTART] = 6,  [STEP_LOSE] = 2,      [STEP_REVIVE] = 6,
        [STEP_ALTER] = 2,
    };
    unsigned sum = 0;
    for (int kind = 0; kind < STEP_KINDS; kind++) {
        sum += weights[kind];
    }
    unsigned at = (unsigned)(next_random(seed) % sum);
    uint8_t kind = 0;
    while (at >= weights[kind]) {
        at -= weights[kind++];
    }
    return kind;
}

static void make_setup(struct setup *setup, uint64_t *seed)
{
    uint64_t bits = next_random(seed);
    *setup = (struct setup){.tables = (uint8_t)((bits & 3) % SIM_TABLES),
                            .late = (uint8_t)(bits >> 8 & 15),
                            .wrap = (bits >> 16 & 7) == 0,
                            .positions = bits >> 20 & 1,
                            .standby = (bits >> 44 & 7) == 0,
                            .state_type = (uint8_t)((bits >> 24 & 15) % 3),
                            .look = (bits >> 28 & 3) == 0,
                            .paced = (bits >> 32 & 3) == 0,
                            .small = (bits >> 36 & 3) == 0,
                            .ends = bits >> 40 & 1};
    for (int t = 0; t < SIM_TABLES; t++) {
        bits = next_random(seed);
        setup->kinds[t] = (uint8_t)(bits & 7 ? bits & 1 : 2 + (bits >> 3 & 1));
        setup->ranges[t] = bits >> 8 & 3;
        setup->rows[t] = bits >> 16 & 7;
        setup->full[t] = bits >> 24 & 1;
    }
}

static void make(struct scenario *s, uint64_t seed)
{
    make_setup(&s->setup, &seed);
    s->count = 20 + (int)(next_random(&seed) % (SIM_STEPS - 19));
    for (int i = 0; i < s->count; i++) {
        uint64_t bits = next_random(&seed);
        s->steps[i] =
            (struct step){random_kind(&seed),    (uint8_t)bits,         (uint8_t)(bits >> 8),
                          (uint8_t)(bits >> 16), (uint8_t)(bits >> 24), (uint8_t)(bits >> 32)};
    }
}

/* Run it in a child, whose standard error is dropped. */
static bool fails(const struct scenario *s)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        char failure[SIM_FAILURE];
        alarm(SCENARIO_SECONDS);
        if (!freopen("/dev/null", "w", stderr)) {
            _exit(2);
        }
        _exit(!scenario_run(s, failure, NULL));
    }
    waitpid(child, &status, 0);
    return status != 0;
}

static void run_many(uint64_t seed, double seconds)
{
    static struct scenario s;
    int64_t begun_us = clock_monotonic_us();
    do {
        alarm(SCENARIO_SECONDS);
        shared->seed = seed;
        make(&s, seed);
        shared->scenarios++;
        shared->steps += (uint64_t)s.count;
        if (!scenario_run(&s, shared->failure, NULL)) {
            exit(1);
        }
        seed++;
    } while ((double)(clock_monotonic_us() - begun_us) < seconds * 1e6);
    exit(0); /* by exit(), so that a sanitizer looks for leaks */
}

static void report(void)
{
    static struct scenario s;
    char failure[SIM_FAILURE];
    make(&s, shared->seed);
    printf("sim: %s\nsim: SIM_SEED=%llu fails after %llu steps in %llu scenarios; made small:\n",
           *shared->failure ? shared->failure : "the process crashed, or took too long",
           (unsigned long long)shared->seed, (unsigned long long)shared->steps,
           (unsigned long long)shared->scenarios);
    if (!fails(&s)) {
        printf("sim: but not when it is run alone\n");
        return;
    }
    scenario_shrink(&s, fails);
    fflush(stdout);
    alarm(SCENARIO_SECONDS);
    scenario_run(&s, failure, stdout);
}

static double number_from(const char *name, double otherwise)
{
    const char *text = getenv(name);
    return text ? strtod(text, NULL) : otherwise;
}

/* Processor time. */
static double child_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(void)
{
    const char *given = getenv("SIM_SEED");
    double seconds = number_from("SIM_SECONDS", given ? 0 : 5);
    uint64_t seed = given ? strtoull(given, NULL, 10) : FIRST_SEED;
    int status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        run_many(seed, seconds);
    }
    waitpid(child, &status, 0);
    if (status) {
        report();
        return 1;
    }
    printf("sim: %llu scenarios from SIM_SEED=%llu on, %llu steps, %.0f a minute of a core\n",
           (unsigned long long)shared->scenarios, (unsigned long long)seed,
           (unsigned long long)shared->steps, (double)shared->steps * 60 / child_seconds());
    return 0;
}
