/* Blocks of open transactions. The grammar is in the header. */
#include "wal/streamed.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crash.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "spool.h"

enum { BEGIN_SIZE = 21, COMMIT_SIZE = 26 };

struct open {
    uint32_t xid;
    uint64_t first_lsn;
    struct spool *spool;
    uint32_t *aborted; /* ids of subtransactions; ascending, once it has committed */
    size_t aborted_count, aborted_cap;
};

enum turn { GIVES_NOTHING, GIVES_BEGIN, GIVES_CHANGES };

struct streamed {
    const char *directory;
    struct open *open;
    size_t count, cap;
    bool in_block;
    size_t at; /* index in `open`: the transaction of the block, or the one that is given out */
    enum turn turn;
    struct spool *ended; /* of the transaction that was given out, until it is released */
    uint64_t commit_lsn; /* where the message of the commit was found */
    uint8_t begin[BEGIN_SIZE], commit[COMMIT_SIZE];
};

struct streamed *streamed_new(const char *directory)
{
    struct streamed *s = mem_zero(sizeof *s);
    s->directory = directory;
    return s;
}

static void forget(struct streamed *s, size_t at)
{
    spool_free(&s->ended);
    s->ended = s->open[at].spool;
    free(s->open[at].aborted);
    s->open[at] = s->open[--s->count];
}

void streamed_release(struct streamed *s)
{
    spool_free(&s->ended);
}

void streamed_restart(struct streamed *s)
{
    while (s->count) {
        forget(s, s->count - 1);
    }
    streamed_release(s);
    s->in_block = false;
    s->turn = GIVES_NOTHING;
}

void streamed_free(struct streamed **s)
{
    if (*s) {
        streamed_restart(*s);
        free((*s)->open);
    }
    free(*s);
    *s = NULL;
}

/* Index of the transaction in `open`; s->count: it is not open. */
static size_t find(const struct streamed *s, uint32_t xid)
{
    size_t i = 0;
    while (i < s->count && s->open[i].xid != xid) {
        i++;
    }
    return i;
}

