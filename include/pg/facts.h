/* The facts of a server that decide whether a capture can start, read in a few queries. Nothing is
 * judged here. */
#ifndef PG_FACTS_H
#define PG_FACTS_H

#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"
#include "pg/slot.h"
#include "pg/survey.h"

struct server_facts {
    int version;
    char *wal_level, *user, *database; /* owned */
    char *effective_wal_level;         /* owned; NULL: the server (before 19) has no such setting */
    bool standby;
    bool superuser;
    bool replicates;                  /* REPLICATION, or the like of a managed service */
    bool may_create;                  /* CREATE on the database: publications */
    int role_limit, database_limit;   /* of connections; -1: none */
    int max_slots, slots;             /* allowed, and there */
    int max_wal_senders, wal_senders; /* likewise */
    char *idle_slots;                 /* owned; names of those that no process reads, or NULL */
};

struct publication_facts {
    bool exists;
    bool all_tables, owned;
    char *owner; /* owned; as of a table, as is */
    bool owner_superuser;
    bool inserts, updates, deletes, truncates; /* it publishes these */
    bool via_root;
};

/* A captured table, or the watermarks table. */
struct table_facts {
    bool schema_exists, schema_usable, schema_writable;
    bool schema_open; /* PUBLIC may use it */
    uint32_t oid;     /* 0: there is no such table */
    char kind;        /* pg_class.relkind */
    char persistence;
    bool system, partition, owned;
    bool readable;
    bool secured;      /* policies hide rows from who has no rights beyond the grants */
    bool row_security; /* policies hide rows from us */
    bool identified;   /* it, or all that is below it, has a replica identity */
    char *unsent;      /* owned; generated columns of a replica identity, of it or of what is below
                          it, that the publication does not send (18 and later); NULL: none */
    char *leaf_mends;  /* owned; SQL that gives a replica identity to those below; NULL: they have
                          one */
    bool leaves_owned; /* the session's user has the rights of those that this SQL is about */
    bool published;    /* under its own name */
    bool key_repeats;  /* the catalog's key is of its columns, and no unique index lies within */
    char *uniques;     /* owned; what a key may be instead: "(a, b), (c)"; NULL: nothing */
    char *key_nulls;   /* owned; ALTER TABLE actions that keep nulls out of the key; NULL: none */
    /* Owned, not quoted; NULL: the session's user has the owner's rights, or may grant USAGE, or
     * may CREATE in the schema. */
    char *owner, *schema_owner, *schema_creator;
    bool owner_superuser; /* that owner is one */
};

struct watermarks_facts {
    bool columns; /* slot and watermark are there, and hold text */
    bool unique;  /* on slot alone, at once */
    bool writable;
    /* Owned; NULL: none. What these users or objects define runs with our rights when we write. */
    char *owner;          /* where it is none whom we trust: becomes_sql; not quoted */
    char *trigger_makers; /* likewise, who has the TRIGGER privilege; quoted as in SQL */
    char *code;
};

struct facts {
    struct server_facts server;
    struct publication_facts publication;
    struct slot slot;
    struct table_facts *tables; /* the catalog's streams, then the watermarks table */
    int stream_count;
    struct watermarks_facts watermarks;
    int named;            /* tables that a list names */
    struct survey survey; /* only without a catalog, or without a publication */
    /* Owned, not quoted. Who will run the SQL, where that is no superuser; NULL: anyone. */
    char *admin;
    bool admin_becomes; /* becomes_sql, of the user whose rights these are */
    /* Owned, not quoted: who owns the database, where the admin may not CREATE in it, or may not
     * ALTER it; NULL: it may. */
    char *database_creator, *database_owner;
};

/* `catalog` NULL: no streams. Free what was read even after a failure. */
bool facts_read(struct pg *, const struct config *, const struct catalog *, struct facts *,
                struct err *);

/* The same for `user`, which exists and need not be that of the session; and lists name all tables:
 * for SQL, not for messages. */
bool facts_read_all(struct pg *, const struct config *, const struct catalog *, const char *user,
                    struct facts *, struct err *);
void facts_free(struct facts *);

static inline const struct table_facts *facts_watermarks(const struct facts *facts)
{
    return &facts->tables[facts->stream_count];
}

#endif
