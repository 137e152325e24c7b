/* The queries that facts.c makes the facts from, each in a file of its own. */
#ifndef PG_FACTS_READ_H
#define PG_FACTS_READ_H

#include "pg/facts.h"

/* `who`: an expression of type name, for the role whose rights are read. */

/* facts_server.c */
bool facts_read_server(struct pg *, const char *who, struct server_facts *, struct err *);

/* facts_publication.c. The publication named in the config, which need not exist. */
bool facts_read_publication(struct pg *, const struct config *, const char *who,
                            struct publication_facts *, struct err *);

/* facts_tables.c. Set facts->tables: those of the catalog's streams, and the watermarks table. */
bool facts_read_tables(struct pg *, const struct config *, const struct catalog *, const char *who,
                       struct facts *, struct err *);

/* facts_watermarks.c. `oid` 0: there is no such table, and nothing is set. */
bool facts_read_watermarks(struct pg *, uint32_t oid, const char *who, struct watermarks_facts *,
                           struct err *);

#endif
