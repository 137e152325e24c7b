/* Each message is written with its length, its subxid and its LSN before it. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/out.h"

enum {
    IN_MEMORY = 64 * 1024, /* many transactions may be open */
    BLOCK = 256 * 1024,    /* read at once */
    HEADER = 16,
};

struct spool {
    const char *directory;
    struct out tail; /* what is not in the file */
    int fd;          /* -1: there is no file */
    int failure;     /* errno of what failed; 0: nothing has */
    uint64_t left;   /* bytes still to be read */
    bool reading;
    uint8_t *block; /* what is being read of the file: */
    size_t at, len, cap;
};

/* If the file system has no unnamed files, make one with a name and remove the name at once. */
static int open_unnamed(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        char *name = mem_format("%s/source-postgres-XXXXXX", directory);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0) {
            unlink(name);
        }
        free(name);
    }
    return fd;
}

static bool write_out(void *context, const char *data, size_t len)
{
    struct spool *s = context;
    s->fd = s->fd < 0 ? open_unnamed(s->directory) : s->fd;
    while (s->fd >= 0 && len) {
        ssize_t some = write(s->fd, data, len);
        if (some < 0 && errno != EINTR) {
            break;
        }
        data += some > 0 ? some : 0;
        len -= some > 0 ? (size_t)some : 0;
    }
    s->failure = len ? errno : 0;
    return !len;
}

struct spool *spool_new(const char *directory)
{
    struct spool *s = mem_zero(sizeof *s);
    s->directory = directory;
    s->fd = -1;
    out_init(&s->tail, IN_MEMORY);
    out_sink(&s->tail, write_out, s);
    return s;
}

void spool_free(struct spool **spool)
{
    struct spool *s = *spool;
    *spool = NULL;
    if (s) {
        if (s->fd >= 0) {
            close(s->fd);
        }
        out_free(&s->tail);
        free(s->block);
        free(s);
    }
}

static bool failed(const struct spool *s, const char *what, struct err *err)
{
    return err_set(err, ERR_TRANSIENT,
                   "the file of a transaction that is still open cannot be %s in %s: %s", what,
                   s->directory, strerror(s->failure));
}

bool spool_add(struct spool *s, uint32_t subxid, uint64_t lsn, uint8_t tag, const uint8_t *rest,
               size_t len, struct err *err)
{
    char header[HEADER + 1];
    void *p = store32(header, (uint32_t)len + 1);
    p = store32(p, subxid);
    p = store64(p, lsn);
    *(uint8_t *)p = tag;
    out_bytes(&s->tail, header, sizeof header);
    out_bytes(&s->tail, (const char *)rest, len);
    return !s->tail.failed || failed(s, "written", err);
}

uint64_t spool_bytes(const struct spool *s)
{
    return out_total(&s->tail);
}

/* From here on, all that was added is in the file, or all is in memory. */
static bool begin_to_read(struct spool *s, struct err *err)
{
    s->reading = true;
    s->left = spool_bytes(s);
    if (s->fd < 0) {
        return true;
    }
    if (!out_flush(&s->tail)) {
        return failed(s, "written", err);
    }
    s->cap = BLOCK;
    s->block = mem_alloc(s->cap);
    return lseek(s->fd, 0, SEEK_SET) == 0 || ((s->failure = errno), failed(s, "read", err));
}

/* Keep what is left of the block, and read more after it. */
static bool fill(struct spool *s, size_t size, struct err *err)
{
    s->len -= s->at;
    memmove(s->block, s->block + s->at, s->len);
    s->at = 0;
    if (size > s->cap) {
        s->cap = size;
        s->block = mem_grow(s->block, size);
    }
    while (s->len < size) {
        ssize_t some = read(s->fd, s->block + s->len, s->cap - s->len);
        if (some == 0 || (some < 0 && errno != EINTR)) {
            s->failure = some ? errno : EIO; /* shorter than it was written */
            return failed(s, "read", err);
        }
        s->len += some > 0 ? (size_t)some : 0;
    }
    return true;
}

/* `size` bytes from where it is read; NULL: it failed. */
static const uint8_t *look_at(struct spool *s, size_t size, struct err *err)
{
    if (s->fd < 0) {
        return (const uint8_t *)s->tail.data + s->at;
    }
    return s->len - s->at >= size || fill(s, size, err) ? s->block + s->at : NULL;
}

bool spool_next(struct spool *s, struct spooled *spooled, struct err *err)
{
    *spooled = (struct spooled){0};
    if (!s->reading && !begin_to_read(s, err)) {
        return false;
    }
    if (!s->left) {
        return true;
    }
    const uint8_t *header = look_at(s, HEADER, err);
    size_t len = header ? load32(header) : 0;
    header = header ? look_at(s, HEADER + len, err) : NULL;
    if (!header) {
        return false;
    }
    *spooled = (struct spooled){load32(header + 4), load64(header + 8), header + HEADER, len};
    s->at += HEADER + len;
    s->left -= HEADER + len;
    return true;
}
