/* Lines about tables, from the engine's counters. */
#include "table_lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fields.h"
#include "pace.h"
#include "runtime/counter.h"

enum {
    DRAWN = 12,
    LOGGED = 5,      /* of the tables in backfill; the others are counted */
    NAME_WIDTH = 40, /* at most */
};

struct table_pace {
    uint64_t seen_rows; /* at the last look, */
    int64_t moved_us;   /* and when they became so many */
    uint64_t last_rows; /* when the rate was measured last, */
    bool moved;         /* and whether they were others than before */
    double rate;        /* rows a second, of the last while */
    char *line;         /* owned: as it was logged last, while in backfill; NULL: it was not */
};

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void add_left(struct out *out, double seconds)
{
    if (seconds >= 7200) {
        out_format(out, ", about %.0f h left", seconds / 3600);
    } else if (seconds >= 120) {
        out_format(out, ", about %.0f min left", seconds / 60);
    } else if (seconds > 0) {
        out_format(out, ", about %.0f s left", seconds);
    }
}

double time_left(double rows, double rate)
{
    double seconds = rate > 0 && rows > 0 ? rows / rate : 0;
    return seconds > 0 && seconds < 1 ? 1 : seconds;
}

static bool is_backfilling(const struct table_lines *t, int i)
{
    return shared_load(&t->progress->streams[i].backfilling) != 0;
}

int tables_backfilling(const struct progress *p)
{
    int count = 0, streams = (int)shared_load(&p->stream_count);
    for (int i = 0; i < streams; i++) {
        count += shared_load(&p->streams[i].backfilling) != 0;
    }
    return count;
}

void table_lines_note(struct table_lines *t, int64_t now_us)
{
    int streams = (int)shared_load(&t->progress->stream_count);
    if (streams > t->count) {
        t->items = mem_grow(t->items, (size_t)streams * sizeof *t->items);
    }
    for (; t->count < streams; t->count++) {
        uint64_t rows = shared_load(&t->progress->streams[t->count].rows);
        t->items[t->count] = (struct table_pace){.seen_rows = rows, .last_rows = rows};
    }
    for (int i = 0; i < t->count; i++) {
        uint64_t rows = shared_load(&t->progress->streams[i].rows);
        if (rows != t->items[i].seen_rows) {
            t->items[i].seen_rows = rows;
            t->items[i].moved_us = now_us;
        }
    }
}

void table_lines_measure(struct table_lines *t, int64_t now_us, int64_t passed_us)
{
    int64_t still_us = passed_us > STILL_US ? passed_us : STILL_US;
    for (int i = 0; i < t->count; i++) {
        struct table_pace *pace = &t->items[i];
        uint64_t rows = pace->seen_rows;
        double rate = rows > pace->last_rows ? pace_of(rows, pace->last_rows, passed_us) : 0;
        pace->moved = rows != pace->last_rows;
        pace->rate += (pace->rate > 0 ? pace_weight(passed_us) : 1) * (rate - pace->rate);
        if (!pace->moved && now_us - pace->moved_us >= still_us) {
            pace->rate = 0;
        }
        pace->last_rows = rows;
    }
}

/* 0: nobody knows, as where none come now. */
static double seconds_left(const struct table_lines *t, int i, int64_t now_us)
{
    const struct table_pace *pace = &t->items[i];
    double left = (double)t->progress->streams[i].row_estimate - (double)pace->last_rows;
    return now_us - pace->moved_us <= STILL_US ? time_left(left, pace->rate) : 0;
}

/* Some are estimated to be fewer than they are. */
static int percent(uint64_t rows, int64_t estimate)
{
    double done = (double)rows * 100 / (double)estimate;
    return done > 100 ? 100 : (int)done;
}

static void add_rows(struct out *out, const struct stream_progress *s, uint64_t rows, int width)
{
    out_format(out, "%*" PRIu64, width, rows);
    if (s->row_estimate > 0) {
        out_format(out, " of about %" PRId64 " rows (%d %%)", s->row_estimate,
                   percent(rows, s->row_estimate));
    } else {
        out_format(out, " row%s", plural(rows));
    }
}

/* The terminal's columns that it takes. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) {
        width += (*text & 0xC0) != 0x80;
    }
    return width;
}

static void add_if_room(struct out *line, struct out *part, int columns)
{
    if (!columns || width_of(out_text(line)) + width_of(out_text(part)) <= columns) {
        out_string(line, out_text(part));
    }
    part->len = 0;
}

static void draw_backfill(struct out *line, const struct table_lines *t, int i, int columns,
                          int64_t now_us)
{
    struct out part;
    out_init(&part, 64);
    out_string(line, " backfill   ");
    add_rows(line, &t->progress->streams[i], t->items[i].last_rows, 12);
    out_format(&part, ", %.0f/s", t->items[i].rate);
    add_if_room(line, &part, columns);
    add_left(&part, seconds_left(t, i, now_us));
    add_if_room(line, &part, columns);
    out_free(&part);
}

static void draw_table(struct out *out, const struct table_lines *t, int i, int name_width,
                       int columns, int64_t now_us)
{
    const struct stream_progress *s = &t->progress->streams[i];
    struct out line;
    out_init(&line, 128);
    out_format(&line, "%s%*s", s->name, name_width - width_of(s->name), "");
    if (is_backfilling(t, i)) {
        draw_backfill(&line, t, i, columns, now_us);
    } else {
        out_format(&line, " changes    %12" PRIu64 " rows backfilled", shared_load(&s->rows));
    }
    out_format(out, "\033[K%s\n", out_text(&line));
    out_free(&line);
}

/* Those in backfill, then the others. Returns how many there is room for. */
static int choose_drawn(const struct table_lines *t, int *chosen, int *name_width)
{
    int count = 0;
    *name_width = 0;
    for (int backfilling = 1; backfilling >= 0; backfilling--) {
        for (int i = 0; i < t->count && count < DRAWN; i++) {
            if (is_backfilling(t, i) == (backfilling == 1)) {
                int width = width_of(t->progress->streams[i].name);
                *name_width = width > *name_width ? width : *name_width;
                chosen[count++] = i;
            }
        }
    }
    *name_width = *name_width < NAME_WIDTH ? *name_width : NAME_WIDTH;
    return count;
}

