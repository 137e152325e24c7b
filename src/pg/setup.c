/* Printing SQL that fixes the problems of a server. Only problems.c judges what they are. */
#include "pg/setup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "catalogs.h"
#include "problems.h"
#include "rows.h"

enum { POSTGRESQL, RDS, CLOUDSQL, ALLOYDB, AZURE, SUPABASE, NEON };

/* In that order, as are the numbers in role_sql. */
const char *const setup_providers[] = {"postgresql", "rds",      "cloudsql", "alloydb",
                                       "azure",      "supabase", "neon",     NULL};

/* Providers on which customers cannot run ALTER SYSTEM: where settings are changed instead. */
static const struct provider {
    const char *title, *administrator, *logical;
} providers[] = {
    [POSTGRESQL] = {"PostgreSQL", "a superuser", NULL},
    [RDS] = {"Amazon RDS or Aurora", "the master user",
             "set rds.logical_replication = 1 in the parameter group (Aurora: of the cluster), and "
             "reboot"},
    [CLOUDSQL] = {"Google Cloud SQL", "a member of cloudsqlsuperuser",
                  "set the flag cloudsql.logical_decoding = on, which restarts the instance"},
    [ALLOYDB] = {"Google AlloyDB", "a member of alloydbsuperuser",
                 "set the flag alloydb.logical_decoding = on, which restarts the instance"},
    [AZURE] = {"Azure Database", "the administrator",
               "set the server parameter wal_level = logical, and restart the server"},
    [SUPABASE] = {"Supabase", "postgres, over a direct connection",
                  "upgrade the project: wal_level is logical in those of today"},
    [NEON] = {"Neon", "the project's owner, over a direct connection",
              "enable logical replication in the project's settings"},
};

/* The role that the SQL is for. */
struct role {
    bool ours, exists, logs_in, connects;
    int provider;
};

static const char role_sql[] =
    "SELECT current_user = $1,"
    " r.oid IS NOT NULL,"
    " r.rolcanlogin,"
    " has_database_privilege(coalesce(r.rolname, 'public'), current_database(), 'CONNECT'),"
    " (SELECT min(p.n) FROM pg_roles g JOIN (VALUES ('rds_superuser', 1), ('alloydbsuperuser', 3),"
    "  ('cloudsqlsuperuser', 2), ('azure_pg_admin', 4), ('supabase_admin', 5),"
    "  ('neon_superuser', 6)) p(name, n) ON p.name = g.rolname) "
    "FROM (SELECT) x LEFT JOIN pg_roles r ON r.rolname = $1";

enum { ROLE_OURS, ROLE_EXISTS, ROLE_LOGS_IN, ROLE_CONNECTS, ROLE_PROVIDER };

static bool read_role(struct pg *pg, const struct setup *setup, struct role *role, struct err *err)
{
    const char *params[] = {setup->config->user};
    struct pg_rows *rows = pg_query(pg, role_sql, 1, params, err);
    if (!rows) {
        return false;
    }
    *role = (struct role){
        .ours = rows_bool(rows, 0, ROLE_OURS),
        .exists = rows_bool(rows, 0, ROLE_EXISTS),
        .logs_in = rows_bool(rows, 0, ROLE_LOGS_IN),
        .connects = rows_bool(rows, 0, ROLE_CONNECTS),
        .provider = rows_int(rows, 0, ROLE_PROVIDER),
    };
    for (int i = 0; setup->provider && setup_providers[i]; i++) {
        role->provider = !strcmp(setup->provider, setup_providers[i]) ? i : role->provider;
    }
    pg_rows_free(&rows);
    return true;
}

/* Change the facts to those of a role without any rights. */
static void strip_rights(struct facts *facts, const struct config *config)
{
    struct server_facts *server = &facts->server;
    free(server->user);
    server->user = mem_string(config->user);
    server->superuser = server->may_create = server->replicates = false;
    server->role_limit = -1;
    facts->publication.owned = false;
    facts->watermarks.writable = false;
    for (int i = 0; i <= facts->stream_count; i++) {
        struct table_facts *table = &facts->tables[i];
        table->schema_usable = table->schema_writable = table->owned = table->readable = false;
    }
    facts->survey.partly.count = facts->survey.readable = 0;
}

static bool become(struct pg *pg, const struct config *config, struct err *err)
{
    struct out sql;
    out_init(&sql, 64);
    out_string(&sql, "SET ROLE ");
    pg_quote_identifier(&sql, config->user);
    bool ok =
        pg_exec(pg, out_text(&sql), err) ||
        err_prefix(err, "only a superuser, or a member of role \"%s\", can tell what it needs: ",
                   config->user);
    out_free(&sql);
    return ok;
}

static bool read_facts(struct pg *pg, const struct setup *setup, const struct role *role,
                       struct facts *facts, struct err *err)
{
    if (!role->ours && role->exists && !become(pg, setup->config, err)) {
        return false;
    }
    bool ok = facts_read_all(pg, setup->config, setup->catalog, facts, err);
    if (ok && !role->exists) {
        strip_rights(facts, setup->config);
    }
    return ok;
}

