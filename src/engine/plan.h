/* The plan of a capture: what it begins with. Run by the merger's thread before the others start.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "roster.h"
#include "start.h"

/* Set up the roster from the tables as they were described at the start, which it takes; and finish
 * *start, which is the thread's. */
bool plan_make(struct merger_thread *, struct start *start, struct table_description **tables,
               struct err *);

/* Put the ranges to be read into the workers' queue. Call it once the merger is made. */
void plan_queue(struct merger_thread *);

/* Whether only changes are captured of the stream. */
bool plan_skips_rows(const struct config *, const struct catalog_stream *);

/* Whether the state of a full_refresh stream is of the same generation: then this run continues the
 * previous attempt. Any other stream continues from its state. */
bool plan_goes_on_from(const struct catalog_stream *, const struct stream_state *);

/* The name of a stream in the state; free() it. */
char *plan_stream_id(const struct catalog_stream *);

/* Why a stream begins again: another generation is asked for. */
extern const char plan_raised[];

/* The state of a stream whose rows are to be read, cut at `bounds`; takes `id`. */
void plan_begin_state(const struct engine_config *, struct stream_state *, char *id, int stream,
                      const struct table_description *, struct key **bounds, int bound_count);

#endif