static bool start_block(struct streamed *s, uint64_t lsn, struct bytes *in)
{
    uint32_t xid = bytes_u32(in);
    bool first = bytes_u8(in) == 1;
    s->at = find(s, xid);
    if (in->bad || s->in_block || first != (s->at == s->count)) {
        return false;
    }
    if (first) {
        s->open = mem_grow_array(s->open, &s->cap, s->count + 1, sizeof *s->open);
        s->open[s->count++] =
            (struct open){.xid = xid, .first_lsn = lsn, .spool = spool_new(s->directory)};
    }
    s->in_block = true;
    return true;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A stream commit: make BEGIN and COMMIT of version 1 from it, and start to give the transaction
 * out. */
static bool end(struct streamed *s, uint64_t lsn, struct bytes *in)
{
    uint32_t xid = bytes_u32(in);
    const uint8_t *tail = bytes_take(in, COMMIT_SIZE - 1);
    s->at = find(s, xid);
    if (in->bad || s->at == s->count) {
        return false;
    }
    s->begin[0] = 'B';
    memcpy(s->begin + 1, tail + 1, 8);
    memcpy(s->begin + 9, tail + 17, 8);
    store32(s->begin + 17, xid);
    s->commit[0] = 'C';
    memcpy(s->commit + 1, tail, COMMIT_SIZE - 1);
    s->commit_lsn = lsn;
    s->turn = GIVES_BEGIN;
    struct open *o = &s->open[s->at];
    if (o->aborted_count) {
        qsort(o->aborted, o->aborted_count, sizeof *o->aborted, by_id);
    }
    return true;
}

/* A transaction that is not known here sent no messages. */
static bool abort_some(struct streamed *s, struct bytes *in)
{
    uint32_t xid = bytes_u32(in), subxid = bytes_u32(in);
    size_t at = find(s, xid);
    if (in->bad) {
        return false;
    }
    if (at < s->count && subxid == xid) {
        forget(s, at);
        streamed_release(s);
    } else if (at < s->count) {
        struct open *o = &s->open[at];
        o->aborted =
            mem_grow_array(o->aborted, &o->aborted_cap, o->aborted_count + 1, sizeof *o->aborted);
        o->aborted[o->aborted_count++] = subxid;
    }
    return true;
}

static bool keep(struct streamed *s, uint64_t lsn, uint8_t tag, struct bytes *in, struct err *err)
{
    uint32_t subxid = bytes_u32(in);
    return !in->bad &&
           spool_add(s->open[s->at].spool, subxid, lsn, tag, in->p, bytes_left(in), err);
}

static bool take_in_block(struct streamed *s, uint64_t lsn, uint8_t tag, struct bytes *in,
                          struct err *err)
{
    switch (tag) {
    case 'E':
        s->in_block = false;
        crash_point("block-kept");
        return true;
    case 'O': return true;
    case 'R':
    case 'Y':
    case 'I':
    case 'U':
    case 'D':
    case 'T':
    case 'M': return keep(s, lsn, tag, in, err);
    default: return false;
    }
}

static bool take_between(struct streamed *s, uint64_t lsn, uint8_t tag, struct bytes *in,
                         bool *kept)
{
    switch (tag) {
    case 'S': return start_block(s, lsn, in);
    case 'c': return end(s, lsn, in);
    case 'A': return abort_some(s, in);
    default: *kept = false; return true;
    }
}

bool streamed_take(struct streamed *s, uint64_t lsn, const uint8_t *message, size_t len, bool *kept,
                   struct err *err)
{
    struct bytes in = bytes_of(message, len);
    uint8_t tag = bytes_u8(&in);
    CHECK(!streamed_committed(s));
    err->kind = ERR_NONE;
    *kept = true;
    if (s->in_block ? take_in_block(s, lsn, tag, &in, err) : take_between(s, lsn, tag, &in, kept)) {
        return true;
    }
    if (err->kind == ERR_NONE) { /* else a file failed */
        err_set(err, ERR_SYSTEM,
                "the server sent a message of a transaction that is still open, which cannot be "
                "read (tag 0x%02x, %zu bytes)",
                tag, len);
        err_detail(err, "at %s", lsn_format(lsn).s);
    }
    return false;
}

bool streamed_committed(const struct streamed *s)
{
    return s->turn != GIVES_NOTHING;
}

static bool is_aborted(const struct open *o, uint32_t subxid)
{
    return o->aborted_count && bsearch(&subxid, o->aborted, o->aborted_count, sizeof subxid, by_id);
}

/* Nothing else is taken until the transaction is given out: `at` stays its index. */
bool streamed_next(struct streamed *s, struct arena *arena, uint64_t *lsn, const uint8_t **message,
                   size_t *len, struct err *err)
{
    struct open *o = &s->open[s->at];
    struct spooled spooled;
    if (s->turn == GIVES_BEGIN) {
        s->turn = GIVES_CHANGES;
        *lsn = o->first_lsn;
        *len = BEGIN_SIZE;
        *message = arena_copy(arena, s->begin, BEGIN_SIZE);
        return true;
    }
    do {
        if (!spool_next(o->spool, &spooled, err)) {
            return false;
        }
    } while (spooled.message && is_aborted(o, spooled.subxid));
    if (!spooled.message) {
        forget(s, s->at);
        s->turn = GIVES_NOTHING;
        spooled = (struct spooled){0, s->commit_lsn, s->commit, COMMIT_SIZE};
    }
    *lsn = spooled.lsn;
    *len = spooled.len;
    *message = arena_copy(arena, spooled.message, spooled.len);
    return true;
}

size_t streamed_count(const struct streamed *s)
{
    return s->count;
}

uint64_t streamed_bytes(const struct streamed *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->count; i++) {
        bytes += spool_bytes(s->open[i].spool);
    }
    return bytes;
}
