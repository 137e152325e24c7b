/*
 * One version of a table's shape: what a tuple of it holds, column by column.
 *
 * A new version is made when the stream or a chunk shows a shape that differs from the last. The
 * thread that makes a relation fills it and hands it on. `stream`, `partition` and the columns'
 * types are set when it is bound to a stream, before it is used; `life`, `fault`, `key` and `next`
 * are the merger's, `printer` is the emitter's.
 *
 * A relation that the decoder made from the stream is owned by the decoder, and batches point at
 * it. When it is replaced or its table is gone, and the merger keeps no change that uses it, the
 * merger puts it into a batch (batch.past). That is the last batch that points at it, and returns
 * it to the decoder.
 */
#ifndef ROW_RELATION_H
#define ROW_RELATION_H

#include <stdbool.h>
#include <stdint.h>

#include "row/type.h"

struct column {
    const char *name;
    uint32_t type_oid;       /* as declared: may be a domain's */
    int32_t typmod;          /* -1: none */
    bool identity;           /* part of the replica identity */
    bool text;               /* chunks: comes as text, whatever the type has a binary form */
    const struct type *type; /* NULL until resolved */
    bool unwanted;           /* not selected in the catalog: chunks have NULL in its place */
};

enum {
    STREAM_NONE = -1,       /* a table that is not captured */
    STREAM_WATERMARKS = -2, /* the watermarks table */
};

struct printer;

/* Why changes in a shape cannot be merged by the key of their stream. */
enum relation_fault {
    RELATION_FITS,
    RELATION_LACKS_KEY,   /* a column of the key is not in it */
    RELATION_OTHER_ORDER, /* a column of the key has a type of another order */
    RELATION_UNSENT_KEY,  /* its replica identity does not cover the key */
};

struct relation {
    uint32_t oid;
    uint32_t xid; /* the transaction in which the stream described it first */
    const char *schema, *name;
    char identity;    /* pg_class.relreplident: 'd' default, 'n' nothing, 'f' full, 'i' index */
    int stream;       /* index of the captured stream, or one of STREAM_* */
    int renamed_of;   /* the stream that captures this table, which has another name for now;
                         STREAM_NONE: none */
    bool partition;   /* it is a leaf partition of the stream's table, under its own name */
    bool partial_old; /* its old rows are sent as whole rows, but have only what each partition's
                         identity covers: a null may be a value that was not sent */
    uint64_t life;    /* of the stream, that `fault` and `key` are of; 0: none yet */
    enum relation_fault fault;
    int *key;                /* index of each key column of the stream */
    int key_count;           /* 0: the stream has no key, or see `fault` */
    struct printer *printer; /* NULL until first printed */
    struct relation *before; /* the version that it replaces; the merger takes it. NULL: none */
    struct relation *next;   /* the next in a chain of relations to be freed */
    int column_count;
    struct column *columns;
};

/* Zeroed, with room for `column_count` columns; strings are the caller's to fill (mem_string). */
struct relation *relation_new(int column_count);
void relation_free(struct relation **);

/* Same oid, names, identity and columns (types by OID and modifier). */
bool relation_equal(const struct relation *, const struct relation *);

/* Index of the column of that name, or -1. */
int relation_column(const struct relation *, const char *name);

#endif
