/* Hooks of a merger whose test does not need them. */
#ifndef TEST_MERGE_HOOKS_H
#define TEST_MERGE_HOOKS_H

#include "merge/merge.h"

static inline void ignore_truncate(void *context, int stream, const struct relation *relation,
                                   uint32_t xid)
{
    (void)context, (void)stream, (void)relation, (void)xid;
}

static inline void ignore_leaf(void *context, int stream, uint32_t leaf, uint32_t xid)
{
    (void)context, (void)stream, (void)leaf, (void)xid;
}

static inline void ignore_relation(void *context, int stream, const struct relation *relation)
{
    (void)context, (void)stream, (void)relation;
}

static inline void ignore_request(void *context, const char *table, size_t len)
{
    (void)context, (void)table, (void)len;
}

static inline bool go_on(void *context, int stream, const struct relation *relation)
{
    (void)context, (void)stream, (void)relation;
    return true;
}

#endif
