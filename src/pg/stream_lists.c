#include "stream_lists.h"

#include "pg/pg.h"

void stream_lists_open(struct stream_lists *lists)
{
    out_init(&lists->schemas, 256);
    out_init(&lists->tables, 256);
    out_init(&lists->keys, 256);
    pg_array_open(&lists->schemas);
    pg_array_open(&lists->tables);
    pg_array_open(&lists->keys);
}

void stream_lists_add(struct stream_lists *lists, const char *schema, const char *table,
                      char *const *key)
{
    pg_array_add(&lists->schemas, schema);
    pg_array_add(&lists->tables, table);
    pg_array_add_names(&lists->keys, key);
}

void stream_lists_close(struct stream_lists *lists)
{
    pg_array_close(&lists->schemas);
    pg_array_close(&lists->tables);
    pg_array_close(&lists->keys);
}

void stream_lists_add_catalog(struct stream_lists *lists, const struct catalog *catalog)
{
    for (int i = 0; catalog && i < catalog->count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        stream_lists_add(lists, stream->schema, stream->table, stream->key);
    }
}

void stream_lists_free(struct stream_lists *lists)
{
    out_free(&lists->schemas);
    out_free(&lists->tables);
    out_free(&lists->keys);
}
