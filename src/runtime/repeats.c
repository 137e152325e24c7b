/* A few keys and when lines with them were said. The log is rare: it is searched from end to end. */
#include "repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { INTERVAL_US = 60 * 1000 * 1000 };

static bool is_past(const struct repeat *r, int64_t now_us)
{
    return now_us - r->said_us >= INTERVAL_US;
}

static void drop(struct repeat *r)
{
    free(r->key);
    free(r->text);
    *r = (struct repeat){0};
}

static struct repeat *find(struct repeats *repeats, const char *key)
{
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (r->key && !strcmp(r->key, key)) {
            return r;
        }
    }
    return NULL;
}

/* Room for one more key: the oldest one without left-out repeats to report, if there is one. */
static struct repeat *room(struct repeats *repeats)
{
    struct repeat *best = NULL;
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (!r->key) {
            return r;
        }
        if (!r->count && (!best || r->said_us < best->said_us)) {
            best = r;
        }
    }
    return best;
}

static void leave_out(struct repeat *r, const struct repeated *line)
{
    free(r->text);
    r->text = mem_string(line->text);
    r->level = line->level;
    r->wait = line->wait;
    r->over = false;
    r->count++;
}

bool repeats_allow(struct repeats *repeats, const struct repeated *line, int64_t now_us,
                   unsigned *before)
{
    struct repeat *r = find(repeats, line->key);
    *before = 0;
    if (r && !is_past(r, now_us)) {
        leave_out(r, line);
        return false;
    }
    if (r) {
        *before = r->over ? 0 : r->count;
    } else {
        r = room(repeats);
    }
    if (r) {
        drop(r);
        *r = (struct repeat){.key = mem_string(line->key),
                             .level = line->level,
                             .wait = line->wait,
                             .said_us = now_us};
    }
    return true;
}

bool repeats_take(struct repeats *repeats, int64_t now_us, bool all, struct repeat *taken)
{
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (!r->count || (!all && !is_past(r, now_us))) {
            continue;
        }
        if (r->over) {
            drop(r);
            continue;
        }
        *taken = *r;
        r->text = NULL;
        r->count = 0;
        r->said_us = now_us;
        return true;
    }
    return false;
}

void repeats_over(struct repeats *repeats, const char *key, const void *wait)
{
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (r->key && ((key && !strcmp(r->key, key)) || (wait && r->wait == wait))) {
            r->over = true;
        }
    }
}

void repeats_forget(struct repeats *repeats, const char *key)
{
    struct repeat *r = key ? find(repeats, key) : NULL;
    if (r) {
        drop(r);
    }
}

void repeats_clear(struct repeats *repeats)
{
    for (int i = 0; i < REPEATS; i++) {
        drop(&repeats->items[i]);
    }
}
