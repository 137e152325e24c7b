/*
 * Values that are longer than the platform takes. The other types have none: a number may be long,
 * but not so long, and what was cut from an array or a composite would be none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "internal.h"
#include "word.h"

static bool is_json(const struct type *type)
{
    return type->oid == OID_JSON || type->oid == OID_JSONB;
}

static bool is_text(const struct type *type)
{
    return type->oid == OID_TEXT || type->oid == OID_VARCHAR || type->oid == OID_BPCHAR ||
           type->oid == OID_XML ||
           (type->class == TYPE_SCALAR && type->name && !strcmp(type->name, "citext"));
}

uint32_t cut_limit(const struct type *type, uint32_t limit)
{
    bool cuts = is_json(type) || is_text(type) || type->oid == OID_BYTEA;
    return limit && cuts ? limit : UINT32_MAX;
}

static char *put_marker(struct out *out, char *to, uint32_t len)
{
    char marker[64];
    snprintf(marker, sizeof marker, "{\"flow_truncated\":true,\"original_size\":%" PRIu32 "}", len);
    return put_word(out_room(out, to, sizeof marker), marker);
}

char *put_cut(struct out *out, char *to, struct printer *p, const struct field *field,
              value_writer *writer, const char *data, uint32_t len)
{
    bool hex = field->type->oid == OID_BYTEA && writer == field->text;
    uint32_t bytes = hex ? (len - 2) / 2 : len, limit = field->limit;
    if (bytes <= limit) {
        return writer(out, to, field->type, data, len);
    }
    if (p->cut) {
        p->cut(p->cut_context, p->stream, field->name, bytes);
        p->cut = NULL;
    }
    if (is_json(field->type)) {
        return put_marker(out, to, len);
    }
    limit = hex                    ? 2 + 2 * limit
            : is_text(field->type) ? (uint32_t)bytes_whole_letters(data, limit)
                                   : limit;
    return writer(out, to, field->type, data, limit);
}
