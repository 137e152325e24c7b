/* All tables that can be captured, as a catalog. */
#ifndef PG_SETUP_TABLES_H
#define PG_SETUP_TABLES_H

#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"

/* Those that discover shows to who may read them, and that can be published without harm. NULL on
 * failure; else for catalog_free. */
struct catalog *setup_tables(struct pg *, const struct config *, struct err *);

#endif
