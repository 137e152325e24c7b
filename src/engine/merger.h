/*
 * What only the merger's thread uses. The merger itself (merge/merge.h) is a state machine without
 * I/O; the thread moves batches to it and from it, asks the service for it, and decides about
 * tables (roster.h). It runs on the thread of engine_run().
 */
#ifndef ENGINE_MERGER_H
#define ENGINE_MERGER_H

#include "looks.h"
#include "pipeline.h"
#include "roster.h"
#include "start.h"
#include "watermarks.h"

/* Batches popped from their rings, and not merged yet. */
struct hands {
    struct batch *events;      /* owned; of the stream */
    struct batch *rows;        /* owned; of a chunk: only while something is asked for it */
    struct batch *asking;      /* that of the two that a question is under way for */
    struct question *deferred; /* owned; an answer, to be taken in once `asking` is done */
};

struct merger_thread {
    const struct engine_config *config; /* borrowed, as are these three */
    struct pipeline *pipeline;
    const struct start *start;
    struct service *service; /* its rings alone, once its thread runs */
    struct merge *merge;     /* owned, as is all that follows */
    struct roster roster;
    struct hands hands;
    struct looks looks;
    struct final_watermark final;
    int64_t snapshot_us; /* when it last asked for a snapshot, */
    bool snapshot_asked; /* which was not answered yet */
    bool settled;        /* progress says that all rows of all streams are out */
};

/* Until the end, a stop, or a failure. */
void merger_loop(struct merger_thread *);

/* Ask the service. */
void merger_ask(struct merger_thread *, struct question **);

/* progress.c: what others can see of it. Of all tables, before the threads start; of one that has
 * joined; how far all of them are; and how many batches wait for this thread. */
void progress_begin(struct merger_thread *);
void progress_add_stream(struct merger_thread *, int stream);
void progress_store_streams(struct merger_thread *);
void progress_store_rings(struct merger_thread *);

#endif
