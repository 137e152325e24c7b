/* How far the backfill of each table has come, how fast it is, and when it is over: in lines on a
 * terminal, and in lines of the log. */
#ifndef MAIN_TABLE_LINES_H
#define MAIN_TABLE_LINES_H

#include "base/out.h"
#include "engine/progress.h"
#include "runtime/log.h"

struct table_pace;

/* All zero but for the progress, before any call. */
struct table_lines {
    const struct progress *progress;
    struct table_pace *items; /* owned; of each stream of the progress that was seen */
    int count;
};

/* Call about once a second: whether rows come. */
void table_lines_note(struct table_lines *, int64_t now_us);

/* The rates since the last call, which was `passed_us` ago. */
void table_lines_measure(struct table_lines *, int64_t now_us, int64_t passed_us);

/* A line a table, as many as there is room for; those in backfill first. `columns`: of the terminal;
 * 0: not known. Returns the lines. */
int table_lines_draw(const struct table_lines *, struct out *, int columns, int64_t now_us);

/* A line for each of a few tables in backfill, if anything in it is new. */
void table_lines_log(struct table_lines *, struct log *, int64_t now_us);
void table_lines_free(struct table_lines *);

int tables_backfilling(const struct progress *); /* how many are */

/* "s", but for one thing. */
const char *plural(uint64_t count);

/* In seconds: at least 1 while rows are left; 0: not known, or none are. */
double time_left(double rows, double rate);

/* ", about N min left"; nothing where `seconds` is 0. */
void add_left(struct out *, double seconds);

#endif
