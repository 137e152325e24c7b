/*
 * What happened to the tables that store the rows: the table itself, or its leaf partitions.
 *
 * Their rows are queried. The first row that is found answers yes; no is known only when all rows
 * were read, and other questions wait for that:
 *
 * - A partition that was attached: has it a row that was there before?
 * - A partition that went, and is still there by itself: has it rows? Also one that came and went
 *   since the terms were read last, of which the stream sent a change.
 * - A file that is new: does it hold a row from before the terms were read last? VACUUM FULL and
 *   CLUSTER keep all rows as they were; TRUNCATE, and an ALTER TABLE that rewrites them, none.
 *   Or one that was written when an integer became larger or smaller, or a generated column came?
 */
#include <stdlib.h>
#include <string.h>

#include "leaf_rows.h"
#include "terms_judge.h"

/* A question about a partition, and its verdict. */
struct asked {
    struct pg *pg;
    uint32_t root;
    enum terms_use use;
    uint32_t truncated;
    const struct terms *was, *now;
    struct terms_verdict *verdict;
};

/* The next reason, if the capture continues, is logged in any case. */
static void tell(struct terms_verdict *verdict)
{
    if (verdict->change == TERMS_SHAPE && !verdict->told) {
        verdict->change = TERMS_SAME;
    }
    verdict->told = true;
}

static void judge_lost(struct terms_verdict *verdict, const char *what, const char *name)
{
    tell(verdict);
    judge(verdict, TERMS_SHAPE, "%s%s: no deletes are written for what it held", what, name);
}

/* Takes the condition. */
static bool some_row(struct asked *q, const struct leaf_rows *rows, char *condition, bool *found,
                     struct err *err)
{
    bool ok = leaf_rows_exist(q->pg, rows, condition, found, err);
    free(condition);
    return ok;
}

/* Whether it had a row before it was attached. *found is true as well if that cannot be known. */
static bool came_with_rows(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                           bool *found, struct err *err)
{
    char *condition;
    if (!leaf_rows_before(q->pg, q->root, leaf->oid, &condition, err)) {
        return false;
    }
    *found = condition && !rows->from;
    if (!condition || !rows->from) {
        free(condition);
        return true;
    }
    return some_row(q, rows, condition, found, err) &&
           (*found || some_row(q, rows, leaf_rows_replaced(rows, leaf->oid), found, err));
}

/* NULL name: it is gone again, which the next look will find. */
static bool judge_came(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                       struct err *err)
{
    bool found = false;
    if (rows->name && *leaf->file == 'f') {
        judge(q->verdict, TERMS_UNTRACKED,
              "got the foreign table %s as a partition, whose changes are not replicated",
              rows->name);
        return true;
    }
    if (rows->name && !came_with_rows(q, leaf, rows, &found, err)) {
        return false;
    }
    if (found) {
        judge(q->verdict, TERMS_UNTRACKED, "got the partition %s, which already had rows",
              rows->name);
    } else if (rows->name) {
        judge(q->verdict, TERMS_SHAPE, "got the new partition %s", rows->name);
    }
    return true;
}

static bool same_file(const struct leaf *was, const struct leaf *now)
{
    return was->file_len == now->file_len && !memcmp(was->file, now->file, now->file_len);
}

/* Whether a partition without rows was emptied by a TRUNCATE that the stream did not send. */
static bool was_truncated(const struct asked *q, const struct leaf *leaf,
                          const struct leaf_rows *rows)
{
    const struct leaf now = {.file = rows->file, .file_len = (uint32_t)strlen(rows->file)};
    bool sent = q->truncated && rows->written_by == q->truncated;
    return *leaf->how != '?' && !same_file(leaf, &now) && !rows->rewritten_empty && !sent;
}

/* A partition that we may not read by itself counts as having had rows. */
static bool judge_went(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                       struct err *err)
{
    bool lives = rows->name && *leaf->file != 'f', found = lives && !rows->from;
    if (lives && rows->from && !leaf_rows_exist(q->pg, rows, "true", &found, err)) {
        return false;
    }
    if (found) {
        judge(q->verdict, TERMS_UNTRACKED,
              "has lost the partition %s, which was detached with its rows", rows->name);
    } else if (lives && was_truncated(q, leaf, rows)) {
        judge(q->verdict, TERMS_UNTRACKED,
              "has lost the partition %s, which was detached, and truncated before or since",
              rows->name);
    } else {
        judge_lost(
            q->verdict,
            "has lost a partition, which was dropped, or was detached and has no rows by now", "");
    }
    return true;
}

/* Whether the columns differ at most in how large their integers may be. */
static bool same_values(const struct terms *was, const struct terms *now)
{
    const char *a = was->text[TERM_COLUMNS], *b = now->text[TERM_COLUMNS];
    return a && b && strcmp(a, b) != 0 && strchr(a, '.') && strchr(b, '.') &&
           !strcmp(strchr(a, '.'), strchr(b, '.'));
}

/*
 * A partition without rows that VACUUM FULL or CLUSTER wrote was empty before, as far as can be
 * known: it counts as dropped. A TRUNCATE of a table without partitions is in the stream.
 */
