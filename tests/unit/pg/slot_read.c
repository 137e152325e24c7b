/* Which queries are sent to the slot's server, and how often. */
#include "pg/slot.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "fake_server.h"

static char directory[] = "/tmp/source-postgres-slot-XXXXXX";
static char user[] = "u", database[] = "d", sslmode[] = "disable";
static struct config config = {
    .host = directory, .port = 5432, .user = user, .database = database, .sslmode = sslmode};
static int listener, server;
static int questions, identifiers; /* asked of the server */

static void answer(struct out *out, bool identifier)
{
    static const char *const slot[] = {"t",    "t",    "f", "pgoutput", "d",        "77",   "0/10",
                                       "0/20", "0/30", "t", "99",       "reserved", "4096", NULL,
                                       "f",    "t",    "f", "5",        "6"};
    static const char denied[] = "E\0\0\0\x1f"
                                 "SERROR\0C42501\0Mno control\0";
    out_bytes(out,
              "1\0\0\0\4"
              "2\0\0\0\4",
              10);
    if (identifier) {
        out_bytes(out, denied, sizeof denied);
        out_bytes(out, "Z\0\0\0\5I", 6);
    } else {
        fake_columns(out, sizeof slot / sizeof *slot);
        fake_row(out, sizeof slot / sizeof *slot, slot);
        fake_end(out);
    }
}

static void *serve(void *unused)
{
    char question[8192];
    struct out out;
    out_init(&out, 4096);
    server = accept(listener, NULL, NULL);
    fake_let_in(server, NULL);
    for (ssize_t len; (len = read(server, question, sizeof question)) > 0 && *question != 'X';) {
        bool identifier = memmem(question, (size_t)len, "pg_control_system", 17) != NULL;
        questions++;
        identifiers += identifier;
        out.len = 0;
        answer(&out, identifier);
        fake_send(server, &out);
    }
    out_free(&out);
    return unused;
}

Test(slot_read, asks_which_server_it_is_once_a_connection)
{
    pthread_t thread;
    struct slot slot;
    struct err err = {0};
    cr_assert(mkdtemp(directory));
    listener = fake_listen(directory);
    cr_assert(!pthread_create(&thread, NULL, serve, NULL));
    struct pg *pg = pg_open(&config, PG_SQL, "test", -1, &err);
    cr_assert(pg, "%s", err.message);
    for (int i = 0; i < 3; i++) {
        cr_assert(slot_read(pg, "s", &slot, &err), "%s", err.message);
        cr_expect_str_eq(slot.system_identifier, "");
        cr_expect(slot.in_recovery && slot.exists && slot.logical && slot.failover);
        cr_expect_not(slot.temporary || slot.two_phase || slot.synced || slot.invalidation);
        cr_expect_str_eq(slot.plugin, "pgoutput");
        cr_expect_eq(slot.active_pid, 77);
        cr_expect_eq(slot.restart_lsn, 0x10);
        cr_expect_eq(slot.confirmed_flush, 0x20);
        cr_expect_eq(slot.wal_end, 0x30);
        cr_expect_eq(slot.catalog_age, 99);
        cr_expect_eq(slot.safe_wal_size, 4096);
        cr_expect_eq(slot.idle_s, 5);
        cr_expect_eq(slot.idle_timeout_s, 6);
        slot_clear(&slot);
    }
    pg_close(&pg);
    pthread_join(thread, NULL);
    cr_expect_eq(identifiers, 1);
    cr_expect_eq(questions, 4);
    struct sockaddr_un at = fake_address(directory);
    close(server);
    close(listener);
    unlink(at.sun_path);
    rmdir(directory);
}
