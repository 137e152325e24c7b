/*
 * The capture's configuration: the endpoint JSON that a user writes, checked and with its defaults.
 *
 * One JSON object; the flat form and Flow's form (address, credentials, advanced) are one set of
 * options. Every string is owned by the config. `password`, `sslkey` and what the structs below
 * hold of secrets never go into a message of any kind.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/out.h"

enum state_type {
    STATE_GLOBAL, /* Airbyte GLOBAL states */
    STATE_STREAM, /* Airbyte STREAM states */
    STATE_LEGACY, /* GLOBAL, and the whole state beside it as `data`, as in the legacy form */
};

/* What to do when a table was changed in a way that the stream does not report. */
enum untracked {
    UNTRACKED_BACKFILL, /* the table is backfilled again */
    UNTRACKED_WARN,     /* it is logged, and the capture continues */
    UNTRACKED_FAIL,     /* the capture ends */
};

/* Whether a standby may take the slot over (PostgreSQL 17 and later). */
enum failover_slot {
    FAILOVER_AUTO,   /* if the server has a standby */
    FAILOVER_ALWAYS, /* always; an older server is refused */
    FAILOVER_NEVER,
};

/* How the user is authenticated. */
enum auth {
    AUTH_PASSWORD,
    AUTH_AWS,   /* the password is a token, signed for each connection */
    AUTH_TOKEN, /* the password is a token that the platform injected: for Google or Azure */
};

/* The platform injects all but the region. The three members after it never go into a message. */
struct credentials {
    enum auth auth;
    char *type; /* "AWSIAM"; NULL: UserPassword */
    char *aws_region;
    char *aws_access_key_id, *aws_secret_access_key, *aws_session_token;
    char *token;
};

/* The SSH server that connections go through. */
struct ssh {
    char *host; /* NULL: there is none */
    int port;
    char *user, *key /* PEM text */, *password; /* NULL: the other one */
    char *host_key; /* fingerprint of the server's: "SHA256:…"; NULL: any, at first */
};

/* Which tables discovery shows. Lists are NULL-terminated; NULL: not given. */
struct discovery {
    char **included, **excluded; /* schemas */
    char **patterns;             /* "schema.table" or "table", in which * and ? are wild */
    bool unpublished;            /* Flow: also tables that the publication leaves out */
};

struct config {
    char *host; /* name, address, or directory of a Unix socket */
    int port;
    char *user, *password /* NULL: none */, *database;
    char *password_file; /* holds the password: see config_read_password; NULL: none */
    struct credentials credentials;
    struct ssh ssh;
    int tunnel_port; /* on loopback, of the tunnel that was opened there; 0: none */
    char *sslmode;   /* NULL: libpq's default */
    char *sslrootcert, *sslcert, *sslkey; /* PEM text; NULL: none */

    char *slot;
    char *other_slot; /* of reads of full_refresh streams alone; see config_use_other_slot */
    char *publication;
    char *watermarks_schema, *watermarks_table;
    enum failover_slot failover_slot;

    bool flow_spelling; /* written with `address`, as Flow's captures are */
    bool history_mode;
    bool no_schema_inference; /* Flow: discovered schemas do not ask for it */
    bool no_sourced_schemas;  /* Flow: none are sent */
    bool backfill_messages;   /* Flow: backfillBegin and backfillComplete are sent */
    char *source_tag;         /* "tag" of every record's source; NULL: none */

    char **skip_backfills;   /* "schema.table", NULL-terminated; NULL: none. See below */
    char **discover_schemas; /* NULL-terminated; NULL: all but the system's */
    struct discovery discovery;
    uint32_t min_backfill_xid; /* 0: none */
    bool read_only_capture;
    bool stream_open_transactions;
    bool is_admin; /* the user is that of --admin, whose password only the environment has */
    bool capture_as_partitions;
    bool publish_all_tables; /* if the publication is made, it is for all tables */
    enum untracked on_untracked_change;
    int64_t statement_timeout_ms; /* of chunk queries; 0: none */
    int64_t check_interval_ms;    /* how often tables are looked at */

    char **emit_messages;   /* patterns of prefixes, NULL-terminated; NULL: none is emitted */
    bool emit_truncates;    /* a record for each */
    bool emit_transactions; /* a record of the beginning, and one of the end */

    int backfill_chunk_size; /* rows a chunk query asks for */
    int backfill_workers;    /* at least 1 */
    int memory_limit_mb;
    int backfill_mb_per_second, backfill_max_standby_lag_mb; /* 0: no limit */
    int heartbeat_seconds;                                   /* 0: none is sent */
    int wal_warn_mb, wal_stop_mb; /* of WAL that the slot keeps; 0: never */
    int max_value_bytes;          /* Flow: longer values are cut; 0: by the protocol's own limit */
    enum state_type state_type;
};

/*
 * A read of full_refresh streams alone has a slot of its own, <slot_name>__full_refresh: swap
 * slot_name and other_slot. A state of the other slot then comes from the other kind of read.
 */
void config_use_other_slot(struct config *);

/*
 * Parse and check. On success *config is new and *notices holds one line for each option that is
 * accepted but not acted on (NUL-terminated lines joined by '\n'; empty when there is none). On
 * failure (ERR_CONFIG) the message has a line for each fault, which names the option, and for an
 * unknown option the nearest known one.
 */
struct config *config_parse(const char *json, size_t len, struct out *notices, struct err *);

/* The same for a member of another document, which json_parse has checked. NULL: absent. */
struct cJSON;
struct config *config_read(const struct cJSON *, struct out *notices, struct err *);

/* The number of workers if backfill_workers is 0. At least 1. */
int config_workers_of(int cores, int memory_limit_mb);
void config_free(struct config **);

/* Read the password from its file, if one is named: all of it but a newline at its end. Not to be
 * called if the author of the configuration may lack the right to read the file, as in Flow. */
bool config_read_password(struct config *, struct err *);

/* How messages name its options: as it was written. `place`: where the server is. */
struct option_words {
    const char *host, *place, *password, *slot, *watermarks;
};
const struct option_words *config_words(const struct config *);

/* Whether skip_backfills names the table, in any case (ASCII): an item of it is "schema.table", and
 * "*" matches any. */
bool skip_means(const char *item, const char *schema, const char *table);
bool config_skips_backfill(const struct config *, const char *schema, const char *table);

/* The prefix of the messages that captures send themselves. */
#define OWN_MESSAGES "source-postgres"

/* Whether messages with this prefix are to be emitted: never a capture's own. */
bool config_emits_message(const struct config *, const char *prefix);

/* The JSON schema of the configuration (draft-07, one line), for both protocols' spec. */
void config_schema(struct out *);

#endif
