/* How many threads of ours can run at the same time. */
#ifndef BASE_CORES_H
#define BASE_CORES_H

/* Cores that the process may use, by its affinity and its control group's quota of time. At least
 * 1. */
int cores_usable(void);

/*
 * Cores that a quota is worth, rounded up: "QUOTA PERIOD" in microseconds, as in cpu.max; the quota
 * is "max" or -1 where there is none. 0: no quota, or not understood.
 */
int cores_of_quota(const char *text);

#endif
