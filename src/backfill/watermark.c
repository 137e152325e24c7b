/* Watermarks: UUIDs written to the one row of the watermarks table that is this capture's. */
#include <uuid.h>

#include "backfill/backfill.h"
#include "pg/pg.h"

void watermark_new(char watermark[37])
{
    uuid_t uuid;
    uuid_generate(uuid);
    uuid_unparse_lower(uuid, watermark);
}

void watermark_sql(struct out *sql, const struct config *config, const char *watermark)
{
    out_string(sql, "INSERT INTO ");
    pg_quote_identifier(sql, config->watermarks_schema);
    out_char(sql, '.');
    pg_quote_identifier(sql, config->watermarks_table);
    out_string(sql, " (slot,watermark) VALUES (");
    pg_quote_literal(sql, config->slot, strlen(config->slot));
    out_char(sql, ',');
    pg_quote_literal(sql, watermark, strlen(watermark));
    out_string(sql, ") ON CONFLICT (slot) DO UPDATE SET watermark=excluded.watermark");
}
