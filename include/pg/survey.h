/* All tables of the database at once: what a publication of them would do, and who may read
 * them. */
#ifndef PG_SURVEY_H
#define PG_SURVEY_H

#include "config/config.h"
#include "pg/pg.h"

enum {
    NAMED_TABLES = 20, /* how many a message names */
    ALL_TABLES = INT32_MAX,
};

/* Tables by name. */
struct table_list {
    int count;
    char *names; /* owned; the first `named`, joined by ", "; NULL: none */
};

struct survey {
    struct table_list unidentified; /* their UPDATE and DELETE fail as soon as they are published */
    struct table_list identified;   /* of those that discover shows; each behind ONLY */
    struct table_list left_out;     /* and those that are not */
    struct table_list partly;       /* of those, we may read some columns of, and not the table */
    int offered, readable;          /* that discover would show, and that we may read of them */
    char *schemas; /* owned; that hold what is offered, the first few; NULL: none */
    char *unknown; /* owned; of discover_schemas, that do not exist; NULL: none */
};

/* `who`: an expression of type name, for the role whose rights are read. */
bool survey_read(struct pg *, const struct config *, const char *who, int named, struct survey *,
                 struct err *);
void survey_clear(struct survey *);

/* The names, and how many more there are. */
void table_list_write(struct out *, const struct table_list *, int named);

#endif
