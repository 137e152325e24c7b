/*
 * The user's log: any thread writes to it, one line at a time.
 *
 * A line goes to the writer that the program chose (plain text or JSON on stderr) at once, and,
 * where a platform reads logs from stdout, waits until the emitter, which alone writes there, takes
 * it.
 */
#ifndef RUNTIME_LOG_H
#define RUNTIME_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
};

struct log;

struct log_field {
    const char *name, *value;
    bool is_number; /* the value is its text */
};

struct log_entry {
    enum log_level level;
    const char *line;
    const char *thread;             /* that logs it */
    const struct log_field *fields; /* up to one without a name; NULL: none */
    bool status;                    /* what the capture does now, or waits for */
};

/* Called with the log's lock held, so lines never mix. */
typedef void log_writer(const struct log_entry *);

/* Lines above `threshold` are dropped. `mirror`: keep lines for log_take. */
struct log *log_new(enum log_level threshold, log_writer *, bool mirror);
void log_free(struct log **);

/*
 * The same line is written at most once a minute, unless it is an error or at level debug; then how
 * many times it was left out. What a thread waits for is written again at once if the same thread
 * logged another wait in between, or any thread a status; and what was left out of it is not told
 * once that wait is over.
 */
void log_line(struct log *, enum log_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same where the text differs from one time to the next, as by a duration: lines are the same
 * that are about the same. Of those that were left out the newest is written. */
void log_about(struct log *, enum log_level, const char *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line that is written each time: the end of something of which a line was written. */
void log_end(struct log *, enum log_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* It is over: what was left out is not told any more. */
void log_over(struct log *, const char *about);

/* Whether lines of that level are written: where making one would cost something. */
bool log_shows(const struct log *, enum log_level);

/* Each line of a text that is not empty. */
void log_lines(struct log *, enum log_level, const char *text);

/* Write now how often lines were left out: at the end, or before an error. */
void log_flush(struct log *);

/* With fields, for a writer that has room for them. */
void log_fields(struct log *, enum log_level, const struct log_field *, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line that says what the capture does now, for a platform that shows one such line at a time. */
void log_status(struct log *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The wait of a thread: logged as a status, until it is over. */
struct log_wait {
    struct log *log;
    bool said;
};

/* Whether it was written now. `about`: as above. */
bool log_wait(struct log_wait *, enum log_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool log_wait_about(struct log_wait *, enum log_level, const char *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void log_waited(struct log_wait *); /* it is over; does nothing if no wait was logged */

/* How many logged waits are not over. *count: how many lines have logged a wait. */
unsigned log_waits(struct log *, unsigned *count);

/*
 * The same for layers that do not know this one. `wait` is a struct log_wait. log_notice: a line at
 * LOG_WARN or LOG_INFO. log_notice_wait: what is waited for, and what that is about; NULL: the wait
 * is over.
 */
void log_notice(void *wait, bool warning, const char *line);
void log_notice_wait(void *wait, const char *about, const char *line);

/* The oldest line not yet taken, NULL if there is none; free() it. Any thread, but one at a time.
 */
char *log_take(struct log *, enum log_level *level);

/* "ERROR", "WARN", "INFO", "DEBUG" */
const char *log_level_name(enum log_level);

#endif