int table_lines_draw(const struct table_lines *t, struct out *out, int columns, int64_t now_us)
{
    int chosen[DRAWN], name_width, lines = choose_drawn(t, chosen, &name_width);
    for (int i = 0; i < lines; i++) {
        draw_table(out, t, chosen[i], name_width, columns, now_us);
    }
    if (t->count > lines) {
        int more = t->count - lines++;
        out_format(out, "\033[K%d more table%s\n", more, plural((uint64_t)more));
    }
    return lines;
}

/* A line that is to be logged. */
struct told {
    int stream;
    char *line;
    struct fields fields;
};

static void tell(const struct table_lines *t, struct told *told, bool backfilling, int64_t now_us)
{
    const struct stream_progress *s = &t->progress->streams[told->stream];
    const struct table_pace *pace = &t->items[told->stream];
    struct fields *fields = &told->fields;
    struct out out;
    out_init(&out, 128);
    fields_text(fields, "schema", s->schema);
    fields_text(fields, "table", s->table);
    fields_text(fields, "phase", backfilling ? "backfill" : "changes");
    fields_number(fields, "rows", pace->last_rows);
    if (backfilling) {
        double left = seconds_left(t, told->stream, now_us);
        out_format(&out, "%s: backfill, ", s->name);
        add_rows(&out, s, pace->last_rows, 0);
        out_format(&out, ", %.0f/s", pace->rate);
        add_left(&out, left);
        fields_rounded(fields, "rows_per_second", pace->rate);
        if (s->row_estimate > 0) {
            fields_number(fields, "row_estimate", (uint64_t)s->row_estimate);
        }
        if (left > 0) {
            fields_rounded(fields, "seconds_left", left);
        }
    } else {
        out_format(&out, "%s: changes, %" PRIu64 " row%s backfilled", s->name, pace->last_rows,
                   plural(pace->last_rows));
    }
    told->line = mem_string(out_text(&out));
    out_free(&out);
}

/* Tables whose backfill was in the log, and is over. */
static int tell_ended(struct table_lines *t, struct told *told, int64_t now_us)
{
    int count = 0;
    for (int i = 0; i < t->count; i++) {
        struct table_pace *pace = &t->items[i];
        if (pace->line && !is_backfilling(t, i)) {
            if (count < LOGGED) {
                told[count] = (struct told){.stream = i};
                tell(t, &told[count++], false, now_us);
            }
            free(pace->line);
            pace->line = NULL;
        }
    }
    return count;
}

/* Those that come on, then the others. *more: how many there is no room for. */
static int tell_backfills(struct table_lines *t, struct told *told, int *more, int64_t now_us)
{
    int count = 0, seen = 0, all = 0;
    for (int moved = 1; moved >= 0; moved--) {
        for (int i = 0; i < t->count; i++) {
            struct table_pace *pace = &t->items[i];
            if (pace->moved != (moved == 1) || !is_backfilling(t, i) || all++ >= LOGGED) {
                continue;
            }
            seen++;
            told[count] = (struct told){.stream = i};
            tell(t, &told[count], true, now_us);
            if (pace->line && !strcmp(pace->line, told[count].line)) {
                free(told[count].line);
                continue;
            }
            free(pace->line);
            pace->line = mem_string(told[count++].line);
        }
    }
    *more = all - seen;
    return count;
}

void table_lines_log(struct table_lines *t, struct log *log, int64_t now_us)
{
    struct told told[2 * LOGGED];
    int more, count = tell_ended(t, told, now_us);
    count += tell_backfills(t, told + count, &more, now_us);
    for (int i = 0; i < count; i++) {
        if (i < count - 1 || !more) {
            log_fields(log, LOG_INFO, told[i].fields.items, "%s", told[i].line);
        } else {
            log_fields(log, LOG_INFO, told[i].fields.items, "%s; and %d other%s in backfill",
                       told[i].line, more, plural((uint64_t)more));
        }
        free(told[i].line);
    }
}

void table_lines_free(struct table_lines *t)
{
    for (int i = 0; i < t->count; i++) {
        free(t->items[i].line);
    }
    free(t->items);
    *t = (struct table_lines){0};
}
