/* Ending the process: nothing may block that. */
#include "base/check.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* The exit status of a process that calls `what`, with the pipe as its standard error. */
static int end_of(void (*what)(void), const int *ends)
{
    int status = 0;
    pid_t child = fork();
    if (!child) {
        alarm(5);
        dup2(ends[1], STDERR_FILENO);
        what();
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void break_invariant(void)
{
    CHECK(1 + 1 == 3);
}

static void run_at_exit(void)
{
    _exit(99);
}

/* Exit handlers must not run: they are for the main thread. */
static void exhaust_memory(void)
{
    atexit(run_at_exit);
    mem_exhausted(77);
}

static void expect_said(const int *ends, const char *text)
{
    char said[256];
    ssize_t len = read(ends[0], said, sizeof said - 1);
    said[len > 0 ? len : 0] = '\0';
    cr_expect(strstr(said, text), "%s", said);
}

Test(check, says_what_does_not_hold_and_ends_the_process)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    int status = end_of(break_invariant, ends);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    expect_said(ends, "1 + 1 == 3");
    status = end_of(exhaust_memory, ends);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    expect_said(ends, "77 bytes");
}

Test(check, ends_the_process_although_its_message_is_not_read)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], "x", 1) == 1) {
    }
    cr_assert_eq(fcntl(ends[1], F_SETFL, 0), 0);
    int status = end_of(break_invariant, ends);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%d", status);
    status = end_of(exhaust_memory, ends);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%d", status);
}
