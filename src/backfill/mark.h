/* The mark of chunks: by it the merger knows that the stream has passed all that their snapshot
 * saw. */
#ifndef BACKFILL_MARK_H
#define BACKFILL_MARK_H

#include "chunk_reader.h"

/*
 * It is a watermark. Where nothing may be written, the chunk has a position instead
 * (chunk_close.seen_lsn), and the server is made to flush its WAL up to there, since it sends only
 * what is flushed. Either is done with the next query, or alone.
 */
struct mark {
    bool due; /* the last chunks' mark is still to be written */
    char watermark[WATERMARK_TEXT];
};

/* Append its statements, if it is due; and read the answers to them. */
void mark_add(const struct mark *, const struct config *, struct out *request);
bool mark_written(struct mark *, struct chunk_reader *, struct err *);

bool mark_write_alone(struct mark *, struct chunk_reader *, struct err *);

/* Chunks were read: a mark is due, which *close gets. One that is due already, and was not sent, is
 * theirs, too. */
void mark_new(struct mark *, const struct chunk_reader *, struct chunk_close *close);

#endif
