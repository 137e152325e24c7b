/* Writing the marks that chunks wait for. */
#include "mark.h"

#include <string.h>

#include "base/crash.h"
#include "pg/position.h"

enum { MARK_STATEMENTS = 3 };

void mark_add(const struct mark *mark, const struct config *config, struct out *request)
{
    struct out sql;
    if (!mark->due) {
        return;
    }
    out_init(&sql, 256);
    if (config->read_only_capture) {
        out_string(&sql, FLUSH_SQL);
    } else {
        watermark_sql(&sql, config, mark->watermark);
    }
    wire_statement(request, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL);
    wire_statement(request, out_text(&sql), NULL);
    wire_statement(request, "COMMIT", NULL);
    out_free(&sql);
}

bool mark_written(struct mark *mark, struct chunk_reader *r, struct err *err)
{
    if (!mark->due) {
        return true;
    }
    if (!chunk_reader_expect_done(r, MARK_STATEMENTS, err)) {
        return err_prefix(err, r->backfill->config->read_only_capture ? "flushing WAL: "
                                                                      : "writing the watermark: ");
    }
    crash_point("watermark-written");
    mark->due = false;
    return true;
}

bool mark_write_alone(struct mark *mark, struct chunk_reader *r, struct err *err)
{
    struct out request;
    if (!mark->due) {
        return true;
    }
    out_init(&request, 512);
    mark_add(mark, r->backfill->config, &request);
    wire_sync(&request);
    bool ok = wire_send(r->pg, &request, err) && mark_written(mark, r, err) &&
              chunk_reader_expect_ready(r, err);
    out_free(&request);
    return ok;
}

void mark_new(struct mark *mark, const struct chunk_reader *r, struct chunk_close *close)
{
    bool read_only = r->backfill->config->read_only_capture;
    if (!read_only) {
        if (!mark->due) {
            watermark_new(mark->watermark);
        }
        memcpy(close->watermark, mark->watermark, sizeof close->watermark);
    }
    mark->due = !read_only || !pg_in_recovery(r->pg);
}
