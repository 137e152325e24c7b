/*
 * What became of the tables that store the rows: the table itself, or its leaf partitions.
 *
 * Three questions are put to their rows, each answered by the first row that is found:
 *
 * - A partition that came: has it a row that was there before it was attached? One that was created
 *   as a partition, or attached empty, has none.
 * - A partition that went, and is still there by itself: has it rows?
 * - A file that is new: does it hold a row from before the terms were read last? VACUUM FULL and
 *   CLUSTER keep all rows as they were; TRUNCATE, and an ALTER TABLE that rewrites them, none.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "judge.h"
#include "rows.h"

/* Schema and name, quoted; NULL without an error: there is no such table. */
static bool find_table(struct pg *pg, uint32_t oid, char **name, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.quote_ident(n.nspname)||'.'||pg_catalog.quote_ident(c.relname)"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace"
        " WHERE c.oid=$1::oid";
    char *text = mem_format("%" PRIu32, oid);
    struct pg_rows *rows = pg_query(pg, sql, 1, (const char *const[]){text}, err);
    *name = rows && pg_rows_count(rows) ? rows_copy(rows, 0, 0) : NULL;
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    free(text);
    return ok;
}

/* Whether the table has a row of which the condition holds. */
static bool find_row(struct pg *pg, const char *name, const char *condition, bool *found,
                     struct err *err)
{
    char *sql = mem_format("SELECT EXISTS (SELECT FROM ONLY %s AS r WHERE %s)", name, condition);
    struct pg_rows *rows = pg_query(pg, sql, 0, NULL, err);
    *found = rows && rows_bool(rows, 0, 0);
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    free(sql);
    return ok;
}

/* Of those that attached it, or one of those above it, the newest. */
static char *attached_by(const struct leaf *leaf)
{
    struct out out;
    out_init(&out, 128);
    out_string(&out, "(SELECT x FROM unnest('{");
    for (uint32_t i = 0; i < leaf->how_len; i++) {
        if (leaf->how[i] == '.') {
            out_char(&out, ',');
        } else {
            out_char(&out, leaf->how[i]);
        }
    }
    out_string(&out, "}'::xid[]) x ORDER BY pg_catalog.age(x) LIMIT 1)");
    char *text = mem_string(out_text(&out));
    out_free(&out);
    return text;
}

/* Rows that its own transaction put in behind the attachment do not count. */
static bool judge_new(struct pg *pg, const struct leaf *leaf, struct terms_verdict *verdict,
                      struct err *err)
{
    bool found = false;
    char *name;
    if (!find_table(pg, leaf->oid, &name, err)) {
        return false;
    }
    if (!name) {
        return true; /* gone again: the next look will tell */
    }
    if (*leaf->file == 'f') {
        judge(verdict, TERMS_UNTRACKED,
              "got the foreign table %s as a partition, whose changes are not replicated", name);
        free(name);
        return true;
    }
    char *by = attached_by(leaf);
    char *condition = mem_format(
        "pg_catalog.age(r.xmin)>pg_catalog.age(%s) OR (r.xmin=%s AND r.cmin::text::bigint<"
        "(SELECT h.cmin::text::bigint FROM pg_catalog.pg_inherits h WHERE h.inhrelid=%" PRIu32
        " LIMIT 1))",
        by, by, leaf->oid);
    bool ok = find_row(pg, name, condition, &found, err);
    if (ok && found) {
        judge(verdict, TERMS_UNTRACKED, "got the partition %s, which already had rows", name);
    } else {
        judge(verdict, TERMS_SHAPE, "got the new partition %s", name);
    }
    free(condition);
    free(by);
    free(name);
    return ok;
}

