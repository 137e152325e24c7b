/*
 * The writers that value.c chooses from: one for each look and wire form. What several of them need
 * is at the end.
 *
 * A new writer needs a row in value.c (and in value_airbyte.c, where the Airbyte look differs), its
 * JSON type in discover/schema.c, and a row in docs/records.md. Its input may be any bytes, of any
 * length: it asks out_room() for more than VALUE_ROOM, and escapes what it copies into a string.
 */
#ifndef EMIT_WRITERS_H
#define EMIT_WRITERS_H

#include "emit/value.h"
#include "word.h"

/* value_number.c */
value_writer bool_text, bool_binary;
value_writer number_text; /* integers and floats */
value_writer int2_binary, int4_binary, int8_binary, oid_binary;
value_writer float4_binary, float8_binary;
value_writer vector_text; /* "[1,2.5]" */

/* The same in the Airbyte look: value_lost for what is not finite. */
value_writer finite_text, finite4_binary, finite8_binary;

/* value_text.c */
value_writer string_text;
value_writer char_text; /* the type "char" */
value_writer bytea_text, bytea_binary;
value_writer uuid_binary;
value_writer inet_text;

/* value_json.c */
value_writer json_text, jsonb_text;

/* value_time.c, value_time_binary.c */
value_writer date_text, date_binary;
value_writer time_text, time_binary;
value_writer timetz_text, timetz_binary;
value_writer timestamp_text, timestamp_binary;

/* In the Airbyte look: value_lost beyond RFC 3339, no Z without a zone. */
value_writer strict_date_text, strict_date_binary;
value_writer strict_time_text, strict_time_binary;
value_writer strict_timetz_text, strict_timetz_binary;
value_writer strict_timestamp_text, strict_timestamp_binary;

/* value_array.c, value_range.c, value_hstore.c: by the type's elements */
value_writer array_text;
value_writer airbyte_array_text;
value_writer timestamp_range_text; /* multiranges too; other ranges are string_text */
value_writer hstore_text;

/* value_composite.c */
value_writer composite_text;

/* Microseconds since 1970 as a timestamp in UTC at `p`, quoted; what is beyond RFC 3339 as its ends. */
char *timestamp_quote(char *p, int64_t unix_us);

/* In the Airbyte look, what cannot be held: see value_airbyte_writers. */
static inline char *value_lost(char *p)
{
    return put_word(p, "null ");
}

/* What is not the binary form that was promised: a string, with \u00XX for bytes from 0x80 on. */
char *write_invalid(struct out *, char *p, const char *data, uint32_t len);

/*
 * The text between quotes in arrays and hstore, which has a backslash before some characters:
 * without the backslashes, as a JSON string. `s` does not end in a lone backslash.
 */
void write_unquoted(struct out *, const char *s, size_t len);

/* A byte as \ooo at `p`, which has room for OCTAL bytes; returns their end. */
enum { OCTAL = 4 };
char *octal_byte(char *p, char byte);

/* A timestamp's text in our look at `p`, which has TIMESTAMP_LOOK bytes; NULL if it is not one. */
enum { TIMESTAMP_LOOK = 32 };
char *timestamp_look(char *p, const char *s, size_t len);

#endif
