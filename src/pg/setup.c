/* What a role lacks on a server, as SQL. problems.c judges most of it, setup_print.c prints it. */
#include "pg/setup.h"

#include <stdlib.h>
#include <string.h>

#include "catalogs.h"
#include "problems.h"
#include "rows.h"
#include "runner.h"
#include "setup_print.h"
#include "setup_tables.h"

/* In that order, as are the numbers in role_sql. */
const char *const setup_providers[] = {"postgresql", "rds",      "cloudsql", "alloydb",
                                       "azure",      "supabase", "neon",     NULL};

/* One row: `o` is the session's user, `u` the configured one, if it exists. */
static const char role_sql[] =
    "SELECT o.rolname = $1,"
    " u.oid IS NOT NULL,"
    " u.rolcanlogin,"
    " has_database_privilege(coalesce(u.rolname, 'public'), d.oid, 'CONNECT'),"
    " (SELECT min(p.n) FROM pg_roles g JOIN (VALUES ('rds_superuser', 1), ('alloydbsuperuser', 3),"
    "  ('cloudsqlsuperuser', 2), ('azure_pg_admin', 4), ('supabase_admin', 5),"
    "  ('neon_superuser', 6)) p(name, n) ON p.name = g.rolname),"
    " o.rolname,"
    " o.rolsuper,"
    " u.oid IS NOT NULL AND %s,"
    " CASE WHEN NOT has_database_privilege(d.oid, 'CONNECT WITH GRANT OPTION')"
    "  THEN pg_get_userbyid(d.datdba) END,"
    " o.rolcreaterole,"
    " o.rolreplication "
    "FROM pg_roles o JOIN pg_database d ON d.datname = current_database()"
    " LEFT JOIN pg_roles u ON u.rolname = $1 WHERE o.rolname = current_user";

enum {
    ROLE_OURS,
    ROLE_EXISTS,
    ROLE_LOGS_IN,
    ROLE_CONNECTS,
    ROLE_PROVIDER,
    ROLE_ADMIN,
    ROLE_SUPERUSER,
    ROLE_BECOMES,
    ROLE_DATABASE_OWNER,
    ROLE_CREATES,
    ROLE_REPLICATES,
};

/* Likewise. Where the administrator may not CREATE in the database, or may not ALTER it. */
static const char database_sql[] =
    "SELECT CASE WHEN NOT has_database_privilege(d.oid, 'CREATE') THEN o.name END,"
    " CASE WHEN NOT pg_has_role(d.datdba, 'USAGE') THEN o.name END "
    "FROM pg_database d CROSS JOIN LATERAL (SELECT pg_get_userbyid(d.datdba)) o(name)"
    " WHERE d.datname = current_database()";

enum { DATABASE_CREATOR, DATABASE_OWNER };

static bool read_role(struct pg *pg, const struct setup *setup, struct role *role, struct err *err)
{
    const char *params[] = {setup->config->user};
    char *sql = mem_format(role_sql, becomes_sql(pg_server_version(pg)));
    struct pg_rows *rows = pg_query(pg, sql, 1, params, err);
    free(sql);
    if (!rows) {
        return false;
    }
    *role = (struct role){
        .ours = rows_bool(rows, 0, ROLE_OURS),
        .exists = rows_bool(rows, 0, ROLE_EXISTS),
        .logs_in = rows_bool(rows, 0, ROLE_LOGS_IN),
        .connects = rows_bool(rows, 0, ROLE_CONNECTS),
        .provider = rows_int(rows, 0, ROLE_PROVIDER),
        .admin = rows_copy(rows, 0, ROLE_ADMIN),
        .superuser = rows_bool(rows, 0, ROLE_SUPERUSER),
        .becomes = rows_bool(rows, 0, ROLE_BECOMES),
        .database_owner = rows_copy(rows, 0, ROLE_DATABASE_OWNER),
    };
    for (int i = 0; setup->provider && setup_providers[i]; i++) {
        role->provider = !strcmp(setup->provider, setup_providers[i]) ? i : role->provider;
    }
    /* A service lets its administrators make roles that replicate. */
    role->creates = rows_bool(rows, 0, ROLE_CREATES) &&
                    (role->provider != POSTGRESQL ||
                     (pg_server_version(pg) >= 160000 && rows_bool(rows, 0, ROLE_REPLICATES)));
    role->becomes = role->exists ? role->becomes : role->creates;
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
        table->schema_usable = table->schema_open;
        table->row_security = table->secured;
        table->schema_writable = table->owned = table->readable = false;
    }
}

