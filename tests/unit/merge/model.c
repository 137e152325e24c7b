/*
 * Random histories through the merger. MODEL_SECONDS (2) says for how long, MODEL_SEED with which
 * seed to begin. A history that fails is cut until nothing can be left out, and told.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "world.h"

enum { TAPE = 1 + 3 * 160 };

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fill(uint8_t tape[TAPE], uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    for (int i = 0; i < TAPE; i++) {
        tape[i] = (uint8_t)(random_next(&state) >> 24);
    }
}

static bool holds(const uint8_t *tape, size_t len, int *restarts)
{
    struct world w;
    bool ok = world_run(&w, tape, len);
    *restarts += w.restarts;
    world_free(&w);
    return ok;
}

/* Leave out steps, many at a time and then one by one, as long as it still fails. */
static size_t shrink(uint8_t *tape, size_t len)
{
    uint8_t shorter[TAPE];
    int ignored;
    for (size_t steps = 64; steps; steps /= 2) {
        for (size_t at = 1; at + 3 * steps <= len;) {
            memcpy(shorter, tape, at);
            memcpy(shorter + at, tape + at + 3 * steps, len - at - 3 * steps);
            if (!holds(shorter, len - 3 * steps, &ignored)) {
                len -= 3 * steps;
                memcpy(tape, shorter, len);
            } else {
                at += 3;
            }
        }
    }
    return len;
}

static void tell(uint64_t seed, uint8_t *tape)
{
    struct world w;
    size_t len = shrink(tape, TAPE);
    world_run(&w, tape, len);
    cr_assert(false, "seed %llu: %s\n%s", (unsigned long long)seed, w.failure, out_text(&w.story));
}

static long from_environment(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value ? strtol(value, NULL, 10) : otherwise;
}

Test(model, random_histories_add_up_to_the_table, .timeout = 3600)
{
    uint8_t tape[TAPE];
    int restarts = 0;
    uint64_t seed = (uint64_t)from_environment("MODEL_SEED", (long)time(NULL)), count = 0;
    int64_t end_us = clock_monotonic_us() + from_environment("MODEL_SECONDS", 2) * 1000000;
    for (; clock_monotonic_us() < end_us; seed++, count++) {
        fill(tape, seed);
        if (!holds(tape, TAPE, &restarts)) {
            tell(seed, tape);
        }
    }
    cr_assert_gt(count, 100, "too slow to find anything");
    cr_assert_gt(restarts, 10);
}
