/*
 * Printing records of streams that are of no table: messages, and the bounds of transactions.
 *
 *   {"prefix":"p","content":"Zm9v","transactional":true,"_meta":{"op":"m","source":{ … }}}
 *   {"xid":7,"commit_time":"2024-…","commit_lsn":300,"_meta":{"op":"b","source":{ … }}}
 *   {"xid":7,"commit_time":"2024-…","commit_lsn":300,"end_lsn":340,"record_count":3,"streams":[
 *     {"namespace":"public","stream":"t","record_count":3}],"_meta":{"op":"e","source":{ … }}}
 *
 * A source has the stream's schema and table; that of a message outside a transaction has neither
 * ts_ms nor txid, and "loc" has the end of its record in place of its commit.
 */
#ifndef EMIT_LOGICAL_H
#define EMIT_LOGICAL_H

#include "emit/printer.h"

/* The printer is one of a relation without columns. */
void print_message(struct out *, struct printer *, const struct event *, const struct source *,
                   int64_t now_ms);

/* What a transaction gave, of one stream. */
struct transaction_part {
    const char *schema, *table;
    uint64_t records;
};

struct transaction_end {
    uint64_t end_lsn;
    uint64_t records;
    const struct transaction_part *parts;
    size_t part_count;
};

/* `end` NULL: it begins. The source's LSN is that of the record. */
void print_transaction(struct out *, struct printer *, const struct source *,
                       const struct transaction_end *end, int64_t now_ms);

#endif
