/*
 * Big-endian numbers, as PostgreSQL sends and takes them, and a bounds-checked cursor over them.
 *
 * Its error is sticky: a read past the end yields zeros and sets `bad`, so that a decoder checks it
 * once per message. The bytes are borrowed.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *p, *end;
    bool bad;
};

/* Where to cut UTF-8 text so that no character is split: at `len` or shortly before. Reads
 * text[len]. */
static inline size_t bytes_whole_letters(const char *text, size_t len)
{
    while (len && ((unsigned char)text[len] & 0xC0) == 0x80) {
        len--;
    }
    return len;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are swapped when they are read");

static inline uint16_t load16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t load32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint64_t load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

/* Each returns where the next byte goes. */
static inline void *store16(void *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof v);
    return (uint8_t *)p + sizeof v;
}

static inline void *store32(void *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
    return (uint8_t *)p + sizeof v;
}

static inline void *store64(void *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
    return (uint8_t *)p + sizeof v;
}

static inline struct bytes bytes_of(const void *data, size_t len)
{
    const uint8_t *p = data;
    return (struct bytes){p, p + len, false};
}

static inline size_t bytes_left(const struct bytes *b)
{
    return (size_t)(b->end - b->p);
}

/* The next `len` bytes, or NULL and bad. */
static inline const uint8_t *bytes_take(struct bytes *b, size_t len)
{
    const uint8_t *p = b->p;
    if (b->bad || len > (size_t)(b->end - p)) {
        b->bad = true;
        return NULL;
    }
    b->p += len;
    return p;
}

static inline uint8_t bytes_u8(struct bytes *b)
{
    const uint8_t *p = bytes_take(b, 1);
    return p ? *p : 0;
}

static inline uint16_t bytes_u16(struct bytes *b)
{
    const uint8_t *p = bytes_take(b, 2);
    return p ? load16(p) : 0;
}

static inline uint32_t bytes_u32(struct bytes *b)
{
    const uint8_t *p = bytes_take(b, 4);
    return p ? load32(p) : 0;
}

static inline uint64_t bytes_u64(struct bytes *b)
{
    const uint8_t *p = bytes_take(b, 8);
    return p ? load64(p) : 0;
}

/* A NUL-terminated string; "" and bad if no NUL follows. */
static inline const char *bytes_string(struct bytes *b)
{
    const uint8_t *p = b->p;
    const uint8_t *nul = b->bad ? NULL : memchr(p, 0, (size_t)(b->end - p));
    if (!nul) {
        b->bad = true;
        return "";
    }
    b->p = nul + 1;
    return (const char *)p;
}

#endif
