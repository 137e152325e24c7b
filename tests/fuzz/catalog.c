/* The catalog: parsed, or refused with a message that has words. */
#include "config/catalog.h"

#include "valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct catalog *catalog = catalog_parse((const char *)data, size, &err);
    if (!catalog && (err.kind != ERR_CONFIG || !err.message[0] ||
                     !valid_utf8(err.message, strlen(err.message)))) {
        abort();
    }
    for (int i = 0; catalog && i < catalog->count; i++) {
        if (!catalog->streams[i].schema[0] || !catalog->streams[i].table[0]) {
            abort();
        }
    }
    catalog_free(&catalog);
    return 0;
}
