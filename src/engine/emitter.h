/* The emitter's thread: what is its own, shared by emitter.c and printers.c. */
#ifndef ENGINE_EMITTER_H
#define ENGINE_EMITTER_H

#include "extras.h"
#include "pipeline.h"
#include "printing/printing.h"
#include "start.h"

struct emitter {
    const struct engine_config *config; /* borrowed, as are these three */
    struct pipeline *pipeline;
    const struct start *start;
    struct printing *printing;

    struct out out;
    struct err err;            /* of the sink */
    struct printer **printers; /* owned, of all shapes */
    size_t printer_count, printer_cap;
    uint64_t
        *counts; /* owned; records a stream since the last checkpoint; the last is of `extras` */
    struct extras extras;
    int begun; /* streams that codec.begin() was called for */
    unsigned *
        cut; /* owned; of each stream, shared with printing's threads: logged that values are cut */
    struct source source;
    bool caught_up; /* the server had nothing more to send */
    int64_t now_ms;
    uint64_t rows, changes, transactions, checkpoints;
    uint64_t apart;     /* bytes of records that were written to another stream's `out` */
    uint64_t position;  /* all that the server had up to here is printed */
    uint64_t state_end; /* of all bytes: where the last state ended */
    bool ended;
};

/* The thread's function; the context is its emitter, with the borrowed fields set. */
void emitter_main(void *context);

/* Call codec.begin() for the first `count` streams, unless that was done. */
void emitter_begin(struct emitter *, int count);

/* printers.c: the printer of a shape is made when its first record is printed; and freed once
 * nothing will be printed in that shape any more. */
struct printer *printer_of(struct emitter *, struct relation *);
void drop_printer(struct emitter *, struct relation *);
void drop_printers(struct emitter *);

#endif
