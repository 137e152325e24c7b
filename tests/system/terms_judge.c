/*
 * What terms_look and terms_judge say of one table, for test_terms.py.
 *
 *   terms_judge CONFIG SCHEMA TABLE [KEY ...]
 *
 * reads a line at a time: "look" reads the terms and remembers them, "judge by_key", "judge
 * by_ctid" and "judge active" judge what has happened to the table since then. The answer is lines
 * of name, tab, text, and an empty line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "pg/terms.h"

struct probe {
    struct config *config;
    struct catalog_stream stream;
    struct catalog catalog;
    char *const *key;
    struct pg *pg;
    struct terms was;
};

static void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static struct config *read_config(const char *path)
{
    static char text[65536];
    struct out notices;
    struct err err = {0};
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    out_init(&notices, 256);
    struct config *config = config_parse(text, len, &notices, &err);
    out_free(&notices);
    if (!config) {
        fail(&err);
    }
    return config;
}

static struct terms look(struct probe *p)
{
    struct terms now = {0};
    struct err err = {0};
    uint64_t lsn;
    if (!terms_look(p->pg, p->config, &p->catalog, &p->key, &now, &lsn, &err)) {
        fail(&err);
    }
    return now;
}

static void answer_look(struct probe *p)
{
    terms_clear(&p->was);
    p->was = look(p);
    for (int i = 0; i < TERMS; i++) {
        if (p->was.text[i]) {
            printf("%s\t%s\n", term_name(i), p->was.text[i]);
        }
    }
    printf("horizon\t%" PRIu64 "\n", p->was.horizon);
}

static void answer_judge(struct probe *p, enum terms_use use)
{
    static const char *const names[] = {
        [TERMS_SAME] = "same",           [TERMS_SHAPE] = "shape", [TERMS_EMPTIED] = "emptied",
        [TERMS_UNTRACKED] = "untracked", [TERMS_OTHER] = "other", [TERMS_AWAY] = "away",
    };
    struct terms_verdict verdict;
    struct err err = {0};
    struct terms now = look(p);
    if (!terms_judge(p->pg, &p->was, &now, use, 0, &verdict, &err)) {
        fail(&err);
    }
    printf("change\t%s\ntold\t%s\nwhy\t%s\n", names[verdict.change], verdict.told ? "told" : "",
           verdict.why);
    terms_clear(&now);
}

static void answer(struct probe *p, const char *line)
{
    if (!strcmp(line, "look\n")) {
        answer_look(p);
    } else {
        answer_judge(p, strstr(line, "by_key")    ? TERMS_BY_KEY
                        : strstr(line, "by_ctid") ? TERMS_BY_CTID
                                                  : TERMS_ACTIVE);
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[64];
    struct err err = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: terms_judge CONFIG SCHEMA TABLE [KEY ...]\n");
        return 2;
    }
    struct probe p = {.config = read_config(argv[1]),
                      .stream = {.schema = argv[2], .table = argv[3]},
                      .key = argc > 4 ? argv + 4 : NULL};
    p.catalog = (struct catalog){.streams = &p.stream, .count = 1};
    p.pg = pg_open(p.config, PG_SQL, "terms_judge", -1, &err);
    if (!p.pg) {
        fail(&err);
    }
    while (fgets(line, sizeof line, stdin)) {
        answer(&p, line);
    }
    terms_clear(&p.was);
    pg_close(&p.pg);
    config_free(&p.config);
    return 0;
}
