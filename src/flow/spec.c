/* The response to spec: what the connector is, whatever it will be asked to do. */
#include "internal.h"

void flow_spec(struct out *out)
{
    out_string(out, "{\"spec\":{\"protocol\":3032023,\"configSchema\":");
    config_schema(out);
    out_string(out, ",\"resourceConfigSchema\":");
    resource_schema(out);
    out_string(out, ",\"documentationUrl\":\"https://go.estuary.dev/source-postgresql\","
                    "\"resourcePathPointers\":[\"/namespace\",\"/stream\"]}}\n");
}
