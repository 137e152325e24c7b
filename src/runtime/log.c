/* A lock, a writer, and a short queue. Logging is rare: nothing here is fast. */
#include "runtime/log.h"

#include <ck_pr.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "repeats.h"

enum { MIRRORED_LINES = 256 }; /* when they are not taken, the oldest are dropped */

struct line {
    struct line *next;
    enum log_level level;
    char text[];
};

/* The last wait that a thread logged. */
struct thread_wait {
    pthread_t thread;
    char *key; /* owned; NULL: none yet */
};

struct log {
    enum log_level threshold;
    log_writer *write;
    bool mirror;
    pthread_mutex_t mutex; /* of the queue and of the waits, and around write */
    struct line *first, **last;
    unsigned count; /* read without the lock, to see quickly that there is nothing */
    unsigned waits, waits_said;
    struct repeats repeats;
    char *status; /* owned; the last status line; NULL: a wait was logged since */
    struct thread_wait *thread_waits; /* owned; of each thread that logged one */
    size_t thread_wait_count, thread_wait_cap;
};

struct log *log_new(enum log_level threshold, log_writer *write, bool mirror)
{
    struct log *log = mem_zero(sizeof *log);
    log->threshold = threshold;
    log->write = write;
    log->mirror = mirror;
    log->last = &log->first;
    pthread_mutex_init(&log->mutex, NULL);
    return log;
}

static struct line *pop(struct log *log)
{
    struct line *line = log->first;
    if (line) {
        log->first = line->next;
        log->last = log->first ? log->last : &log->first;
        ck_pr_store_uint(&log->count, log->count - 1);
    }
    return line;
}

void log_free(struct log **log)
{
    struct line *line;
    while (*log && (line = pop(*log))) {
        free(line);
    }
    if (*log) {
        pthread_mutex_destroy(&(*log)->mutex);
        repeats_clear(&(*log)->repeats);
        for (size_t i = 0; i < (*log)->thread_wait_count; i++) {
            free((*log)->thread_waits[i].key);
        }
        free((*log)->thread_waits);
        free((*log)->status);
    }
    free(*log);
    *log = NULL;
}

bool log_shows(const struct log *log, enum log_level level)
{
    return level <= log->threshold;
}

static void push(struct log *log, enum log_level level, const char *text)
{
    size_t len = strlen(text);
    struct line *line = mem_alloc(sizeof *line + len + 1);
    line->next = NULL;
    line->level = level;
    memcpy(line->text, text, len + 1);
    if (log->count == MIRRORED_LINES) {
        free(pop(log));
    }
    *log->last = line;
    log->last = &line->next;
    ck_pr_store_uint(&log->count, log->count + 1);
}

static void write_entry(struct log *log, const struct log_entry *entry)
{
    log->write(entry);
    if (log->mirror) {
        push(log, entry->level, entry->line);
    }
}

static char *with_count(const char *text, unsigned count)
{
    return mem_format("%s (%u more time%s)", text, count, count == 1 ? "" : "s");
}

static void tell_repeats(struct log *log, int64_t now_us, bool all)
{
    struct repeat repeat;
    while (repeats_take(&log->repeats, now_us, all, &repeat)) {
        char *line = with_count(repeat.text, repeat.count);
        write_entry(log, &(struct log_entry){(enum log_level)repeat.level, line, "log", NULL,
                                             repeat.wait != NULL});
        free(line);
        free(repeat.text);
    }
}

static struct thread_wait *own_wait(struct log *log)
{
    for (size_t i = 0; i < log->thread_wait_count; i++) {
        if (pthread_equal(log->thread_waits[i].thread, pthread_self())) {
            return &log->thread_waits[i];
        }
    }
    log->thread_waits = mem_grow_array(log->thread_waits, &log->thread_wait_cap,
                                       log->thread_wait_count + 1, sizeof *log->thread_waits);
    log->thread_waits[log->thread_wait_count] = (struct thread_wait){pthread_self(), NULL};
    return &log->thread_waits[log->thread_wait_count++];
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = by ? mem_string(by) : NULL;
}

/* A thread that waits for this, that and this again logs all three; what other threads wait for
 * meanwhile changes nothing. */
static void note_wait(struct log *log, const char *key)
{
    struct thread_wait *own = own_wait(log);
    if (own->key && strcmp(own->key, key) != 0) {
        repeats_forget(&log->repeats, key);
    }
    replace(&own->key, key);
}

/* A status holds until the next one, or a wait: after that it is written again, and so are waits. */
static void note_status(struct log *log, const char *text)
{
    if (log->status && !strcmp(log->status, text)) {
        return;
    }
    replace(&log->status, text);
    repeats_forget(&log->repeats, text);
    for (size_t i = 0; i < log->thread_wait_count; i++) {
        repeats_forget(&log->repeats, log->thread_waits[i].key);
    }
}

enum kind { LINE, END, STATUS, WAIT };

/* What a line is about. */
struct subject {
    enum kind kind;
    const char *about;           /* NULL: its text says it */
    const struct log_wait *wait; /* of a WAIT */
};

