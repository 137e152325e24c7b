/* Problems as SQL for psql. Names may be of others: quoted, or in one line of comment. */
#include "setup_print.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

/* Names may have any character: write them so that none ends the comment. */
static void comment_line(struct out *out, const char *text)
{
    out_string(out, "-- ");
    for (; *text; text++) {
        out_char(out, iscntrl((unsigned char)*text) ? ' ' : *text);
    }
    out_char(out, '\n');
}

static bool said_before(const struct problems *problems, size_t problem, const char *statement)
{
    for (size_t i = 0; i < problem; i++) {
        const struct problem *earlier = &problems->items[i];
        for (size_t k = 0; k < earlier->statement_count; k++) {
            if (!strcmp(earlier->statements[k].sql, statement)) {
                return true;
            }
        }
    }
    return false;
}

/* NULL: the administrator. */
static const char *runner_of(const struct facts *facts, const struct role *role,
                             const struct statement *statement)
{
    bool superuser = !strncmp(statement->sql, "ALTER SYSTEM ", 13) ||
                     (!strncmp(statement->sql, "CREATE PUBLICATION ", 19) &&
                      strstr(statement->sql, " FOR ALL TABLES"));
    return superuser && facts->admin && role->provider == POSTGRESQL ? "a superuser"
                                                                     : statement->runner;
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

static void print_what(struct out *out, const struct problem *p, const struct facts *facts,
                       const struct role *role)
{
    size_t left = 0;
    for (size_t k = 0; k < p->statement_count; k++) {
        left += runner_of(facts, role, &p->statements[k]) != NULL;
    }
    char *line = mem_format("%.*s%s", (int)p->what_len, p->text,
                            left == p->statement_count ? ": see below" : "");
    comment_line(out, line);
    free(line);
}

static void print_problem(struct out *out, const struct problems *problems, size_t i,
                          const struct facts *facts, const struct role *role)
{
    const struct problem *p = &problems->items[i];
    out_char(out, '\n');
    if (!p->statement_count) {
        out_string(out, "-- Not mended by SQL that is harmless:\n");
        comment_line(out, p->text);
        return;
    }
    print_what(out, p, facts, role);
    for (size_t k = 0; k < p->statement_count; k++) {
        if (!said_before(problems, i, p->statements[k].sql) &&
            !runner_of(facts, role, &p->statements[k])) {
            print_statement(out, p->statements[k].sql, &providers[role->provider]);
        }
    }
}

/* Append those statements that are left to `runner`, from problem `first` on. */
static void print_left_to(struct out *out, const struct problems *problems, size_t first,
                          const char *runner, const struct facts *facts, const struct role *role)
{
    char *line = mem_format("To be run by %s:", runner);
    out_char(out, '\n');
    comment_line(out, line);
    free(line);
    for (size_t i = first; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        for (size_t k = 0; k < p->statement_count; k++) {
            const char *other = runner_of(facts, role, &p->statements[k]);
            if (other && !strcmp(other, runner) &&
                !said_before(problems, i, p->statements[k].sql)) {
                line = mem_format("  %s;", p->statements[k].sql);
                comment_line(out, line);
                free(line);
            }
        }
    }
}

/* What others have to run, in comments: each of them once. */
static void print_left(struct out *out, const struct problems *problems, const struct facts *facts,
                       const struct role *role)
{
    const char **runners = NULL;
    size_t count = 0, cap = 0;
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        for (size_t k = 0; k < p->statement_count; k++) {
            const char *runner = runner_of(facts, role, &p->statements[k]);
            size_t n = 0;
            while (runner && n < count && strcmp(runners[n], runner) != 0) {
                n++;
            }
            if (runner && n == count) {
                runners = mem_grow_array(runners, &cap, count + 1, sizeof *runners);
                runners[count++] = runner;
                print_left_to(out, problems, i, runner, facts, role);
            }
        }
    }
    free(runners);
}

static size_t count_left(const struct problems *problems, const struct facts *facts,
                         const struct role *role)
{
    size_t left = 0;
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        for (size_t k = 0; k < p->statement_count; k++) {
            left += runner_of(facts, role, &p->statements[k]) &&
                    !said_before(problems, i, p->statements[k].sql);
        }
    }
    return left;
}

static void print_head(struct out *out, const struct facts *facts, const struct setup *setup,
                       const struct role *role, const struct problems *problems)
{
    bool nothing = !problems->count;
    size_t left = count_left(problems, facts, role);
    const struct provider *provider = &providers[role->provider];
    int version = facts->server.version;
    char *line =
        mem_format("User \"%s\" %s to capture from database \"%s\" (PostgreSQL %d, %s).",
                   setup->config->user, nothing ? "has all that it needs" : "needs what follows",
                   facts->server.database, version / 10000, provider->title);
    comment_line(out, line);
    free(line);
    if (!nothing) {
        line = facts->admin
                   ? mem_format("To be run in that database by user \"%s\".", facts->admin)
                   : mem_format("To be run in that database by %s.", provider->administrator);
        comment_line(out, line);
        free(line);
    }
    if (left) {
        line = mem_format("First, others have to run what is in comments at the end: %zu "
                          "statement%s.",
                          left, left == 1 ? "" : "s");
        comment_line(out, line);
        free(line);
    }
}

void setup_print(struct out *out, const struct facts *facts, const struct setup *setup,
                 const struct role *role, const struct problems *problems)
{
    print_head(out, facts, setup, role, problems);
    if (!role->exists) {
        comment_line(out,
                     "The role gets its password by psql's \\password, which sends no plain text.");
    }
    for (size_t i = 0; i < problems->count; i++) {
        print_problem(out, problems, i, facts, role);
    }
    print_left(out, problems, facts, role);
    const struct table_list *left_out = &facts->survey.left_out;
    if (left_out->count && !setup->catalog) {
        out_string(out, "\n-- Left out, for want of a primary key or REPLICA IDENTITY, maybe of a "
                        "partition:\n");
        comment_line(out, left_out->names);
        comment_line(out, "To capture one, run ALTER TABLE ... REPLICA IDENTITY FULL, then "
                          "setup-sql again.");
    }
}
