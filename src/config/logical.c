/* Streams without a table. */
#include "config/catalog.h"
#include "config/config.h"

/* The server refuses to create a schema whose name begins with pg_. */
static char schema[] = "pg_logical", messages[] = "messages", transactions[] = "transactions";

const struct catalog_stream logical_streams[LOGICAL_STREAMS] = {
    [LOGICAL_MESSAGES] = {.schema = schema, .table = messages},
    [LOGICAL_TRANSACTIONS] = {.schema = schema, .table = transactions},
};

bool config_emits_logical(const struct config *config, enum logical_stream stream,
                          const char **option)
{
    switch (stream) {
    case LOGICAL_MESSAGES: *option = "emit_messages"; return config->emit_messages != NULL;
    case LOGICAL_TRANSACTIONS: *option = "emit_transactions"; return config->emit_transactions;
    case LOGICAL_STREAMS: break;
    }
    return false;
}
