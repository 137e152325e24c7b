/* A file that another program may read at any moment: written under another name, and then
 * renamed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/metrics.h"

static bool write_whole(const char *path, const struct out *out)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        return false;
    }
    bool ok = fwrite(out->data, 1, out->len, file) == out->len;
    return !fclose(file) && ok;
}

/* A disk may have room again. */
static bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

bool metrics_file_write(const char *path, const struct out *out, struct err *err)
{
    char *beside = mem_format("%s.%ld.tmp", path, (long)getpid());
    bool ok = write_whole(beside, out) && !rename(beside, path);
    if (!ok) {
        int error = errno;
        err_set(err, is_full(error) ? ERR_TRANSIENT : ERR_CONFIG,
                "cannot write the metrics to %s: %s; %s", path, strerror(error),
                is_full(error) ? "make room"
                               : "name a file in a directory where the user may write");
        unlink(beside);
    }
    free(beside);
    return ok;
}
