/* Watermarks that the merger has written itself: the one that a read ends at, and those that are
 * written again because they did not come. */
#include <string.h>

#include "base/clock.h"
#include "merger.h"

static void write_watermark(struct merger_thread *t, const char watermark[WATERMARK_TEXT])
{
    struct question *q = question_new(ASK_WATERMARK, 0);
    memcpy(q->watermark, watermark, sizeof q->watermark);
    merger_ask(t, &q);
}

/* A watermark that was not sent by now will not come. */
void watermarks_write_missed(struct merger_thread *t)
{
    struct final_watermark *f = &t->final;
    char watermark[WATERMARK_TEXT];
    int stream;
    watermark_new(watermark);
    if (merge_wait_again(t->merge, watermark, &stream)) {
        const struct catalog_stream *c = &t->config->catalog->streams[stream];
        log_line(t->config->log, LOG_WARN,
                 "a watermark of the backfill of table %s has not arrived: it is written again",
                 stream_label(c->schema, c->table).s);
        write_watermark(t, watermark);
    }
    if (f->before_look && f->begun && !t->config->config->read_only_capture) {
        f->write_us = clock_monotonic_us();
    }
}

/* All rows are out: the read ends with what was committed before this watermark. Unless a stream is
 * lost before it arrives, or is to be examined: then another one will be written. */
void watermarks_write_final(struct merger_thread *t, int64_t now_us)
{
    struct final_watermark *f = &t->final;
    if (f->begun && (merge_backfilling(t->merge) || t->roster.unjudged)) {
        merge_finish_at(t->merge, "", 0);
        f->begun = false;
    }
    if (t->config->catalog->tail ||
        (!f->begun && (t->roster.newer || t->roster.unjudged || merge_backfilling(t->merge))) ||
        (f->begun && now_us < f->write_us)) {
        return;
    }
    if (!f->begun) {
        watermark_new(f->text);
        merge_finish_at(t->merge, f->text, 0);
    }
    f->begun = true;
    f->write_us = INT64_MAX;
    write_watermark(t, f->text);
}

/* It ends after that position, unless it was decided meanwhile that it does not end yet. */
void watermarks_written(struct merger_thread *t, const struct question *q)
{
    struct final_watermark *f = &t->final;
    if (q->lsn && f->begun && !strcmp(q->watermark, f->text)) {
        merge_finish_at(t->merge, "", q->lsn);
    }
}