static void find_role(const struct facts *facts, const struct role *role, const char *name,
                      struct problems *problems)
{
    bool rds = role->provider == RDS;
    if (!role->exists) {
        problem(problems, "there is no role %s: run", name);
        mend(problems, "CREATE ROLE %s LOGIN%s", name, rds ? "" : " REPLICATION");
        if (rds) {
            mend(problems, "GRANT rds_replication TO %s", name);
        }
    } else {
        if (!role->logs_in) {
            problem(problems, "role %s may not log in: run", name);
            mend(problems, "ALTER ROLE %s LOGIN", name);
        }
        if (!facts->server.replicates) {
            problem(problems, "user %s may not replicate: run", name);
            mend(problems, rds ? "GRANT rds_replication TO %s" : "ALTER ROLE %s REPLICATION", name);
        }
    }
    if (!role->connects) {
        char *database = sql_name(facts->server.database);
        problem(problems, "user %s may not connect to database %s: run", name, database);
        mend(problems, "GRANT CONNECT ON DATABASE %s TO %s", database, name);
        free(database);
    }
}

/* Names may have any character: write them so that none ends the comment. */
static void comment(struct out *out, const char *text, size_t len)
{
    out_string(out, "-- ");
    for (size_t i = 0; i < len; i++) {
        out_char(out, iscntrl((unsigned char)text[i]) ? ' ' : text[i]);
    }
    out_char(out, '\n');
}

static void comment_line(struct out *out, const char *text)
{
    comment(out, text, strlen(text));
}

static bool said_before(const struct problems *problems, size_t problem, const char *statement)
{
    for (size_t i = 0; i < problem; i++) {
        const struct problem *earlier = &problems->items[i];
        for (size_t k = 0; k < earlier->statement_count; k++) {
            if (!strcmp(earlier->statements[k], statement)) {
                return true;
            }
        }
    }
    return false;
}

static void print_statement(struct out *out, const char *statement, const struct provider *provider)
{
    bool system = !strncmp(statement, "ALTER SYSTEM ", 13);
    if (system && provider->logical) {
        comment_line(out, provider->logical);
        return;
    }
    out_format(out, "%s;\n", statement);
    if (system) {
        comment_line(out, "That takes effect with the next restart of the server.");
    }
}

static void print_problem(struct out *out, const struct problems *problems, size_t i,
                          const struct provider *provider)
{
    const struct problem *p = &problems->items[i];
    out_char(out, '\n');
    if (!p->statement_count) {
        out_string(out, "-- Not mended by SQL that is harmless:\n");
        comment_line(out, p->text);
        return;
    }
    comment(out, p->text, p->what_len);
    for (size_t k = 0; k < p->statement_count; k++) {
        if (!said_before(problems, i, p->statements[k])) {
            print_statement(out, p->statements[k], provider);
        }
    }
}

static void print_head(struct out *out, const struct facts *facts, const struct setup *setup,
                       const struct role *role, bool nothing)
{
    const struct provider *provider = &providers[role->provider];
    int version = facts->server.version;
    char *line =
        mem_format("User \"%s\" %s to capture from database \"%s\" (PostgreSQL %d, %s).",
                   setup->config->user, nothing ? "has all that it needs" : "needs what follows",
                   facts->server.database, version / 10000, provider->title);
    comment_line(out, line);
    free(line);
    if (!nothing) {
        out_format(out, "-- To be run in that database by %s.\n", provider->administrator);
    }
}

static void print(struct out *out, const struct facts *facts, const struct setup *setup,
                  const struct role *role, const struct problems *problems)
{
    print_head(out, facts, setup, role, !problems->count);
    if (!role->exists) {
        comment_line(out,
                     "The role gets its password by psql's \\password, which sends no plain text.");
    }
    for (size_t i = 0; i < problems->count; i++) {
        print_problem(out, problems, i, &providers[role->provider]);
    }
    const struct table_list *left_out = &facts->survey.unidentified;
    if (left_out->count && !setup->catalog) {
        out_string(out, "\n-- Not published, for want of a primary key or REPLICA IDENTITY:\n");
        comment_line(out, left_out->names);
    }
}

bool setup_sql(struct pg *pg, const struct setup *setup, struct out *out, struct err *err)
{
    struct role role;
    struct facts facts = {0};
    struct problems problems = {0};
    bool ok = read_role(pg, setup, &role, err) && read_facts(pg, setup, &role, &facts, err);
    if (ok) {
        char *name = sql_name(setup->config->user);
        find_role(&facts, &role, name, &problems);
        problems_find(&facts, setup->config, setup->catalog, SLOT_MAY_BE_READ, &problems);
        print(out, &facts, setup, &role, &problems);
        free(name);
    }
    problems_free(&problems);
    facts_free(&facts);
    return ok;
}
