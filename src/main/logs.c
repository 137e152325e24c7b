/* Writing log entries, in either form. */
#include "logs.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fields.h"
#include "flow/flow.h"
#include "output.h"

static const char dropped_words[] = "%u lines of the log were dropped: nobody read standard error";

/* Terminals, journals and platforms have the time of a line already. */
static void add_time(struct out *out)
{
    char now[CLOCK_UTC];
    if (output_error_is_file()) {
        clock_utc(now, clock_wall_ms());
        out_format(out, "%s ", now);
    }
}

static void say_dropped(unsigned count)
{
    struct out out;
    out_init(&out, 256);
    add_time(&out);
    out_format(&out, "WARN: ");
    out_format(&out, dropped_words, count);
    out_char(&out, '\n');
    output_error(out.data, out.len);
    out_free(&out);
}

static void write_plain(const struct log_entry *entry)
{
    struct out out;
    out_init(&out, 1024);
    add_time(&out);
    out_format(&out, "%s: %s\n", log_level_name(entry->level), entry->line);
    output_log(out.data, out.len, say_dropped);
    out_free(&out);
}

static void say_json_dropped(unsigned count)
{
    struct out out, text;
    out_init(&out, 256);
    out_init(&text, 256);
    out_format(&text, dropped_words, count);
    struct log_entry entry = {LOG_WARN, out_text(&text), "log", NULL, false};
    flow_log(&out, &entry, clock_wall_ms());
    output_error(out.data, out.len);
    out_free(&text);
    out_free(&out);
}

static void write_json(const struct log_entry *entry)
{
    struct out out;
    out_init(&out, 1024);
    flow_log(&out, entry, clock_wall_ms());
    output_log(out.data, out.len, say_json_dropped);
    out_free(&out);
}

static bool is_one(const char *text, const char *word)
{
    return text && !strcasecmp(text, word);
}

bool logs_json(const char *option, bool protocol_has)
{
    const char *wanted = option ? option : getenv("LOG_FORMAT");
    return is_one(wanted, "json") || (protocol_has && !is_one(wanted, "plain"));
}

/* Platforms have words of their own. False: LOG_LEVEL is none of them. */
static bool read_threshold(enum log_level *level)
{
    static const struct {
        const char *name;
        enum log_level level;
    } words[] = {{"error", LOG_ERROR},    {"warn", LOG_WARN},   {"info", LOG_INFO},
                 {"debug", LOG_DEBUG},    {"trace", LOG_DEBUG}, {"fatal", LOG_ERROR},
                 {"critical", LOG_ERROR}, {"warning", LOG_WARN}};
    const char *wanted = getenv("LOG_LEVEL");
    *level = LOG_INFO;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_one(wanted, words[i].name)) {
            *level = words[i].level;
            return true;
        }
    }
    return !wanted || !*wanted;
}

struct log *logs_new(bool json, bool mirror)
{
    enum log_level threshold;
    read_threshold(&threshold);
    return log_new(threshold, json ? write_json : write_plain, mirror);
}

void logs_say_ignored(struct log *log, const char *option)
{
    enum log_level threshold;
    const char *format = option ? NULL : getenv("LOG_FORMAT");
    if (!read_threshold(&threshold)) {
        log_line(
            log, LOG_WARN,
            "LOG_LEVEL is \"%s\", which is none of error, warn, info and debug: it is taken for "
            "info",
            getenv("LOG_LEVEL"));
    }
    if (format && *format && !is_one(format, "json") && !is_one(format, "plain")) {
        log_line(log, LOG_WARN,
                 "LOG_FORMAT is \"%s\", which is neither json nor plain: it has no effect", format);
    }
}

static void say_json(struct log *log, const struct err *err, const char *open, const char *close)
{
    struct fields fields = {0};
    fields_text(&fields, "kind", err_kind_name(err->kind));
    if (*err->table) {
        fields_text(&fields, "schema", err->schema);
        fields_text(&fields, "table", err->table);
    }
    if (*err->detail) {
        fields_text(&fields, "detail", err->detail);
    }
    log_fields(log, LOG_ERROR, fields.items, "%s%s%s%s", err->message, open, err->detail, close);
}

/* Of several problems each has a line. */
static void say_plain(const struct err *err, const char *open, const char *close)
{
    struct out text, out;
    out_init(&text, sizeof *err);
    out_init(&out, sizeof *err);
    out_format(&text, "source-postgres: %s%s%s%s\n", err->message, open, err->detail, close);
    for (const char *line = out_text(&text); *line; line += strcspn(line, "\n") + 1) {
        add_time(&out);
        out_bytes(&out, line, strcspn(line, "\n") + 1);
    }
    output_error(out.data, out.len);
    out_free(&out);
    out_free(&text);
}

void logs_error(struct log *log, bool json, const struct err *err)
{
    const char *open = err->detail[0] ? " (" : "", *close = err->detail[0] ? ")" : "";
    if (log) {
        log_flush(log);
    }
    if (log && json) {
        say_json(log, err, open, close);
    } else {
        say_plain(err, open, close);
    }
}
