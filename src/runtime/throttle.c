/*
 * The rate is kept by one point in time: when everything taken so far will have been allowed. Idle
 * time is not saved up.
 */
#include "runtime/throttle.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
    FRESH_US = 500 * 1000,     /* for so long a reported lag counts */
    WAIT_MOST_US = 500 * 1000, /* then look again */
};

struct throttle {
    uint64_t bytes_per_second, lag_bytes; /* as is */
    pthread_mutex_t lock;
    int64_t free_us; /* when everything taken so far will have been allowed */
    int64_t told_us; /* when the lag was reported; 0: never */
    bool behind;
    bool said_blind;
};

struct throttle *throttle_new(uint64_t bytes_per_second, uint64_t lag_bytes)
{
    struct throttle *t = mem_zero(sizeof *t);
    t->bytes_per_second = bytes_per_second;
    t->lag_bytes = lag_bytes;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void throttle_free(struct throttle **throttle)
{
    if (*throttle) {
        pthread_mutex_destroy(&(*throttle)->lock);
    }
    free(*throttle);
    *throttle = NULL;
}

static enum throttle_step next(const struct throttle *t, int64_t now_us, int64_t *wait_us)
{
    if (t->bytes_per_second && now_us < t->free_us) {
        int64_t left_us = t->free_us - now_us;
        *wait_us = left_us < WAIT_MOST_US ? left_us : WAIT_MOST_US;
        return THROTTLE_RATE;
    }
    if (!t->lag_bytes) {
        return THROTTLE_GO;
    }
    if (!t->told_us || now_us - t->told_us >= FRESH_US) {
        return THROTTLE_LOOK;
    }
    *wait_us = t->told_us + FRESH_US - now_us;
    return t->behind ? THROTTLE_LAG : THROTTLE_GO;
}

enum throttle_step throttle_next(struct throttle *t, int64_t now_us, int64_t *wait_us)
{
    pthread_mutex_lock(&t->lock);
    *wait_us = 0;
    enum throttle_step step = next(t, now_us, wait_us);
    pthread_mutex_unlock(&t->lock);
    return step;
}

void throttle_took(struct throttle *t, int64_t begun_us, uint64_t bytes)
{
    if (!t->bytes_per_second) {
        return;
    }
    pthread_mutex_lock(&t->lock);
    int64_t from_us = t->free_us > begun_us ? t->free_us : begun_us;
    t->free_us = from_us + (int64_t)((double)bytes * 1e6 / (double)t->bytes_per_second);
    pthread_mutex_unlock(&t->lock);
}

void throttle_lag(struct throttle *t, int64_t now_us, uint64_t bytes)
{
    pthread_mutex_lock(&t->lock);
    t->told_us = now_us;
    t->behind = bytes > t->lag_bytes;
    pthread_mutex_unlock(&t->lock);
}

uint64_t throttle_piece(const struct throttle *t)
{
    return t->bytes_per_second ? t->bytes_per_second : UINT64_MAX;
}

bool throttle_says_blind(struct throttle *t)
{
    pthread_mutex_lock(&t->lock);
    bool first = !t->said_blind;
    t->said_blind = true;
    pthread_mutex_unlock(&t->lock);
    return first;
}
