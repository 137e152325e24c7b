/*
 * Watermarks that the merger's thread writes, through the service: the final one, at which a read
 * ends, and one for chunks whose own did not arrive. Only the merger's thread uses it.
 */
#ifndef ENGINE_WATERMARKS_H
#define ENGINE_WATERMARKS_H

#include "service.h"

struct final_watermark {
    int64_t
        write_us; /* when it is to be written again; INT64_MAX: it is written, or being written */
    bool begun;   /* it was written, or is being written: all rows are out */
    bool before_look; /* it was so when the last look began */
    char text[WATERMARK_TEXT];
};

struct merger_thread;

/* Called when a look is applied. A watermark that had not arrived when it began was not sent: write
 * it again. */
void watermarks_write_missed(struct merger_thread *);

/* Write the final one, if all rows are out, and the read is to end. */
void watermarks_write_final(struct merger_thread *, int64_t now_us);

/* The answer to ASK_WATERMARK. */
void watermarks_written(struct merger_thread *, const struct question *);

#endif
