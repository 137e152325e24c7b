/* Showing progress on stderr: a live line a table on a terminal, a line at intervals elsewhere. */
#ifndef MAIN_SHOW_H
#define MAIN_SHOW_H

#include <stdbool.h>

#include "engine/engine.h"
#include "table_lines.h"

struct show {
    const struct progress *progress;
    struct log *log;
    bool terminal;
    bool statuses;             /* Flow: what its dashboard shows is said when it changes */
    int status;                /* tables in backfill, of the last one; -1: none was said */
    int64_t said_us;           /* when */
    unsigned waits;            /* that were said before it */
    bool files;                /* the output goes to files */
    struct log_wait consumer;  /* while the consumer does not read, */
    int64_t consumer_since_us; /* since when, as it was said last, */
    int64_t consumer_said_us;  /* and when that was */
    struct table_lines tables;
    int lines; /* drawn last, to be drawn over */
    int64_t begun_us;
    int64_t last_us; /* when the rates were measured last; 0: nothing was read yet */
    uint64_t last_rows, last_changes;
    double row_rate;    /* rows a second, of the last while */
    uint64_t seen_rows; /* at the last look, */
    int64_t moved_us;   /* and when they became so many */
    bool platform;      /* it takes a source that says nothing for a source that hangs */
    char *line;         /* owned: of progress, as logged last; NULL: none was, */
    int64_t line_us;    /* and when */
};

/* `draw`: a terminal may be drawn on. */
void show_init(struct show *, const struct progress *, struct log *, bool draw);

/* Call about once a second. */
void show_progress(struct show *);

/* Leave the terminal as it should be, and sum up. */
void show_end(struct show *);

#endif
