/* A container may be limited by a quota of CPU time, which sched_getaffinity does not show. */
#include "base/cores.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 64, CORES_MOST = 1 << 16 };

int cores_of_quota(const char *text)
{
    char *quota_end, *period_end;
    long quota = strtol(text, &quota_end, 10), period = strtol(quota_end, &period_end, 10);
    if (period_end == quota_end || quota <= 0 || period <= 0) {
        return 0;
    }
    long cores = quota / period + (quota % period != 0);
    return cores < CORES_MOST ? (int)cores : CORES_MOST;
}

/* Add what the file's first line holds, and a blank. */
static void add_line(char *text, const char *path)
{
    size_t len = strlen(text);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fgets(text + len, TEXT - (int)len - 1, file)) {
            len += strcspn(text + len, "\n");
            text[len++] = ' ';
        }
        text[len] = '\0';
        fclose(file);
    }
}

/* A container finds its own control group at the root; the newer version of them has one file. */
static int cores_of_group(void)
{
    char newer[TEXT] = "", older[TEXT] = "";
    add_line(newer, "/sys/fs/cgroup/cpu.max");
    add_line(older, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    add_line(older, "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    return cores_of_quota(*newer ? newer : older);
}

int cores_usable(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN)
                                                       : CPU_COUNT(&set);
    int quota = cores_of_group();
    cores = quota && quota < cores ? quota : cores;
    return cores < 1 ? 1 : cores;
}
