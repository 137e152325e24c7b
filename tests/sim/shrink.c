/* Making a scenario that fails small: fewer steps, then smaller numbers in them. */
#include <string.h>

#include "sim.h"

typedef bool runs_badly(const struct scenario *);

static bool without(const struct scenario *s, int at, int count, struct scenario *less,
                    runs_badly *fails)
{
    *less = *s;
    less->count -= count;
    memmove(&less->steps[at], &less->steps[at + count],
            (size_t)(less->count - at) * sizeof *less->steps);
    return fails(less);
}

/* Leave out ever smaller runs of steps. */
static bool fewer_steps(struct scenario *s, runs_badly *fails)
{
    struct scenario less;
    int before = s->count;
    for (int size = s->count / 2; size > 0; size /= 2) {
        for (int at = 0; at + size <= s->count;) {
            if (without(s, at, size, &less, fails)) {
                *s = less;
            } else {
                at += size;
            }
        }
    }
    return s->count < before;
}

/* 0, or else as low as it goes step by step. */
static void simpler(struct scenario *s, uint8_t *field, runs_badly *fails)
{
    uint8_t before = *field;
    *field = 0;
    if (!before || fails(s)) {
        return;
    }
    for (*field = before; *field > 1; --*field) {
        --*field;
        bool still = fails(s);
        ++*field;
        if (!still) {
            return;
        }
    }
}

static void simpler_setup(struct setup *setup, struct scenario *s, runs_badly *fails)
{
    uint8_t *bytes = (uint8_t *)setup;
    for (size_t i = 0; i < sizeof *setup; i++) {
        simpler(s, &bytes[i], fails);
    }
}

void scenario_shrink(struct scenario *s, runs_badly *fails)
{
    while (fewer_steps(s, fails)) {
    }
    simpler_setup(&s->setup, s, fails);
    for (int i = 0; i < s->count; i++) {
        struct step *step = &s->steps[i];
        uint8_t *fields[] = {&step->table, &step->a, &step->b, &step->c, &step->d};
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
            simpler(s, fields[f], fails);
        }
    }
    fewer_steps(s, fails);
}
