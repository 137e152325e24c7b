/* Names of rows in the watermarks table. */
#include "row/request.h"

#include <string.h>

#include "base/mem.h"

static const char request_prefix[] = "backfill:";

char *request_name(const char *slot)
{
    return mem_format("%s%s", request_prefix, slot);
}

bool is_request_name(const char *name, size_t len, const char *slot)
{
    size_t prefix = sizeof request_prefix - 1;
    return len == prefix + strlen(slot) && !memcmp(name, request_prefix, prefix) &&
           !memcmp(name + prefix, slot, len - prefix);
}
