/* The insides of a printer: what printer.c compiles and record.c runs. */
#ifndef EMIT_PRINTER_INTERNAL_H
#define EMIT_PRINTER_INTERNAL_H

#include "emit/printer.h"
#include "emit/value.h"

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
    bool hidden;   /* its name is _meta: the record's own takes its place */
    bool identity; /* in an old tuple that holds the identity alone */
};

struct printer {
    struct out literals;         /* owns all literal texts */
    char *head;                  /* up to and including the data's { */
    size_t head_len, stamp_at;   /* 0: no stamp */
    int64_t stamp_ms;            /* the time that head holds */
    struct literal row_meta;     /* ,"_meta":… of a backfilled row up to its n */
    struct literal row_meta_end; /* from behind the n to the end of the line */
    struct literal schema_table; /* "schema":"public","table":"t","loc":[ */
    struct literal source_end;   /* behind the txid: the tag, and the end of source */
    struct literal end;          /* of _meta, data and line */
    int field_count;
    struct field fields[];
};

#endif
