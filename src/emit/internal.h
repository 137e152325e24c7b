/* The insides of a printer: what printer.c compiles and record.c runs. */
#ifndef EMIT_PRINTER_INTERNAL_H
#define EMIT_PRINTER_INTERNAL_H

#include <string.h>

#include "emit/printer.h"
#include "emit/value.h"

/* The members of the Airbyte look. */
#define AIRBYTE_LSN        "_ab_cdc_lsn"
#define AIRBYTE_UPDATED_AT "_ab_cdc_updated_at"
#define AIRBYTE_DELETED_AT "_ab_cdc_deleted_at"

enum { LITERAL_SLACK = 32 }; /* so many bytes behind a literal can be read */

struct literal {
    const char *text;
    size_t len;
};

struct field {
    struct literal before;       /* ,"name": */
    value_writer *text, *binary; /* by the form of the value */
    value_writer *copy;          /* of a chunk's rows */
    const struct type *type;
    uint32_t limit; /* of the value's length; UINT32_MAX: none */
    const char *name;
    bool lossy;    /* a writer may say that it could not hold the value */
    bool hidden;   /* not written: the record's own takes its place, or it was not chosen */
    bool identity; /* in an old tuple that holds the identity alone */
};

/* The members of the Airbyte look; the texts are empty where they were not chosen. */
struct airbyte_look {
    bool used;
    bool meta;          /* _meta was chosen */
    struct literal lsn; /* ,"_ab_cdc_lsn": */
    struct literal updated_at, deleted_at;
    /* All three, of the rows that were printed last: */
    char text[256];
    uint32_t len;
    uint64_t cursor;
    int64_t now_ms;
};

struct printer {
    struct airbyte_look airbyte;
    struct out literals;                     /* owns all literal texts; empty: a copy, owns none */
    void (*close)(char *record, size_t len); /* see struct frame */
    void (*cut)(void *context, int stream, const char *column, uint32_t len);
    void *cut_context;
    int stream;
    char *head;                  /* up to and including the data's { */
    size_t head_len, stamp_at;   /* 0: no stamp */
    int64_t stamp_ms;            /* the time that head holds */
    struct literal row_meta;     /* ,"_meta":… of a backfilled row up to its n */
    struct literal row_meta_end; /* from behind the n to the end of the line */
    struct literal schema_table; /* "schema":"public","table":"t","loc":[ */
    struct literal source_end;   /* behind the txid: the tag, and the end of source */
    struct literal end;          /* of _meta, data and line */
    size_t tail_len;             /* of the frame's tail, with which both ends end */
    int field_count;
    struct field fields[];
};

/* The longest value of a type that is written whole, by the frame's limit. */
uint32_t cut_limit(const struct type *, uint32_t limit);

/* A value that is longer than its field's limit, by its writer. */
char *put_cut(struct out *, char *to, struct printer *, const struct field *, value_writer *,
              const char *data, uint32_t len);

/* Of one record: the fields whose values could not be held. */
enum { FIELDS_MOST = 1600 }; /* a table has no more columns */
struct lost {
    int count;
    uint16_t fields[FIELDS_MOST];
};

/* `len` bytes of `text`, behind which LITERAL_SLACK more can be read, and as many written: whole
 * blocks are cheaper to copy than what has any length. */
static inline char *put_text(char *to, const char *text, size_t len)
{
    size_t done = 0;
    do {
        memcpy(to + done, text + done, LITERAL_SLACK);
        done += LITERAL_SLACK;
    } while (done < len);
    return to + len;
}

/* record.c: a record whose data is written in between. */
void record_begin(struct out *, struct printer *, int64_t now_ms);
void record_end(struct out *, struct printer *, char op, const struct source *);

/* airbyte_look.c: the members of the Airbyte look, of a row and of a change. *first: no member
 * precedes them, so that the first needs no comma. */
char *put_airbyte_row(struct out *, char *to, struct printer *, uint64_t cursor, int64_t now_ms,
                      bool *first);
char *put_airbyte_change(struct out *, char *to, const struct printer *, const struct source *,
                         uint64_t cursor, bool deleted, bool *first);

/* The end of a record, which names the values that were lost before the frame's tail. */
void print_end_lost(struct out *, char *to, const struct printer *, const struct literal *end,
                    const struct lost *);

#endif
