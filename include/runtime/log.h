/*
 * What a user should know, said from any thread, one line at a time.
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
};

struct log_entry {
    enum log_level level;
    const char *line;
    const char *thread;             /* that says it */
    const struct log_field *fields; /* up to one without a name; NULL: none */
};

/* Called with the log's lock held, so lines never mix. */
typedef void log_writer(const struct log_entry *);

/* Lines above `threshold` are dropped. `mirror`: keep lines for log_take. */
struct log *log_new(enum log_level threshold, log_writer *, bool mirror);
void log_free(struct log **);

void log_line(struct log *, enum log_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* With fields, for a writer that has room for them. */
void log_fields(struct log *, enum log_level, const struct log_field *, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for layers that do not know this one: LOG_WARN, or LOG_INFO. */
void log_notice(void *log, bool warning, const char *line);

/* The oldest line not yet taken, NULL if there is none; free() it. Any thread, but one at a time.
 */
char *log_take(struct log *, enum log_level *level);

/* "ERROR", "WARN", "INFO", "DEBUG" */
const char *log_level_name(enum log_level);

#endif
