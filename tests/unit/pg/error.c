/* Messages about a server's failures, and who can fix them. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_server.h"
#include "internal.h"

static char directory[] = "/tmp/source-postgres-error-XXXXXX";
static char user[] = "u", database[] = "d", sslmode[] = "disable", name[] = "p";
static struct config config = {.host = directory,
                               .port = 5432,
                               .user = user,
                               .database = database,
                               .sslmode = sslmode,
                               .publication = name,
                               .slot = name,
                               .watermarks_schema = name,
                               .watermarks_table = name};
static const char *version;
static int listener, server;
static struct pg *pg;
static struct err err;

static void *let_in(void *unused)
{
    server = accept(listener, NULL, NULL);
    fake_let_in_as(server, version, NULL);
    return unused;
}

static void connect_to(const char *server_version, enum pg_kind kind)
{
    pthread_t thread;
    version = server_version;
    cr_assert(mkdtemp(directory));
    listener = fake_listen(directory);
    cr_assert(!pthread_create(&thread, NULL, let_in, NULL));
    pg = pg_open(&config, kind, "test", -1, &err);
    pthread_join(thread, NULL);
    cr_assert(pg, "%s", err.message);
}

static void tear_down(void)
{
    struct sockaddr_un at = fake_address(directory);
    pg_close(&pg);
    close(server);
    close(listener);
    unlink(at.sun_path);
    rmdir(directory);
}

TestSuite(error, .fini = tear_down);

static void fail(const char *sqlstate, const char *message)
{
    struct server_words words = {sqlstate, message, "", "", "", ""};
    cr_expect_not(pg_fail_words(pg, &words, &err));
}

static bool says(const char *words)
{
    return strstr(err.message, words) != NULL;
}

static const char TOO_LARGE[] = "invalid memory alloc request size 1073741824";

Test(error, a_version_that_ends_replication_for_good_is_named_with_the_one_that_does_not)
{
    connect_to("15.13", PG_REPLICATION);
    fail("XX000", TOO_LARGE);
    cr_expect_eq(err.kind, ERR_SYSTEM, "trying again does not help");
    cr_expect(says("15.14") && says("update the server"), "%s", err.message);
}

Test(error, another_connection_of_that_version_has_read_a_large_value)
{
    connect_to("15.13", PG_SQL);
    fail("XX000", TOO_LARGE);
    cr_expect(says("1 GB") && !says("15.14"), "%s", err.message);
    cr_expect_eq(err.remedy, REMEDY_NONE);
}

Test(error, replication_of_another_version_has_read_a_large_value)
{
    connect_to("15.14", PG_REPLICATION);
    fail("XX000", TOO_LARGE);
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_eq(err.remedy, REMEDY_BEGIN_AGAIN, "the change stays in the WAL");
    cr_expect(says("1 GB") && !says("update the server"), "%s", err.message);
}

Test(error, a_version_before_the_mended_one_forgets_what_was_published)
{
    static const struct {
        const char *version;
        bool forgets;
    } servers[] = {{"12.22", true},  {"13.20", true}, {"13.21", false}, {"15.12", true},
                   {"15.13", false}, {"16.8", true},  {"16.9", false}};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        if (pg) {
            tear_down();
            strcpy(directory, "/tmp/source-postgres-error-XXXXXX");
        }
        connect_to(servers[i].version, PG_SQL);
        cr_expect_eq(pg_forgets_published(pg), servers[i].forgets, "%s", servers[i].version);
    }
}

Test(error, a_transient_failure_is_tried_again)
{
    static const char *const passes[] = {"25006", "25P04", "53300", "57P01",
                                         "08006", "40001", "55P03", "58030"};
    connect_to("15.14", PG_SQL);
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        fail(passes[i], "words in any language");
        cr_expect_eq(err.kind, ERR_TRANSIENT, "%s", passes[i]);
        cr_expect_str_eq(err.sqlstate, passes[i]);
    }
    fail("42501", "words in any language");
    cr_expect_eq(err.kind, ERR_CONFIG);
}

Test(error, what_a_server_in_recovery_cannot_do_is_tried_again)
{
    connect_to("15.14", PG_SQL);
    fail("55000", "recovery is in progress");
    cr_expect_eq(err.kind, ERR_CONFIG);
    pg->in_recovery = true;
    fail("55000", "recovery is in progress");
    cr_expect_eq(err.kind, ERR_TRANSIENT);
    fail("0A000", "recovery is in progress");
    cr_expect_eq(err.kind, ERR_TRANSIENT);
}

Test(error, the_detail_ends_with_its_last_word)
{
    connect_to("15.14", PG_SQL);
    fail("42501", "permission denied for table t");
    cr_expect_str_eq(err.detail, "SQLSTATE 42501");
    struct server_words words = {"42501", "permission denied", "", "", "SQL function \"f\"", ""};
    pg_fail_words(pg, &words, &err);
    cr_expect_str_eq(err.detail, "SQLSTATE 42501 SQL function \"f\"");
}
