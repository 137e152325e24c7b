/* Stopping, errors, threads, the log. */
#include "runtime/run.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/counter.h"
#include "runtime/log.h"

static bool readable(int fd)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};
    return poll(&poll_fd, 1, 0) == 1;
}

static struct run *new_run(void)
{
    struct err err = {0};
    struct run *run = run_new(&err);
    cr_assert_not_null(run, "%s", err.message);
    return run;
}

Test(run, shows_a_stop_by_flag_descriptor_and_bells)
{
    struct run *run = new_run();
    struct bell one, two;
    bell_init(&one);
    bell_init(&two);
    run_add_bell(run, &one);
    run_add_bell(run, &two);
    uint32_t first = bell_count(&one), second = bell_count(&two);
    cr_assert(!run_stopping(run) && !readable(run_stop_fd(run)));
    run_stop(run);
    cr_assert(run_stopping(run) && readable(run_stop_fd(run)));
    cr_assert(bell_count(&one) != first && bell_count(&two) != second);
    run_free(&run);
}

Test(run, rings_no_bell_that_was_forgotten)
{
    struct run *run = new_run();
    struct bell bell;
    bell_init(&bell);
    run_add_bell(run, &bell);
    uint32_t seen = bell_count(&bell);
    run_forget_bells(run);
    run_stop(run);
    cr_assert_eq(bell_count(&bell), seen);
    run_free(&run);
}

Test(run, pauses_as_long_as_asked_unless_it_stops)
{
    struct run *run = new_run();
    int64_t began_us = clock_monotonic_us();
    run_pause(run, 20 * 1000);
    cr_assert(clock_monotonic_us() - began_us >= 20 * 1000);
    run_stop(run);
    run_pause(run, INT64_C(3600) * 1000 * 1000);
    run_free(&run);
}

Test(run, ends_well_without_an_error)
{
    struct run *run = new_run();
    struct err err = {0};
    run_stop(run);
    cr_assert(run_result(run, &err));
    run_free(&run);
}

Test(run, keeps_the_first_error)
{
    struct run *run = new_run();
    struct err stopped = {0}, first = {0}, second = {0}, result = {0};
    err_set(&stopped, ERR_STOPPED, "stopped");
    err_set(&first, ERR_TRANSIENT, "the first");
    err_set(&second, ERR_CONFIG, "the second");
    run_fail(run, &stopped);
    run_fail(run, &first);
    run_fail(run, &second);
    cr_assert(!run_result(run, &result));
    cr_assert_eq(result.kind, ERR_TRANSIENT);
    cr_assert_str_eq(result.message, "the first");
    run_free(&run);
}

Test(run, a_stop_is_not_an_error)
{
    struct run *run = new_run();
    struct err stopped = {0}, result = {0};
    err_set(&stopped, ERR_STOPPED, "stopped");
    run_fail(run, &stopped);
    cr_assert(run_stopping(run) && run_result(run, &result));
    run_free(&run);
}

static void count_to(void *context)
{
    for (int i = 0; i < 1000; i++) {
        counter_take(context);
    }
}

Test(thread, counters_are_taken_once_each)
{
    unsigned counter = 0;
    struct err err = {0};
    struct thread *one = thread_start("one", count_to, &counter, &err);
    struct thread *two = thread_start("two", count_to, &counter, &err);
    thread_join(&one);
    thread_join(&two);
    cr_assert(!one && !two);
    cr_assert_eq(counter_take(&counter), 2000);
    thread_join(&one); /* nothing to join */
}

static char written[64];

static void remember(const struct log_entry *entry)
{
    snprintf(written, sizeof written, "%s %s%s", log_level_name(entry->level), entry->line,
             entry->status ? " status" : "");
}

static void expect_taken(struct log *log, enum log_level level, const char *text)
{
    enum log_level taken_level;
    char *taken = log_take(log, &taken_level);
    cr_assert_not_null(taken);
    cr_assert_str_eq(taken, text);
    cr_assert_eq(taken_level, level);
    free(taken);
}

Test(log, writes_at_once_and_keeps_lines_for_the_platform)
{
    enum log_level level;
    struct log *log = log_new(LOG_INFO, remember, true);
    log_line(log, LOG_WARN, "%d of %s", 2, "three");
    cr_assert_str_eq(written, "WARN 2 of three");
    log_line(log, LOG_INFO, "next");
    expect_taken(log, LOG_WARN, "2 of three");
    expect_taken(log, LOG_INFO, "next");
    cr_assert_null(log_take(log, &level));
    log_free(&log);
}

Test(log, counts_waits_until_they_are_over)
{
    unsigned count;
    struct log *log = log_new(LOG_WARN, remember, false);
    struct log_wait one = {log, false}, other = {log, false};
    cr_assert_eq(log_waits(log, &count), 0);
    log_waited(&one);
    log_notice_wait(&one, "a lock", "not even shown");
    log_wait(&one, LOG_WARN, "for %s", "a lock");
    cr_assert_str_eq(written, "WARN for a lock status");
    log_wait(&other, LOG_WARN, "for the server");
    cr_assert_eq(log_waits(log, &count), 2);
    cr_assert_eq(count, 3);
    log_notice_wait(&one, NULL, NULL);
    log_waited(&one);
    cr_assert_eq(log_waits(log, &count), 1);
    log_waited(&other);
    cr_assert_eq(log_waits(log, &count), 0);
    cr_assert_eq(count, 3);
    log_free(&log);
}

Test(log, drops_what_is_above_the_threshold)
{
    enum log_level level;
    struct log *log = log_new(LOG_WARN, remember, true);
    written[0] = '\0';
    log_line(log, LOG_INFO, "quiet");
    cr_assert_str_eq(written, "");
    cr_assert_null(log_take(log, &level));
    log_free(&log);
}

Test(log, forgets_the_oldest_lines_that_are_not_taken)
{
    enum log_level level;
    struct log *log = log_new(LOG_INFO, remember, true);
    for (int i = 0; i < 1000; i++) {
        log_line(log, LOG_INFO, "%d", i);
    }
    char *first = log_take(log, &level);
    cr_assert_gt(atoi(first), 500);
    free(first);
    log_free(&log);
}
