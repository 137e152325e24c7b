/*
 * The state as JSON: a checkpoint, and the identity of the server and slot that it belongs to.
 *
 * The whole form, the original's, which is also the legacy state's `data`:
 *
 *   {"cursor":"0/16B3748","system_identifier":"7300000000000000000","timeline":1,
 *    "slot":"flow_slot","database":"postgres","unseen":[745],
 *    "streams":{"public.t":{"mode":"Backfill","oid":16384,"published_by":16390,
 *               "key_columns":["id"],"backfilled":1000,
 *               "ranges":[{"scanned":["1000"],"until":["5000"]},{"scanned":["5000"]}]}}}
 *
 * "oid" is the table's, "published_by" that of the publication's entry which covers it, and keys
 * are PostgreSQL's text of each key column. A stream that is read in ctid order has no
 * "key_columns" and, while it is in backfill, a "snapshot" (pg_snapshot's text) that says which
 * rows are to be read; they are true at the LSN "as_of", and come after a change with the cursor
 * "as_of_carry" if that is past it. "terms" are the terms of the table (row/terms.h) other than
 * these two, and "generation" is the generation_id of the catalog for which its rows were read.
 * "unseen" are the ids of in-doubt transactions (merge/merge.h). "carry" is there after a very
 * large transaction alone: how far the cursors of the Airbyte look are past the LSNs
 * (row/cursor.h). "types" are the user-defined types of the table's columns and of what these are
 * made of, which comes first; a type may be dropped while its values are still to come:
 *
 *   "types":[{"oid":16390,"kind":"e","schema":"public","name":"mood"},
 *            {"oid":16389,"kind":"a","schema":"public","name":"_mood","of":16390},
 *            {"oid":16393,"kind":"d","of":1700,"typmod":655366}]
 *
 * "kind" is pg_type.typtype or, of a true array, "a"; an array whose elements are not delimited by
 * commas has a "delimiter". Empty members (null, no in-doubt transaction, no bound) are left out.
 * In a GLOBAL state the members of `streams` travel as stream states, the rest as the shared state.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/out.h"
#include "merge/checkpoint.h"

struct state {
    struct capture_identity identity;
    struct checkpoint *checkpoint; /* owned; NULL: capture from the beginning */
    bool by_stream;                /* it came as STREAM states */
};

/*
 * Read any form that a platform hands back: a JSON array of state messages, one state message (its
 * Airbyte envelope or not; GLOBAL, also spelt with `global_`, STREAM, LEGACY), a bare whole state,
 * or `[]` and `{}`. Explicit nulls and unknown members are ignored. ERR_CONFIG names what is wrong;
 * then *state is empty.
 *
 * A stream may be further than the rest: then it has a cursor of its own.
 *
 * Of several GLOBAL, LEGACY or whole states the last counts, since each is all there is. Of several
 * STREAM states of one stream the last counts too. Their cursors may differ, because a capture may
 * end between two of them: it continues from the lowest, and a stream that is further skips what it
 * has.
 *
 * A state without a cursor is the beginning, and an error if a stream in it is captured in part. A
 * state whose streams are all ignored is the beginning, too: there is nothing to continue. A stream
 * that is still to be backfilled and has no `ranges` gets one without bounds.
 */
struct captured_streams;
bool state_parse(struct state *, const char *json, size_t len, const struct captured_streams *,
                 struct err *);

/* The same for a member of another document, which json_parse has checked. NULL: the beginning. */
struct cJSON;
bool state_read(struct state *, const struct cJSON *, const struct captured_streams *,
                struct err *);

/*
 * The streams that are to be captured, by their ids, ascending. The STREAM state of any other is
 * ignored: a platform may keep handing back the state of a stream that is no longer captured, and
 * that must not hold the cursor back. NULL: all are.
 */
struct captured_streams {
    const char *const *ids;
    size_t count;
    const char *other_slot; /* states of this slot are ignored, too; NULL: none */
};

void state_clear(struct state *);

/* Append JSON, one line, no newline. */
void state_write_whole(struct out *, const struct capture_identity *, const struct checkpoint *);
void state_write_shared(struct out *, const struct capture_identity *, const struct checkpoint *);
void state_write_stream(struct out *, const struct stream_state *);

/*
 * The stream_state of a STREAM state, which has no GLOBAL state beside it: the shared members, then
 * its own.
 */
void state_write_lone_stream(struct out *, const struct capture_identity *,
                             const struct checkpoint *, const struct stream_state *);

/*
 * The content of a merge patch (RFC 7396) to the whole form: the members of the checkpoint, and the
 * streams that it has. Members that a stream no longer has are null, so that the merge deletes
 * them.
 */
struct state_patch {
    const struct capture_identity *identity; /* NULL: as before */
    const struct checkpoint *newer;
    bool had_in_doubt;    /* the state has a member "unseen", which an empty one must delete */
    const char *leftover; /* a member of another connector, to delete; NULL: none */
    char *const *removed; /* ids of streams to delete, NULL-terminated; NULL: none */
};
void state_write_patch(struct out *, const struct state_patch *);

#endif
