/*
 * A run: how it is asked to stop, and which error ended it.
 *
 * Any thread may stop the run, with an error or without; the first error wins. A stop makes stop_fd
 * readable, for those who wait on sockets, and rings every bell that was added, for those who wait
 * there.
 */
#ifndef RUNTIME_RUN_H
#define RUNTIME_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/bell.h"

struct run;

struct run *run_new(struct err *); /* NULL: no descriptors left */
void run_free(struct run **);

/* Bells to ring at a stop. They must live until they are all forgotten. */
void run_add_bell(struct run *, struct bell *);
void run_forget_bells(struct run *);

/* Ring them all, so that threads that wait check what they wait for. Any thread. */
void run_ring_bells(struct run *);

int run_stop_fd(const struct run *);
bool run_stopping(const struct run *);

/* Stop without an error; what is under way is dropped. */
void run_stop(struct run *);

/* Stop because of *err. ERR_STOPPED does not count as an error. */
void run_fail(struct run *, const struct err *);

/* Sleep so long, or until the run stops. Any thread. */
void run_pause(const struct run *, int64_t us);

/* False with the first error, if there was one yet. Any thread. */
bool run_result(struct run *, struct err *);

/* Start and join a thread. Its function gets `context`. */
struct thread;
struct thread *thread_start(const char *name, void (*function)(void *context), void *context,
                            struct err *);
void thread_join(struct thread **); /* NULL is fine */

#endif