static bool judge_gone(struct pg *pg, const struct leaf *leaf, struct terms_verdict *verdict,
                       struct err *err)
{
    bool found = false;
    char *name;
    if (!find_table(pg, leaf->oid, &name, err)) {
        return false;
    }
    bool ok = !name || *leaf->file == 'f' || find_row(pg, name, "true", &found, err);
    if (ok && found) {
        judge(verdict, TERMS_UNTRACKED,
              "has lost the partition %s, which was detached with its rows", name);
    } else {
        judge(verdict, TERMS_SHAPE,
              "has lost a partition, which was dropped, or had no rows when it was detached: no "
              "deletes are written for what it held");
        verdict->loses_rows = true;
    }
    free(name);
    return ok;
}

/* Whether the columns differ at most in how large their integers may be. */
static bool same_values(const struct terms *was, const struct terms *now)
{
    const char *a = was->text[TERM_COLUMNS], *b = now->text[TERM_COLUMNS];
    return a && b && strcmp(a, b) != 0 && strchr(a, '.') && strchr(b, '.') &&
           !strcmp(strchr(a, '.'), strchr(b, '.'));
}

/* The age of a row tells whether it was there, as long as no id has come round meanwhile. */
static bool judge_file(struct pg *pg, const struct leaf *leaf, const struct terms *was,
                       const struct terms *now, struct terms_verdict *verdict, struct err *err)
{
    bool found = false, ok = true;
    char *name;
    bool provable = was->horizon && now->horizon - was->horizon < INT32_MAX;
    if (same_values(was, now)) {
        judge(verdict, TERMS_SHAPE, "has larger or smaller integers");
        return true;
    }
    if (!find_table(pg, leaf->oid, &name, err)) {
        return false;
    }
    if (name && provable) {
        char *condition = mem_format("pg_catalog.age(r.xmin)>pg_catalog.age('%" PRIu32 "'::xid)",
                                     (uint32_t)was->horizon);
        ok = find_row(pg, name, condition, &found, err);
        free(condition);
    }
    if (found) {
        judge(verdict, TERMS_SHAPE, "was rewritten with all its rows");
    } else {
        judge(verdict, TERMS_EMPTIED,
              "was emptied or rewritten (by TRUNCATE, or an ALTER TABLE that changes its rows), "
              "which "
              "is not sent%s%s",
              strlen(leaf->how) && *leaf->how != '-' ? ", at its partition " : "",
              *leaf->how != '-' && name ? name : "");
    }
    free(name);
    return ok;
}

static bool judge_present(struct pg *pg, const struct leaf *leaf, const struct terms *was,
                          const struct terms *now, enum terms_use use,
                          struct terms_verdict *verdict, struct err *err)
{
    struct leaf before;
    if (!leaf_find(was->text[TERM_LEAVES], leaf->oid, &before) || before.how_len != leaf->how_len ||
        memcmp(before.how, leaf->how, leaf->how_len) != 0) {
        return judge_new(pg, leaf, verdict, err);
    }
    if (before.file_len == leaf->file_len && !memcmp(before.file, leaf->file, leaf->file_len)) {
        return true;
    }
    if (use == TERMS_BY_CTID) {
        judge(verdict, TERMS_OTHER,
              "was rewritten during its backfill (by VACUUM FULL, CLUSTER, TRUNCATE or ALTER "
              "TABLE), in which its rows are read as they are stored");
        return true;
    }
    return judge_file(pg, leaf, was, now, verdict, err);
}

bool judge_leaves(struct pg *pg, const struct terms *was, const struct terms *now,
                  enum terms_use use, struct terms_verdict *verdict, struct err *err)
{
    struct leaf leaf, found;
    if (!was->text[TERM_LEAVES] || !now->text[TERM_LEAVES]) {
        return true;
    }
    for (const char *p = now->text[TERM_LEAVES]; leaf_next(&p, &leaf);) {
        if (!judge_present(pg, &leaf, was, now, use, verdict, err)) {
            return false;
        }
    }
    for (const char *p = was->text[TERM_LEAVES]; leaf_next(&p, &leaf);) {
        if (!leaf_find(now->text[TERM_LEAVES], leaf.oid, &found) &&
            !judge_gone(pg, &leaf, verdict, err)) {
            return false;
        }
    }
    return true;
}
