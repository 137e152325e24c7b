/* Stopping, the first error, and threads. */
#include "runtime/run.h"

#include <ck_pr.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct run {
    unsigned stopping;
    int stop_fd;
    struct bell **bells;
    size_t bell_count, bell_cap;
    pthread_mutex_t mutex; /* of first and bells */
    struct err first;      /* ERR_NONE: none */
};

struct run *run_new(struct err *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        err_set(err, ERR_SYSTEM, "cannot make an event descriptor: %s", strerror(errno));
        return NULL;
    }
    struct run *run = mem_zero(sizeof *run);
    run->stop_fd = fd;
    pthread_mutex_init(&run->mutex, NULL);
    return run;
}

void run_free(struct run **run)
{
    if (*run) {
        close((*run)->stop_fd);
        pthread_mutex_destroy(&(*run)->mutex);
        free((void *)(*run)->bells);
        free(*run);
        *run = NULL;
    }
}

void run_add_bell(struct run *run, struct bell *bell)
{
    pthread_mutex_lock(&run->mutex);
    run->bells =
        mem_grow_array((void *)run->bells, &run->bell_cap, run->bell_count + 1, sizeof *run->bells);
    run->bells[run->bell_count++] = bell;
    pthread_mutex_unlock(&run->mutex);
}

void run_forget_bells(struct run *run)
{
    pthread_mutex_lock(&run->mutex);
    run->bell_count = 0;
    pthread_mutex_unlock(&run->mutex);
}

void run_ring_bells(struct run *run)
{
    pthread_mutex_lock(&run->mutex);
    for (size_t i = 0; i < run->bell_count; i++) {
        bell_ring(run->bells[i]);
    }
    pthread_mutex_unlock(&run->mutex);
}

int run_stop_fd(const struct run *run)
{
    return run->stop_fd;
}

bool run_stopping(const struct run *run)
{
    return ck_pr_load_uint(&run->stopping) != 0;
}

void run_stop(struct run *run)
{
    uint64_t one = 1;
    ck_pr_store_uint(&run->stopping, 1);
    ck_pr_fence_store();
    if (write(run->stop_fd, &one, sizeof one) < 0) {
        /* The counter is full, so it is readable already. */
    }
    run_ring_bells(run);
}

void run_fail(struct run *run, const struct err *err)
{
    pthread_mutex_lock(&run->mutex);
    if (run->first.kind == ERR_NONE && err->kind != ERR_STOPPED) {
        run->first = *err;
    }
    pthread_mutex_unlock(&run->mutex);
    run_stop(run);
}

void run_pause(const struct run *run, int64_t us)
{
    int64_t end_us = clock_monotonic_us() + us, left_us;
    while (!run_stopping(run) && (left_us = end_us - clock_monotonic_us()) > 0) {
        struct pollfd stop = {run->stop_fd, POLLIN, 0};
        struct timespec limit = {left_us / 1000000, left_us % 1000000 * 1000};
        ppoll(&stop, 1, &limit, NULL); /* interrupted: look again */
    }
}

bool run_result(struct run *run, struct err *err)
{
    pthread_mutex_lock(&run->mutex);
    bool ok = run->first.kind == ERR_NONE;
    if (!ok) {
        *err = run->first;
    }
    pthread_mutex_unlock(&run->mutex);
    return ok;
}

struct thread {
    pthread_t id;
    void (*function)(void *);
    void *context;
};

static void *enter(void *arg)
{
    struct thread *thread = arg;
    thread->function(thread->context);
    return NULL;
}

struct thread *thread_start(const char *name, void (*function)(void *), void *context,
                            struct err *err)
{
    struct thread *thread = mem_alloc(sizeof *thread);
    *thread = (struct thread){.function = function, .context = context};
    int error = pthread_create(&thread->id, NULL, enter, thread);
    if (error) {
        free(thread);
        err_set(err, ERR_SYSTEM, "cannot start the %s thread: %s", name, strerror(error));
        return NULL;
    }
    pthread_setname_np(thread->id, name);
    return thread;
}

void thread_join(struct thread **thread)
{
    if (*thread) {
        pthread_join((*thread)->id, NULL);
        free(*thread);
        *thread = NULL;
    }
}
