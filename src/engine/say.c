/* Messages about a table that was examined. */
#include "roster.h"

bool roster_fail(const struct catalog_stream *stream, const struct terms_verdict *verdict,
                 struct err *err)
{
    err_set(err, ERR_CONFIG,
            "table %s %s; advanced.on_untracked_change is \"fail\": set it to \"backfill\" to "
            "have the table backfilled again, or to \"warn\" to go on without what was not sent",
            stream_label(stream->schema, stream->table).s, verdict->why);
    return err_stream(err, stream->schema, stream->table);
}

void roster_say(const struct engine_config *config, int stream, const char *why,
                enum roster_action action)
{
    static const char *const what[] = {
        [ROSTER_GOES_ON] = "the capture goes on, without what was not sent",
        [ROSTER_BEGINS_AGAIN] = ("it is backfilled again; rows that were captured before come "
                                 "again, and those that are gone get no deletes"),
        [ROSTER_FAILS] = "the capture ends",
    };
    const struct catalog_stream *s = &config->catalog->streams[stream];
    log_line(config->log, LOG_WARN, "table %s %s: %s", stream_label(s->schema, s->table).s, why,
             what[action]);
}

void roster_say_going_on(const struct engine_config *config, int stream,
                         const struct terms_verdict *verdict)
{
    const struct catalog_stream *s = &config->catalog->streams[stream];
    if (verdict->change > TERMS_SHAPE) {
        roster_say(config, stream, verdict->why, ROSTER_GOES_ON);
    } else if (verdict->told) {
        log_line(config->log, LOG_WARN, "table %s %s", stream_label(s->schema, s->table).s,
                 verdict->why);
    }
}
