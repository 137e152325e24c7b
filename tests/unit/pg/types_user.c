/* Remembered types, with a fake server that still has one of them. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "fake_server.h"
#include "pg/types.h"

static char directory[] = "/tmp/source-postgres-types-XXXXXX";
static char user[] = "u", sslmode[] = "disable";
static int listener;

/* A range here; in the catalogs a composite. */
enum { ENUM = 16390, ARRAY = 16389, DOMAIN = 16391, ARRAYS = 16393, LIVE = 16392, UNKNOWN = 16400 };

static char schema[] = "s", mood[] = "mood", moods[] = "_mood", span[] = "span";
static struct user_type items[] = {
    {ENUM, 'e', ',', -1, 0, schema, mood},        {ARRAY, 'a', ';', -1, ENUM, schema, moods},
    {DOMAIN, 'd', ',', 655366, 1700, NULL, NULL}, {ARRAYS, 'd', ',', -1, ARRAY, NULL, NULL},
    {LIVE, 'r', ',', -1, OID_INT4, schema, span},
};
static const struct user_types remembered = {items, sizeof items / sizeof *items};

static void *serve(void *unused)
{
    static const char *const live[] = {"16392", "s", "pair", "c", NULL, "-1", ","};
    struct out out;
    int fd = accept(listener, NULL, NULL);
    fake_let_in(fd, NULL);
    fake_hear(fd);
    out_init(&out, 4096);
    out_bytes(&out, "1\0\0\0\4", 5);
    out_bytes(&out, "2\0\0\0\4", 5);
    fake_columns(&out, 7);
    fake_row(&out, 7, live);
    fake_end(&out);
    fake_send(fd, &out);
    out_free(&out);
    char end;
    if (read(fd, &end, 1) > 0) {
        close(fd);
    }
    return unused;
}

/* Have the columns' types asked for. */
static void resolve_all(struct types *types, struct relation *relation)
{
    struct config config = {
        .host = directory, .port = 5432, .user = user, .database = user, .sslmode = sslmode};
    struct err err;
    pthread_t thread;
    cr_assert(mkdtemp(directory));
    listener = fake_listen(directory);
    cr_assert(!pthread_create(&thread, NULL, serve, NULL));
    struct pg *pg = pg_open(&config, PG_SQL, "test", -1, &err);
    cr_assert(pg, "%s", err.message);
    cr_assert(types_resolve(types, pg, relation, &err), "%s", err.message);
    pg_close(&pg);
    pthread_join(thread, NULL);
    close(listener);
    unlink(fake_address(directory).sun_path);
    rmdir(directory);
}

Test(types_user, a_type_that_is_gone_is_as_remembered_and_listed_again)
{
    static const uint32_t oids[] = {ARRAYS, DOMAIN, ENUM, LIVE, UNKNOWN, OID_INT4};
    struct user_types listed = {0};
    struct types *types = types_new();
    struct relation *relation = relation_new(6);
    for (int i = 0; i < 6; i++) {
        relation->columns[i].type_oid = oids[i];
    }
    types_remember(types, &remembered);
    resolve_all(types, relation);

    const struct type *arrays = relation->columns[0].type;
    cr_expect_eq(arrays->oid, ARRAY);
    cr_expect_eq(arrays->class, TYPE_ARRAY);
    cr_expect_eq(arrays->delimiter, ';');
    cr_expect_str_eq(arrays->name, "_mood");
    cr_expect_eq(arrays->element->class, TYPE_ENUM);
    cr_expect_str_eq(arrays->element->schema, "s");
    cr_expect_eq(relation->columns[1].type->oid, OID_NUMERIC);
    cr_expect_eq(types_modifier(types, DOMAIN, -1), 655366);
    cr_expect_eq(types_modifier(types, ENUM, -1), -1);
    cr_expect_eq(relation->columns[3].type->class, TYPE_COMPOSITE, "the catalogs win");
    cr_expect_str_eq(relation->columns[3].type->name, "pair");
    cr_expect_eq(relation->columns[4].type->oid, OID_TEXT);

    types_list_user(types, relation, &listed);
    static const uint32_t expected[] = {ENUM, ARRAY, ARRAYS, DOMAIN, LIVE};
    cr_assert_eq(listed.count, 5);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(listed.items[i].oid, expected[i]);
    }
    for (int i = 0; i < 4; i++) {
        const struct user_type *was = user_types_find(&remembered, listed.items[i].oid);
        cr_expect(listed.items[i].kind == was->kind && listed.items[i].inner == was->inner &&
                  listed.items[i].delimiter == was->delimiter &&
                  listed.items[i].typmod == was->typmod);
    }
    cr_expect_eq(listed.items[4].kind, 'c');
    user_types_clear(&listed);
    relation_free(&relation);
    types_free(&types);
}
