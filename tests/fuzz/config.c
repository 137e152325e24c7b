/* The configuration: parsed, or refused with a message that has words. */
#include "config/config.h"

#include "valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct out notices;
    out_init(&notices, 64);
    struct config *config = config_parse((const char *)data, size, &notices, &err);
    if (config ? !config->host || !config->user || !config->database || !config->slot ||
                     config->port < 1 || config->backfill_chunk_size < 1
               : err.kind != ERR_CONFIG || !err.message[0] ||
                     !valid_utf8(err.message, strlen(err.message))) {
        abort();
    }
    if (!valid_utf8(notices.data, notices.len)) {
        abort();
    }
    config_free(&config);
    out_free(&notices);
    return 0;
}
