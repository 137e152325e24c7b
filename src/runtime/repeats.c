/* A few lines and when they were said. The log is rare: it is searched from end to end. */
#include "repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { INTERVAL_US = 60 * 1000 * 1000 };

static bool is_over(const struct repeat *r, int64_t now_us)
{
    return now_us - r->said_us >= INTERVAL_US;
}

static void drop(struct repeat *r)
{
    free(r->text);
    *r = (struct repeat){0};
}

static struct repeat *find(struct repeats *repeats, const char *text)
{
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (r->text && !strcmp(r->text, text)) {
            return r;
        }
    }
    return NULL;
}

/* Room for one more line: the oldest one without left-out repeats to report, if there is one. */
static struct repeat *room(struct repeats *repeats)
{
    struct repeat *best = NULL;
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (!r->text) {
            return r;
        }
        if (!r->count && (!best || r->said_us < best->said_us)) {
            best = r;
        }
    }
    return best;
}

bool repeats_allow(struct repeats *repeats, int level, const char *text, int64_t now_us)
{
    struct repeat *r = find(repeats, text);
    if (r && !is_over(r, now_us)) {
        r->count++;
        return false;
    }
    r = r ? r : room(repeats);
    if (r) {
        drop(r);
        *r = (struct repeat){mem_string(text), level, 0, now_us};
    }
    return true;
}

bool repeats_take(struct repeats *repeats, int64_t now_us, bool all, struct repeat *taken)
{
    for (int i = 0; i < REPEATS; i++) {
        struct repeat *r = &repeats->items[i];
        if (r->count && (all || is_over(r, now_us))) {
            *taken = *r;
            *r = (struct repeat){0};
            return true;
        }
    }
    return false;
}

void repeats_forget(struct repeats *repeats, const char *text)
{
    struct repeat *r = text ? find(repeats, text) : NULL;
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
