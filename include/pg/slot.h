/*
 * The replication slot and the server behind it: what they are now, and whether a capture that
 * remembers where it was may continue from there. A gap is an error that says so, never a silent
 * skip.
 */
#ifndef PG_SLOT_H
#define PG_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pg/pg.h"

/* A row of pg_replication_slots. What a server version does not report is NULL or 0. */
struct slot {
    bool in_recovery;           /* the server that was asked is a standby */
    char system_identifier[24]; /* of that server; empty: we may not know */
    bool exists;                /* false: nothing that follows is set */
    bool logical, temporary;
    bool synced;              /* a standby's copy of its primary's slot (17 and later) */
    bool two_phase;           /* sends transactions when they are prepared (14 and later) */
    bool failover;            /* standbys synchronize it (17 and later) */
    char *plugin, *database;  /* owned */
    char *wal_status;         /* owned: reserved, extended, unreserved or lost (13 and later) */
    char *invalidation;       /* owned: why the server has invalidated it; NULL: it is valid */
    int active_pid;           /* 0: no process reads it */
    uint64_t restart_lsn;     /* WAL is kept from here on; 0: none is kept */
    uint64_t confirmed_flush; /* nothing before it can be read again */
    int64_t catalog_age;      /* of its catalog_xmin, in transactions; 0: it has none */
    int64_t safe_wal_size;    /* bytes until it is lost; INT64_MAX: no limit, or unknown */
    uint64_t wal_end;         /* of the server, whether the slot exists or not */
    int64_t idle_s;           /* how long no process has read it (18 and later) */
    int64_t idle_timeout_s;   /* and how long that may be (likewise); 0: no limit */
};

/* What to do so that the server does not invalidate it again: "raise …". */
const char *slot_invalidation_remedy(const char *reason);

/* Whether it is there, and of the server that was asked, be it a standby. */
static inline bool slot_is_own(const struct slot *slot)
{
    return slot->exists && !slot->synced;
}

bool slot_read(struct pg *, const char *name, struct slot *, struct err *);

/* The session that reads it, as far as we may see it. While none does: one that may be of a capture
 * that begins. */
struct slot_reader {
    int pid;                                    /* 0: nothing that follows is set */
    char *application, *user, *address, *since; /* owned */
    char *state;                                /* owned: catchup, streaming … */
    uint64_t sent, flushed;
    bool hidden; /* state, sent and flushed: from a user without pg_monitor */
};
bool slot_reader_read(struct pg *, const struct slot *, struct slot_reader *, struct err *);
void slot_reader_clear(struct slot_reader *);

void slot_clear(struct slot *);

/* Drop it, if it is there. ERR_TRANSIENT while a process reads it. */
bool slot_drop(struct pg *, const char *name, struct err *);

/* The answer to IDENTIFY_SYSTEM. */
struct server_identity {
    char system_identifier[24]; /* decimal */
    uint32_t timeline;
    uint64_t position; /* end of the WAL that is safely written */
    bool in_recovery;  /* it was a standby when the connection was made */
};

/*
 * The timeline that a state is to remember; 0: none. A standby may be promoted while it streams,
 * without a notice; its own slot proves that its history was not rewound, since a rewind removes
 * slots.
 */
static inline uint32_t server_lasting_timeline(const struct server_identity *server)
{
    return server->in_recovery ? 0 : server->timeline;
}

/* Over a PG_REPLICATION connection. A pooler that hides the server is recognised and named. */
bool server_identify(struct pg *replication, struct server_identity *, struct err *);

/*
 * Where `timeline` ended and another began, by the server's own history; *end 0: it does not appear
 * there. Over a PG_REPLICATION connection; `current` is server_identity's timeline.
 */
bool server_timeline_end(struct pg *replication, uint32_t current, uint32_t timeline, uint64_t *end,
                         struct err *);

/* The same from a timeline history file's text: lines of "timeline  switch-LSN  reason". */
uint64_t timeline_history_end(const char *history, size_t len, uint32_t timeline);

/* The slot and server that a state remembers; strings are borrowed. NULL or 0: not in the state. */
struct slot_claim {
    const char *system_identifier;
    uint32_t timeline;
    const char *slot, *database;
    uint64_t cursor;
    bool standby; /* a standby will do, if it has the slot */
};

/* Whether the server still keeps WAL for the slot, which exists. ERR_CONFIG: the changes after the
 * cursor are lost. */
bool slot_valid(const struct slot *, const char *name, uint64_t cursor, struct err *);

/* Set ERR_TRANSIENT: a standby answered that has no slot of its own for the capture. `standby`:
 * with such a slot it would be accepted. Returns false. */
bool slot_elsewhere(bool standby, struct err *err);

/*
 * Whether the changes after the claim's cursor are all still there to be read. `now`, `server`,
 * `slot` and `database` are what this process found and was configured with; `timeline_end` is
 * server_timeline_end's for the claim's timeline (0 where the two timelines are one).
 * ERR_CONFIG says what was lost and what to do; ERR_TRANSIENT, that another server was asked
 * than the one that has the slot.
 */
bool slot_verify(const struct slot_claim *, const struct slot *now, const char *slot,
                 const char *database, const struct server_identity *server, uint64_t timeline_end,
                 struct err *);

#endif
