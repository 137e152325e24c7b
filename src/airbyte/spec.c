/* The SPEC message. */
#include "airbyte/airbyte.h"

void airbyte_spec(struct out *out)
{
    out_string(out, "{\"type\":\"SPEC\",\"spec\":{\"protocol_version\":\"0.2.0\","
                    "\"documentationUrl\":\"" DOCUMENTATION_URL "\","
                    "\"connectionSpecification\":");
    config_schema(out);
    out_string(out, ",\"supportsIncremental\":true,"
                    "\"supported_destination_sync_modes\":[\"append\",\"overwrite\","
                    "\"append_dedup\"]}}\n");
}
