/* What setup.c finds, and how setup_print.c prints it. */
#ifndef PG_SETUP_PRINT_H
#define PG_SETUP_PRINT_H

#include "base/problems.h"
#include "pg/facts.h"
#include "pg/setup.h"

enum { POSTGRESQL, RDS, CLOUDSQL, ALLOYDB, AZURE, SUPABASE, NEON };

/* The role that the SQL is for, and the session's user. */
struct role {
    bool ours; /* they are the same */
    bool exists, logs_in, connects;
    int provider;
    char *admin;          /* owned */
    bool superuser;       /* the admin */
    bool becomes;         /* becomes_sql, the admin the role, or will once it has made it */
    bool creates;         /* the admin, such roles */
    char *database_owner; /* owned; NULL: the admin may grant CONNECT */
};

void setup_print(struct out *, const struct facts *, const struct setup *, const struct role *,
                 const struct problems *);

#endif
