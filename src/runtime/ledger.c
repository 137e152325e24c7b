/* A queue under a lock: a few entries a second. */
#include "runtime/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct ledger {
    pthread_mutex_t mutex; /* of everything below */
    uint64_t *cursors;
    size_t first, end, cap;
};

struct ledger *ledger_new(void)
{
    struct ledger *ledger = mem_zero(sizeof *ledger);
    pthread_mutex_init(&ledger->mutex, NULL);
    return ledger;
}

void ledger_free(struct ledger **ledger)
{
    if (*ledger) {
        pthread_mutex_destroy(&(*ledger)->mutex);
        free((*ledger)->cursors);
        free(*ledger);
        *ledger = NULL;
    }
}

/* Move what is there to the front, once half of the room before it is free. */
static void make_room(struct ledger *ledger)
{
    if (ledger->first > ledger->end / 2) {
        size_t count = ledger->end - ledger->first;
        memmove(ledger->cursors, ledger->cursors + ledger->first, count * sizeof *ledger->cursors);
        ledger->first = 0;
        ledger->end = count;
    }
    ledger->cursors =
        mem_grow_array(ledger->cursors, &ledger->cap, ledger->end + 1, sizeof *ledger->cursors);
}

void ledger_add(struct ledger *ledger, uint64_t cursor)
{
    pthread_mutex_lock(&ledger->mutex);
    CHECK(ledger->first == ledger->end || ledger->cursors[ledger->end - 1] <= cursor);
    make_room(ledger);
    ledger->cursors[ledger->end++] = cursor;
    pthread_mutex_unlock(&ledger->mutex);
}

bool ledger_take(struct ledger *ledger, size_t count, uint64_t *cursor)
{
    pthread_mutex_lock(&ledger->mutex);
    bool enough = count && count <= ledger->end - ledger->first;
    if (enough) {
        ledger->first += count;
        *cursor = ledger->cursors[ledger->first - 1];
    }
    pthread_mutex_unlock(&ledger->mutex);
    return enough;
}

size_t ledger_count(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->mutex);
    size_t count = ledger->end - ledger->first;
    pthread_mutex_unlock(&ledger->mutex);
    return count;
}
