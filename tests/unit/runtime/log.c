#include "runtime/log.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static char written[4096]; /* all lines, each with its end */
static struct log *user_log;

static void keep(const struct log_entry *entry)
{
    strcat(strcat(written, entry->line), "\n");
}

static void begin(void)
{
    written[0] = '\0';
    user_log = log_new(LOG_INFO, keep, false);
}

static void end(void)
{
    log_free(&user_log);
}

TestSuite(log, .init = begin, .fini = end);

static void says(const char *lines)
{
    cr_assert_str_eq(written, lines);
}

/* A thread that tries something again when it is told to. */
struct thread {
    pthread_t id;
    const char *waits_for;
    pthread_barrier_t turn, done;
};

enum { TURNS = 3 };

static void *wait_in_turns(void *context)
{
    struct thread *t = context;
    struct log_wait wait = {user_log, false};
    for (int i = 0; i < TURNS; i++) {
        pthread_barrier_wait(&t->turn);
        log_wait(&wait, LOG_WARN, "%s", t->waits_for);
        pthread_barrier_wait(&t->done);
    }
    return NULL;
}

/* Each in turn, as in an outage. */
static void take_turns(const char *first, const char *second)
{
    struct thread threads[2] = {{.waits_for = first}, {.waits_for = second}};
    for (int i = 0; i < 2; i++) {
        pthread_barrier_init(&threads[i].turn, NULL, 2);
        pthread_barrier_init(&threads[i].done, NULL, 2);
        pthread_create(&threads[i].id, NULL, wait_in_turns, &threads[i]);
    }
    for (int i = 0; i < 2 * TURNS; i++) {
        pthread_barrier_wait(&threads[i % 2].turn);
        pthread_barrier_wait(&threads[i % 2].done);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i].id, NULL);
        pthread_barrier_destroy(&threads[i].turn);
        pthread_barrier_destroy(&threads[i].done);
    }
}

Test(log, the_waits_of_two_threads_are_written_once_each)
{
    take_turns("reading", "asking");
    says("reading\nasking\n");
    log_flush(user_log);
    says("reading\nasking\nreading (2 more times)\nasking (2 more times)\n");
}

Test(log, the_same_wait_of_two_threads_is_written_once)
{
    take_turns("reading", "reading");
    says("reading\n");
}

Test(log, a_thread_that_waits_for_this_and_that_says_so_each_time)
{
    struct log_wait wait = {user_log, false};
    log_wait(&wait, LOG_INFO, "this");
    log_wait(&wait, LOG_INFO, "this");
    log_wait(&wait, LOG_INFO, "that");
    log_wait(&wait, LOG_INFO, "this");
    says("this\nthat\nthis\n");
}

Test(log, a_status_and_a_wait_are_written_again_after_each_other)
{
    struct log_wait wait = {user_log, false};
    log_status(user_log, "streaming");
    log_status(user_log, "streaming");
    log_wait(&wait, LOG_WARN, "interrupted");
    log_status(user_log, "streaming");
    log_wait(&wait, LOG_WARN, "interrupted");
    says("streaming\ninterrupted\nstreaming\ninterrupted\n");
}

Test(log, a_wait_whose_numbers_differ_is_written_once_and_not_again_when_it_is_over)
{
    struct log_wait wait = {user_log, false};
    cr_assert(log_wait_about(&wait, LOG_INFO, "a lock", "a lock, open for %d s", 5));
    cr_assert_not(log_wait_about(&wait, LOG_INFO, "a lock", "a lock, open for %d s", 35));
    log_waited(&wait);
    log_flush(user_log);
    says("a lock, open for 5 s\n");
}

Test(log, a_wait_that_lasts_is_told_with_its_newest_line)
{
    struct log_wait wait = {user_log, false};
    log_wait_about(&wait, LOG_INFO, "a lock", "a lock, open for %d s", 5);
    log_wait_about(&wait, LOG_INFO, "a lock", "a lock, open for %d s", 35);
    log_wait_about(&wait, LOG_INFO, "a lock", "a lock, open for %d s", 65);
    log_flush(user_log);
    says("a lock, open for 5 s\na lock, open for 65 s (2 more times)\n");
}

Test(log, a_condition_that_is_over_is_not_written_again)
{
    log_about(user_log, LOG_WARN, "WAL", "%d MiB of WAL", 92);
    log_about(user_log, LOG_WARN, "WAL", "%d MiB of WAL", 93);
    log_over(user_log, "WAL");
    log_flush(user_log);
    says("92 MiB of WAL\n");
}

Test(log, the_end_of_something_is_written_each_time)
{
    for (int i = 0; i < 2; i++) {
        log_end(user_log, LOG_INFO, "connected again after 0.2 s");
        log_line(user_log, LOG_INFO, "a line");
    }
    says("connected again after 0.2 s\na line\nconnected again after 0.2 s\n");
}