/* Whether the line is to be written. *before: how many about the same were left out. */
static bool is_due(struct log *log, const struct repeated *line, enum kind kind, int64_t now_us,
                   unsigned *before)
{
    *before = 0;
    if (line->level == LOG_ERROR || line->level == LOG_DEBUG || kind == END) {
        return true;
    }
    if (kind == STATUS) {
        note_status(log, line->text);
    } else if (kind == WAIT) {
        note_wait(log, line->key);
    }
    bool due = repeats_allow(&log->repeats, line, now_us, before);
    if (due && kind == WAIT) {
        replace(&log->status, NULL);
    }
    return due;
}

/* With the log's lock. */
static void write_line(struct log *log, const struct log_entry *entry, unsigned before)
{
    struct log_entry counted = *entry;
    char *line = before ? with_count(entry->line, before + 1) : NULL;
    counted.line = line ? line : entry->line;
    write_entry(log, &counted);
    free(line);
}

static bool say(struct log *, enum log_level, const struct log_field *, const struct subject *,
                const char *format, va_list) __attribute__((format(printf, 5, 0)));

static bool say(struct log *log, enum log_level level, const struct log_field *fields,
                const struct subject *s, const char *format, va_list args)
{
    char text[4096], thread[16] = "";
    unsigned before;
    if (!log_shows(log, level)) {
        return false;
    }
    int64_t now_us = clock_monotonic_us();
    vsnprintf(text, sizeof text, format, args);
    struct repeated line = {s->about ? s->about : text, text, (int)level, s->wait};
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    pthread_mutex_lock(&log->mutex);
    bool due = is_due(log, &line, s->kind, now_us, &before);
    tell_repeats(log, now_us, false);
    if (due) {
        write_line(log, &(struct log_entry){level, text, thread, fields, s->kind > END}, before);
    }
    pthread_mutex_unlock(&log->mutex);
    return due;
}

void log_flush(struct log *log)
{
    pthread_mutex_lock(&log->mutex);
    tell_repeats(log, 0, true);
    pthread_mutex_unlock(&log->mutex);
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, level, NULL, &(struct subject){LINE, NULL, NULL}, format, args);
    va_end(args);
}

void log_about(struct log *log, enum log_level level, const char *about, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, level, NULL, &(struct subject){LINE, about, NULL}, format, args);
    va_end(args);
}

void log_end(struct log *log, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, level, NULL, &(struct subject){END, NULL, NULL}, format, args);
    va_end(args);
}

void log_over(struct log *log, const char *about)
{
    pthread_mutex_lock(&log->mutex);
    repeats_over(&log->repeats, about, NULL);
    pthread_mutex_unlock(&log->mutex);
}

void log_lines(struct log *log, enum log_level level, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len) {
            log_line(log, level, "%.*s", (int)len, text);
        }
        text += len + (text[len] == '\n');
    }
}

void log_fields(struct log *log, enum log_level level, const struct log_field *fields,
                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, level, fields, &(struct subject){LINE, NULL, NULL}, format, args);
    va_end(args);
}

void log_status(struct log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(log, LOG_INFO, NULL, &(struct subject){STATUS, NULL, NULL}, format, args);
    va_end(args);
}

static void count_wait(struct log *log, int waits, unsigned said)
{
    pthread_mutex_lock(&log->mutex);
    log->waits += (unsigned)waits;
    log->waits_said += said;
    pthread_mutex_unlock(&log->mutex);
}

static bool say_wait(struct log_wait *, enum log_level, const char *about, const char *format,
                     va_list) __attribute__((format(printf, 4, 0)));

static bool say_wait(struct log_wait *wait, enum log_level level, const char *about,
                     const char *format, va_list args)
{
    bool written = say(wait->log, level, NULL, &(struct subject){WAIT, about, wait}, format, args);
    count_wait(wait->log, !wait->said, 1);
    wait->said = true;
    return written;
}

bool log_wait(struct log_wait *wait, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool written = say_wait(wait, level, NULL, format, args);
    va_end(args);
    return written;
}

bool log_wait_about(struct log_wait *wait, enum log_level level, const char *about,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool written = say_wait(wait, level, about, format, args);
    va_end(args);
    return written;
}

void log_waited(struct log_wait *wait)
{
    if (wait->said) {
        count_wait(wait->log, -1, 0);
        wait->said = false;
        pthread_mutex_lock(&wait->log->mutex);
        repeats_over(&wait->log->repeats, NULL, wait);
        pthread_mutex_unlock(&wait->log->mutex);
    }
}

unsigned log_waits(struct log *log, unsigned *count)
{
    pthread_mutex_lock(&log->mutex);
    unsigned waits = log->waits;
    *count = log->waits_said;
    pthread_mutex_unlock(&log->mutex);
    return waits;
}

void log_notice(void *wait, bool warning, const char *line)
{
    log_line(((struct log_wait *)wait)->log, warning ? LOG_WARN : LOG_INFO, "%s", line);
}

void log_notice_wait(void *wait, const char *about, const char *line)
{
    if (line) {
        log_wait_about(wait, LOG_INFO, about, "%s", line);
    } else {
        log_waited(wait);
    }
}

char *log_take(struct log *log, enum log_level *level)
{
    if (ck_pr_load_uint(&log->count) == 0) {
        return NULL;
    }
    pthread_mutex_lock(&log->mutex);
    struct line *line = pop(log);
    pthread_mutex_unlock(&log->mutex);
    char *text = line ? mem_string(line->text) : NULL;
    *level = line ? line->level : LOG_INFO;
    free(line);
    return text;
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    return names[level];
}
