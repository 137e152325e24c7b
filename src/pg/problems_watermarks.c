/* What is wrong with the watermarks table, or keeps us from making it. */
#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "problems.h"
#include "problems_table.h"
#include "publication.h"
#include "runner.h"

/* Add the statements that make the watermarks table, for a user who cannot make and publish it
 * himself. */
static void mend_watermarks(const struct facts *facts, const struct config *config,
                            const char *name, const char *user, struct problems *problems)
{
    const struct publication_facts *publication = &facts->publication;
    const struct table_facts *table = facts_watermarks(facts);
    if (table->schema_exists) {
        mend_schema(facts, table, config->watermarks_schema, user, problems);
    }
    if (facts->admin && !facts->admin_becomes) {
        /* else the table would be refused, for whose it is: find_watermarks_foreign */
        char *admin = sql_name(facts->admin);
        mend(problems, "GRANT %s TO %s WITH ADMIN OPTION", user, admin);
        left_to_administrator(problems, facts);
        free(admin);
    }
    if (table->schema_exists) {
        mend_create_in_schema(problems, facts, table, config->watermarks_schema);
    }
    mend(problems, "CREATE TABLE %s (slot TEXT PRIMARY KEY, watermark TEXT)", name);
    mend(problems, "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO %s", name, user);
    if (publication->exists && !publication->all_tables && !publication->owned) {
        char *quoted = sql_name(config->publication);
        mend(problems, "ALTER PUBLICATION %s ADD TABLE ONLY %s", quoted, name);
        left_to_publisher(problems, facts, NULL);
        free(quoted);
    }
}

static void find_watermarks_missing(const struct facts *facts, const struct config *config,
                                    const char *name, struct problems *problems)
{
    const struct table_facts *table = facts_watermarks(facts);
    const struct publication_facts *publication = &facts->publication;
    char *user = sql_name(facts->server.user);
    bool unpublishable = publication->exists ? !publication->all_tables && !publication->owned
                                             : !publication_creatable(facts, config);
    if (!table->schema_exists) {
        char *schema = sql_name(config->watermarks_schema);
        problem(problems, "there is no schema \"%s\" for the watermarks table: run",
                config->watermarks_schema);
        mend_create_in_database(problems, facts);
        mend(problems, "CREATE SCHEMA %s", schema);
        mend(problems, "GRANT ALL ON SCHEMA %s TO %s", schema, user);
        if (unpublishable) {
            mend_watermarks(facts, config, name, user, problems);
        }
        free(schema);
    } else if (!table->schema_usable || !table->schema_writable ||
               (!publication->exists && unpublishable)) {
        problem(problems,
                "there is no watermarks table %s, and user \"%s\" may not create and publish it: "
                "run",
                name, facts->server.user);
        if (unpublishable || publication->all_tables) {
            mend_watermarks(facts, config, name, user, problems);
        } else {
            char *schema = sql_name(config->watermarks_schema);
            mend(problems, "GRANT USAGE, CREATE ON SCHEMA %s TO %s", schema, user);
            left_to_owner(problems, facts, table->schema_owner);
            free(schema);
        }
    } else if (unpublishable) {
        problem(problems,
                "there is no watermarks table %s, and user \"%s\" may not add it to publication "
                "\"%s\": run",
                name, facts->server.user, config->publication);
        mend_watermarks(facts, config, name, user, problems);
    }
    free(user);
}

/*
 * A write to a table runs its triggers, defaults and the like with the writer's rights, here maybe
 * a superuser's. So no other user may control what is run.
 */
static void find_watermarks_foreign(const struct facts *facts, const char *name, const char *option,
                                    struct problems *problems)
{
    const struct watermarks_facts *watermarks = &facts->watermarks;
    char *user = sql_name(facts->server.user);
    if (watermarks->owner) {
        char *owner = sql_name(watermarks->owner);
        char *grant =
            facts->server.superuser
                ? mem_string("")
                : mem_format(", or GRANT %s TO %s, which gives \"%s\" all rights of the user", user,
                             owner, watermarks->owner);
        problem(
            problems,
            "watermarks table %s belongs to \"%s\", who could make it run anything with the "
            "rights of user \"%s\": see that it is what you expect, and run as a superuser ALTER "
            "TABLE %s OWNER TO %s%s, or set %s to another name",
            name, watermarks->owner, facts->server.user, name, user, grant, option);
        free(grant);
        free(owner);
    }
    if (watermarks->trigger_makers) {
        problem(problems,
                "others may make triggers on watermarks table %s, which would run with the rights "
                "of user \"%s\": run",
                name, facts->server.user);
        mend(problems, "REVOKE TRIGGER ON TABLE %s FROM %s CASCADE", name,
             watermarks->trigger_makers);
        left_to_owner(problems, facts, facts_watermarks(facts)->owner);
        char *other = mem_format(", or set %s to another name", option);
        problems_extend(problems, other);
        free(other);
    }
    if (watermarks->code) {
        problem(problems,
                "a write to watermarks table %s may run what others have made with the rights of "
                "user \"%s\": drop %s, or set %s to another name",
                name, facts->server.user, watermarks->code, option);
    }
    free(user);
}

/* The watermarks table exists: can it be used? */
static void find_watermarks_unfit(const struct facts *facts, const struct config *config,
                                  const char *name, struct problems *problems)
{
    const struct table_facts *table = facts_watermarks(facts);
    const struct watermarks_facts *watermarks = &facts->watermarks;
    if (table->kind != 'r' || table->persistence != 'p' || !watermarks->columns) {
        problem(problems,
                "%s cannot be the watermarks table, which is an ordinary logged one with the "
                "columns (slot TEXT PRIMARY KEY, watermark TEXT): set %s to another name",
                name, config_words(config)->watermarks);
        return;
    }
    if (!watermarks->unique || !table->identified) {
        problem(problems, "watermarks table %s has no primary key on slot: run", name);
        mend(problems, "ALTER TABLE %s ADD PRIMARY KEY (slot)", name);
        left_to_owner(problems, facts, table->owner);
    }
    if (!watermarks->writable || !table->schema_usable) {
        char *user = sql_name(facts->server.user);
        problem(problems, "user \"%s\" may not write the watermarks table: run",
                facts->server.user);
        mend_schema(facts, table, config->watermarks_schema, user, problems);
        if (!watermarks->writable) {
            mend(problems, "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO %s", name, user);
            left_to_owner(problems, facts, table->owner);
        }
        free(user);
    }
    if (table->row_security) {
        problem(problems, "row security binds user \"%s\" on the watermarks table: run",
                facts->server.user);
        mend(problems, "ALTER TABLE %s DISABLE ROW LEVEL SECURITY", name);
        left_to_owner(problems, facts, table->owner);
    }
    find_watermarks_foreign(facts, name, config_words(config)->watermarks, problems);
    find_unpublished(facts, table, config, name, problems);
}

void find_watermarks(const struct facts *facts, const struct config *config,
                     struct problems *problems)
{
    char *name = sql_table(config->watermarks_schema, config->watermarks_table);
    if (facts_watermarks(facts)->oid) {
        find_watermarks_unfit(facts, config, name, problems);
    } else {
        find_watermarks_missing(facts, config, name, problems);
    }
    free(name);
}