static void judge_emptied(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                          bool empty)
{
    const char *name = rows->name ? rows->name : "";
    if (*leaf->how == '-') {
        judge(q->verdict, TERMS_EMPTIED,
              "was emptied or rewritten (by TRUNCATE, or an ALTER TABLE that changes its rows), "
              "which is not sent");
    } else if (empty && rows->rewritten_empty) {
        judge_lost(q->verdict, "has a partition that was rewritten without any rows, ", name);
    } else {
        judge(q->verdict, TERMS_EMPTIED,
              "was emptied or rewritten (by TRUNCATE, or an ALTER TABLE that changes its rows), "
              "which is not sent, at its partition %s",
              name);
    }
}

/* The same, by the horizon. */
static bool find(struct asked *q, const struct leaf_rows *rows, char *condition, bool *found,
                 struct err *err)
{
    if (!rows->from || !q->was->horizon) {
        free(condition);
        return true;
    }
    return some_row(q, rows, condition, found, err);
}

/* The stream had a TRUNCATE: is the file as that left it? */
static bool judge_truncated(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                            struct err *err)
{
    bool rewritten = false;
    if (rows->from && !leaf_rows_rewritten(q->pg, rows, &rewritten, err)) {
        return false;
    }
    if (rewritten) {
        judge_emptied(q, leaf, rows, false);
    } else {
        judge(q->verdict, TERMS_SHAPE, "was truncated, which replication sent");
    }
    return true;
}

/*
 * The horizon says which rows were there. Where integers became larger or smaller, or a generated
 * column came, all rows were written again with the same values; what was done to the file before
 * that is not visible any more.
 */
static bool judge_file(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                       struct err *err)
{
    bool kept = false, resized = false, some = true;
    if (q->truncated && rows->written_by == q->truncated) {
        return judge_truncated(q, leaf, rows, err);
    }
    if (!find(q, rows, leaf_rows_older(q->was->horizon), &kept, err) ||
        (!kept && same_values(q->was, q->now) &&
         !find(q, rows,
               leaf_rows_resized(rows, leaf->oid, q->was->horizon, pg_server_version(q->pg)),
               &resized, err))) {
        return false;
    }
    if (kept) {
        judge(q->verdict, TERMS_SHAPE, "was rewritten with all its rows");
        return true;
    }
    if (resized) {
        tell(q->verdict);
        judge(q->verdict, TERMS_SHAPE,
              "has larger or smaller integers, or a generated column: if ALTER TABLE ... USING "
              "changed values, run source-postgres backfill");
        return true;
    }
    if (rows->from && !leaf_rows_exist(q->pg, rows, "true", &some, err)) {
        return false;
    }
    judge_emptied(q, leaf, rows, !some);
    return true;
}

/* Changes made to it in between were not sent. */
static bool judge_moved(struct asked *q, const struct leaf *leaf, const struct leaf_rows *rows,
                        struct err *err)
{
    (void)leaf, (void)err;
    judge(q->verdict, TERMS_UNTRACKED, "has a partition that was detached and attached again, %s",
          rows->name ? rows->name : "which is gone");
    return true;
}

/* Whether it is attached where it was. */
static bool stayed(const struct leaf *was, const struct leaf *now)
{
    return was->how_len == now->how_len && !memcmp(was->how, now->how, now->how_len);
}

typedef bool judge_rows(struct asked *, const struct leaf *, const struct leaf_rows *,
                        struct err *);

static bool with_rows(struct asked *q, const struct leaf *leaf, judge_rows *judge_one,
                      struct err *err)
{
    struct leaf_rows rows;
    bool ok =
        leaf_rows_find(q->pg, q->root, leaf->oid, &rows, err) && judge_one(q, leaf, &rows, err);
    leaf_rows_clear(&rows);
    return ok;
}

static bool judge_present(struct asked *q, const struct leaf *leaf, struct err *err)
{
    struct leaf before;
    if (!leaf_find(q->was->text[TERM_LEAVES], leaf->oid, &before) || *before.how == '?') {
        return with_rows(q, leaf, judge_came, err);
    }
    if (!stayed(&before, leaf)) {
        return with_rows(q, leaf, judge_moved, err);
    }
    if (same_file(&before, leaf)) {
        return true;
    }
    if (q->use == TERMS_BY_CTID) {
        judge(q->verdict, TERMS_OTHER,
              "was rewritten during its backfill (by VACUUM FULL, CLUSTER, TRUNCATE or ALTER "
              "TABLE), in which its rows are read as they are stored");
        return true;
    }
    return with_rows(q, leaf, judge_file, err);
}

bool judge_leaves(struct pg *pg, const struct terms *was, const struct terms *now,
                  enum terms_use use, uint32_t truncated, struct terms_verdict *verdict,
                  struct err *err)
{
    struct leaf leaf, found;
    if (!was->text[TERM_LEAVES] || !now->text[TERM_LEAVES]) {
        return true;
    }
    struct asked q = {
        .pg = pg, .use = use, .truncated = truncated, .was = was, .now = now, .verdict = verdict};
    q.root = (uint32_t)strtoul(now->text[TERM_TABLE], NULL, 10);
    for (const char *p = now->text[TERM_LEAVES]; leaf_next(&p, &leaf);) {
        if (!judge_present(&q, &leaf, err)) {
            return false;
        }
    }
    for (const char *p = was->text[TERM_LEAVES]; leaf_next(&p, &leaf);) {
        if (!leaf_find(now->text[TERM_LEAVES], leaf.oid, &found) &&
            !with_rows(&q, &leaf, judge_went, err)) {
            return false;
        }
    }
    return true;
}
