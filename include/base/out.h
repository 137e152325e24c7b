/*
 * Output bytes: a buffer that hands itself to a sink when it is full.
 *
 * The caller reserves room, writes through a plain pointer, and commits what it wrote. Without a
 * sink the buffer grows instead. A sink that fails makes the error sticky: later output is dropped,
 * and out_flush returns false. One owner at a time.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define OUT_ROOM_CHECKED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define OUT_ROOM_CHECKED
#endif
#ifdef OUT_ROOM_CHECKED
#include <sanitizer/asan_interface.h>
#endif

struct out {
    char *data;
    size_t len, cap;
    bool (*sink)(void *context, const char *data, size_t len); /* NULL: grow */
    void *context;
    bool failed;
    bool held;        /* what is behind `hold` stays in the buffer */
    uint64_t flushed; /* bytes that were handed to the sink */
    size_t hold;
    size_t allowed; /* with AddressSanitizer: bytes of `data` that may be touched */
};

void out_init(struct out *, size_t cap);
void out_sink(struct out *, bool (*sink)(void *, const char *, size_t), void *context);
void out_free(struct out *);

/* Make room for `size` bytes: flush or grow. The slow path of out_reserve; not for callers. */
char *out_make_room(struct out *, size_t size);

/*
 * With AddressSanitizer, a writer that uses more than it asked for is found at once, and not where
 * the buffer happens to end: what lies behind is poisoned. Not for callers.
 */
static inline char *out_allow(struct out *out, char *p, size_t size)
{
#ifdef OUT_ROOM_CHECKED
    size_t allowed = (size_t)(p - out->data) + size;
    if (allowed > out->allowed) {
        __asan_unpoison_memory_region(out->data + out->allowed, allowed - out->allowed);
    } else {
        __asan_poison_memory_region(out->data + allowed, out->allowed - allowed);
    }
    out->allowed = allowed;
#else
    (void)out;
    (void)size;
#endif
    return p;
}

/* Hand everything to the sink. False if that, or any flush before it, failed. Without a sink: true.
 */
bool out_flush(struct out *);

/*
 * What is written from now on stays in the buffer, which grows for it, until out_release: a length
 * that precedes it can be filled in, at data + hold.
 */
static inline void out_hold(struct out *out)
{
    out->held = true;
    out->hold = out->len;
}

static inline void out_release(struct out *out)
{
    out->held = false;
}

/* Bytes that were written so far, flushed or not. */
static inline uint64_t out_total(const struct out *out)
{
    return out->flushed + out->len;
}

/* A pointer to at least `size` writable bytes at the end; valid until the next call on `out`. */
static inline char *out_reserve(struct out *out, size_t size)
{
    if (size > out->cap - out->len) {
        return out_make_room(out, size);
    }
    return out_allow(out, out->data + out->len, size);
}

/* Commit what was written since out_reserve, up to `end`. */
static inline void out_commit(struct out *out, const char *end)
{
    out->len = (size_t)(end - out->data);
}

/*
 * For a hot path that keeps the end of the text in a register: `p` is the end of what was written
 * since out_reserve. Returns where `size` more bytes have room: `p`, or the end of the same text
 * after it was flushed or moved.
 */
static inline char *out_room(struct out *out, char *p, size_t size)
{
    if (size <= (size_t)(out->data + out->cap - p)) {
        return out_allow(out, p, size);
    }
    out_commit(out, p);
    return out_make_room(out, size);
}

static inline void out_bytes(struct out *out, const void *data, size_t len)
{
    char *p = out_reserve(out, len);
    memcpy(p, data, len);
    out_commit(out, p + len);
}

static inline void out_char(struct out *out, char c)
{
    char *p = out_reserve(out, 1);
    *p = c;
    out_commit(out, p + 1);
}

static inline void out_string(struct out *out, const char *s)
{
    out_bytes(out, s, strlen(s));
}

/*
 * Append what is large: handed to the sink without a copy, unless the buffer has room for it. False
 * if the sink failed, now or before. Not while something is held.
 */
bool out_pass(struct out *, const char *data, size_t len);

void out_format(struct out *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes so far, with a NUL behind them (not counted). Only without a sink. */
const char *out_text(struct out *);

#endif
