/* Rows by their key: in several ranges of it, and on from any key. */
#include <string.h>

#include "base/mem.h"
#include "read_order.h"

enum {
    RANGES_A_WORKER = 4,
    RANGE_BYTES_LEAST = 512 * 1024,
};

static int ranges(const struct config *config, const struct table_description *d, bool far)
{
    int most = config->backfill_workers * RANGES_A_WORKER;
    int64_t worth = d->all_bytes / RANGE_BYTES_LEAST;
    if ((config->backfill_workers == 1 && !far) || worth < 2) {
        return 1;
    }
    return worth < most ? (int)worth : most;
}

static char **key(const struct table_description *d)
{
    char **names = key_names(d);
    for (int k = 0; k < d->key_count; k++) {
        names[k] = mem_string(names[k]);
    }
    return names;
}

static bool same_key(char *const *a, const struct table_description *d)
{
    for (int k = 0; k < d->key_count; k++) {
        if (!a || !a[k] || strcmp(a[k], d->relation->columns[d->key[k].column].name) != 0) {
            return false;
        }
    }
    return !a || !a[d->key_count];
}

/* A backfill can continue if the key is the same. */
static void judge(uint64_t xmax, const struct stream_state *old, struct terms_verdict *verdict)
{
    (void)xmax, (void)old, (void)verdict;
}

static void set_life(struct member *m)
{
    (void)m;
}

const struct read_order read_by_key = {
    .use = TERMS_BY_KEY,
    .ranges = ranges,
    .key = key,
    .same_key = same_key,
    .judge = judge,
    .set_life = set_life,
};