static bool read_admin(struct pg *pg, const struct role *role, struct facts *facts, struct err *err)
{
    struct pg_rows *rows = pg_query(pg, database_sql, 0, NULL, err);
    if (rows) {
        facts->admin = mem_string(role->admin);
        facts->admin_becomes = role->becomes;
        facts->database_creator = rows_copy(rows, 0, DATABASE_CREATOR);
        facts->database_owner = rows_copy(rows, 0, DATABASE_OWNER);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

static bool read_facts(struct pg *pg, const struct setup *setup, const struct catalog *catalog,
                       const struct role *role, struct facts *facts, struct err *err)
{
    const char *user = role->exists ? setup->config->user : role->admin;
    bool ok = facts_read_all(pg, setup->config, catalog, user, facts, err);
    if (ok && !role->exists) {
        strip_rights(facts, setup->config);
    }
    return ok && (role->ours || role->superuser || read_admin(pg, role, facts, err));
}

/* Who has the rights of a role may change it at a service. */
static bool may_alter(const struct facts *facts, const struct role *role)
{
    return role->provider != POSTGRESQL && facts->admin_becomes;
}

/* The role is there, and lacks attributes. */
static void find_attributes(const struct facts *facts, const struct role *role, const char *name,
                            struct problems *problems)
{
    if (!role->logs_in) {
        problem(problems, "role %s may not log in: run", name);
        mend(problems, "ALTER ROLE %s LOGIN", name);
        if (!may_alter(facts, role)) {
            left_to_administrator(problems, facts);
        }
    }
    if (!facts->server.replicates) {
        problem(problems, "user %s may not replicate: run", name);
        if (role->provider == RDS) {
            mend(problems, "GRANT rds_replication TO %s", name);
        } else {
            mend(problems, "ALTER ROLE %s REPLICATION", name);
            if (!may_alter(facts, role)) {
                left_to_replicator(problems, facts);
            }
        }
    }
}

static void find_role(const struct facts *facts, const struct role *role, const char *name,
                      struct problems *problems)
{
    bool rds = role->provider == RDS;
    if (!role->exists) {
        problem(problems, "there is no role %s: run", name);
        mend(problems, "CREATE ROLE %s LOGIN%s", name, rds ? "" : " REPLICATION");
        if (!role->creates) {
            left_to(problems, facts,
                    role->provider == POSTGRESQL
                        ? "a superuser, or from PostgreSQL 16 on by a role with CREATEROLE and "
                          "REPLICATION"
                        : "a role with CREATEROLE");
        }
        if (rds) {
            mend(problems, "GRANT rds_replication TO %s", name);
        }
    } else {
        find_attributes(facts, role, name, problems);
    }
    if (!role->connects) {
        char *database = sql_name(facts->server.database);
        problem(problems, "user %s may not connect to database %s: run", name, database);
        mend(problems, "GRANT CONNECT ON DATABASE %s TO %s", database, name);
        left_to_owner(problems, facts, role->database_owner);
        free(database);
    }
}

static bool write(struct pg *pg, const struct setup *setup, const struct catalog *catalog,
                  const struct role *role, struct out *out, struct err *err)
{
    struct facts facts = {0};
    struct problems problems = {0};
    bool ok = read_facts(pg, setup, catalog, role, &facts, err);
    if (ok) {
        char *name = sql_name(setup->config->user);
        find_role(&facts, role, name, &problems);
        problems_find(&facts, setup->config, catalog, SLOT_MAY_BE_READ, &problems);
        if (!setup->catalog) {
            find_unknown_schemas(&facts, &problems);
        }
        setup_print(out, &facts, setup, role, &problems);
        free(name);
    }
    problems_free(&problems);
    facts_free(&facts);
    return ok;
}

/* Without a catalog, for each table that discover would show and that can be published. */
bool setup_sql(struct pg *pg, const struct setup *setup, struct out *out, struct err *err)
{
    struct role role = {0};
    struct catalog *tables = NULL;
    bool ok = read_role(pg, setup, &role, err);
    if (ok && !setup->catalog) {
        tables = setup_tables(pg, setup->config, err);
        ok = tables != NULL;
    }
    ok = ok && write(pg, setup, tables ? tables : setup->catalog, &role, out, err);
    catalog_free(&tables);
    free(role.admin);
    free(role.database_owner);
    return ok;
}
