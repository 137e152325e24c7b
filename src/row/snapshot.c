/* Parsing pg_snapshot, and asking whether a snapshot sees a transaction. */
#include "row/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "base/out.h"

static bool parse_xid(const char **text, uint64_t *xid)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *xid = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

static bool parse_xip(struct snapshot *snapshot, const char *text)
{
    size_t cap = 0;
    while (*text) {
        snapshot->xip =
            mem_grow_array(snapshot->xip, &cap, snapshot->xip_count + 1, sizeof *snapshot->xip);
        if (!parse_xid(&text, &snapshot->xip[snapshot->xip_count++]) ||
            (*text && (*text != ',' || !*++text))) {
            return false;
        }
    }
    return true;
}

bool snapshot_parse(struct snapshot *snapshot, const char *text)
{
    *snapshot = (struct snapshot){0};
    if (lsn_parse(text, &snapshot->replayed)) {
        return true;
    }
    if (parse_xid(&text, &snapshot->xmin) && *text++ == ':' && parse_xid(&text, &snapshot->xmax) &&
        *text++ == ':' && parse_xip(snapshot, text)) {
        return true;
    }
    snapshot_free(snapshot);
    return false;
}

char *snapshot_text(const struct snapshot *snapshot)
{
    struct out out;
    if (snapshot->replayed) {
        return mem_string(lsn_format(snapshot->replayed).s);
    }
    out_init(&out, 64);
    out_format(&out, "%" PRIu64 ":%" PRIu64 ":", snapshot->xmin, snapshot->xmax);
    for (size_t i = 0; i < snapshot->xip_count; i++) {
        out_format(&out, i ? ",%" PRIu64 : "%" PRIu64, snapshot->xip[i]);
    }
    char *text = mem_string(out_text(&out));
    out_free(&out);
    return text;
}

void snapshot_copy(struct snapshot *to, const struct snapshot *from)
{
    *to = *from;
    to->xip = NULL;
    if (from->xip_count) {
        to->xip = mem_alloc(from->xip_count * sizeof *to->xip);
        memcpy(to->xip, from->xip, from->xip_count * sizeof *to->xip);
    }
}

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->xip);
    *snapshot = (struct snapshot){0};
}

/* The 64-bit id nearest to `near` that ends in `xid`. */
static uint64_t widen(uint32_t xid, uint64_t near)
{
    return near + (uint64_t)(int64_t)(int32_t)(xid - (uint32_t)near);
}

bool snapshot_sees(const struct snapshot *snapshot, uint32_t xid, uint64_t final_lsn)
{
    if (snapshot->replayed) {
        return final_lsn < snapshot->replayed;
    }
    uint64_t id = widen(xid, snapshot->xmax);
    if (id < snapshot->xmin) {
        return true;
    }
    if (id >= snapshot->xmax) {
        return false;
    }
    for (size_t i = 0; i < snapshot->xip_count; i++) {
        if (snapshot->xip[i] == id) {
            return false;
        }
    }
    return true;
}
