/* Streams that are of no table: their schemas, and whether catalog and configuration agree. */
#include "airbyte/airbyte.h"
#include "schema.h"

#define INTEGER "{\"type\":\"number\",\"airbyte_type\":\"integer\"}"
#define META    "\"_meta\":{\"type\":\"object\"}"

const char *const airbyte_logical_properties[LOGICAL_STREAMS] = {
    [LOGICAL_MESSAGES] =
        "{\"prefix\":{\"type\":\"string\"},\"content\":{\"type\":\"string\",\"contentEncoding\":"
        "\"base64\"},\"transactional\":{\"type\":\"boolean\"}," META "}",
    [LOGICAL_TRANSACTIONS] =
        "{\"xid\":" INTEGER ",\"commit_time\":{\"type\":\"string\",\"format\":\"date-time\"},"
        "\"commit_lsn\":" INTEGER ",\"end_lsn\":" INTEGER ",\"record_count\":" INTEGER
        ",\"streams\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}," META "}",
};

bool airbyte_check_logical(const struct config *config, const struct catalog *catalog,
                           struct log *log, struct err *err)
{
    const char *option;
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        const struct catalog_stream *stream = &logical_streams[i];
        bool emits = config_emits_logical(config, (enum logical_stream)i, &option);
        if (catalog->logical[i] && !emits) {
            err_set(err, ERR_CONFIG, "catalog: stream %s needs the option advanced.%s",
                    stream_label(stream->schema, stream->table).s, option);
            return err_stream(err, stream->schema, stream->table);
        }
        if (catalog->logical[i] && config->state_type == STATE_STREAM) {
            return err_set(
                err, ERR_CONFIG,
                "advanced.%s does not go with advanced.state_type \"stream\": its stream "
                "has no state; set that to \"global\", or take stream %s out of the "
                "catalog",
                option, stream_label(stream->schema, stream->table).s);
        }
        if (emits && !catalog->logical[i]) {
            log_line(log, LOG_WARN,
                     "advanced.%s has no effect, since stream %s is not in the catalog", option,
                     stream_label(stream->schema, stream->table).s);
        }
    }
    return true;
}
