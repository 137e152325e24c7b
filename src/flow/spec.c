/* The response to spec: what the connector is, whatever it will be asked to do. */
#include "internal.h"
#include "respond.h"

void flow_spec(enum flow_form form, struct out *out)
{
    struct out config, resource;
    out_init(&config, 16 * 1024);
    out_init(&resource, 4096);
    config_schema(&config);
    resource_schema(&resource);
    respond_spec(out, form, &config, &resource);
    out_free(&config);
    out_free(&resource);
}
