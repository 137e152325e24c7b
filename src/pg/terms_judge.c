/* What happened to a table, by its terms then and now. What only rows show: terms_judge_leaves.c */
#include "terms_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void judge(struct terms_verdict *verdict, enum terms_change change, const char *format, ...)
{
    va_list args;
    if (change <= verdict->change) {
        return;
    }
    verdict->change = change;
    va_start(args, format);
    vsnprintf(verdict->why, sizeof verdict->why, format, args);
    va_end(args);
}

bool terms_come_by_leaves(const struct terms *terms)
{
    const char *leaves = terms->text[TERM_LEAVES], *publication = terms->text[TERM_PUBLICATION];
    size_t len = publication ? strlen(publication) : 0;
    return leaves && !strstr(leaves, ":-:") && len && publication[len - 1] == 'f';
}

/* "oid.version operations via-root": which kind of its changes would be lost; NULL: none. */
static const char *unpublished_changes(const struct terms *now)
{
    static const char *const names[] = {"inserts", "updates", "deletes"};
    const char *publication = now->text[TERM_PUBLICATION];
    const char *operations = publication ? strchr(publication, ' ') : NULL;
    for (int i = 0; operations && i < 3 && operations[i + 1]; i++) {
        if (operations[i + 1] == 'f') {
            return names[i];
        }
    }
    return NULL;
}

static void judge_away(const struct terms *now, struct terms_verdict *verdict)
{
    const char *persistence = now->text[TERM_PERSISTENCE], *lost = unpublished_changes(now);
    if (!now->text[TERM_TABLE]) {
        judge(verdict, TERMS_AWAY, "is gone, dropped or renamed");
    } else if (!now->text[TERM_PUBLICATION]) {
        judge(verdict, TERMS_AWAY,
              "is published by nothing, because the publication is gone: create it again before "
              "changes are written, which cannot be decoded without it");
    } else if (!now->text[TERM_ENTRY]) {
        judge(
            verdict, TERMS_AWAY,
            "is not in the publication any more: run ALTER PUBLICATION ... ADD TABLE ONLY, or take "
            "it out of the EXCEPT list of one for all tables");
    } else if (lost) {
        judge(
            verdict, TERMS_AWAY,
            "is in a publication that does not publish %s: run ALTER PUBLICATION ... SET (publish "
            "= 'insert, update, delete, truncate')",
            lost);
    } else if (terms_come_by_leaves(now)) {
        judge(verdict, TERMS_AWAY,
              "is published under the names of its partitions: run ALTER PUBLICATION ... SET "
              "(publish_via_partition_root = true)");
    } else if (persistence && *persistence == 'u') {
        judge(verdict, TERMS_AWAY,
              "is unlogged, or a partition of it is, so that its changes are not replicated: run "
              "ALTER TABLE ... SET LOGGED");
    }
}

/* Whether all labels are still there, in the same order. Others may have come in between. */
static bool labels_last(const char *was, const char *now)
{
    while ((was = strchr(was, ' '))) {
        size_t len = strcspn(++was, " ");
        do {
            now = now ? strchr(now, ' ') : NULL;
            now += now != NULL;
        } while (now && strncmp(now, was, len) != 0);
        if (!now) {
            return false;
        }
    }
    return true;
}

/* The texts up to a blank; true also if one is not known. */
static bool same_digest(const char *was, const char *now)
{
    size_t len = was ? strcspn(was, " ") : 0;
    return !was || !now || (!strncmp(was, now, len) && strcspn(now, " ") == len);
}

/* A key that is written in another way is another key, for changes and for their consumer. */
static void judge_values(const struct terms *was, const struct terms *now,
                         struct terms_verdict *verdict)
{
    const char *before = was->text[TERM_VALUES], *after = now->text[TERM_VALUES];
    if (!same_digest(before, after)) {
        judge(verdict, TERMS_OTHER, "has a row type in its key whose attributes have changed");
    } else if (before && after && !labels_last(before, after)) {
        judge(verdict, TERMS_OTHER, "has an enum in its key of which a label was renamed");
    } else if (!term_same(was, now, TERM_VALUES)) {
        judge(verdict, TERMS_SHAPE, "has an enum in its key with more labels");
    }
}

/* The key by which its rows are read, and by which changes are matched to rows. */
static void judge_key(const struct terms *was, const struct terms *now, enum terms_use use,
                      struct terms_verdict *verdict)
{
    if (!term_same(was, now, TERM_KEY)) {
        judge(verdict, TERMS_OTHER,
              "has another key, or one that cannot serve any more (%s, before: %s)",
              now->text[TERM_KEY], was->text[TERM_KEY]);
    }
    if (!term_same(was, now, TERM_IDENTITY) && *now->text[TERM_IDENTITY]) {
        judge(verdict, TERMS_OTHER,
              "has a replica identity that does not cover its key any more, at %s",
              now->text[TERM_IDENTITY]);
    }
    judge_values(was, now, verdict);
    if (use == TERMS_BY_KEY && !same_digest(was->text[TERM_ORDER], now->text[TERM_ORDER])) {
        judge(verdict, TERMS_OTHER,
              "has a key of another order than when its backfill began (a type, a collation or its "
              "version was changed)");
    }
    if (!term_same(was, now, TERM_ORDER)) {
        judge(verdict, TERMS_SHAPE, "has a key of another order");
    }
}

/* "oid.version operations via-root" */
static const char *publication_change(const char *was, const char *now)
{
    size_t oid = strcspn(was, ".");
    if (strncmp(was, now, oid + 1) != 0) {
        return "was dropped and created";
    }
    return strcmp(was + strcspn(was, " "), now + strcspn(now, " ")) != 0
               ? "was altered in what it publishes"
               : "was altered for a while";
}

static void judge_publication(const struct terms *was, const struct terms *now,
                              struct terms_verdict *verdict)
{
    if (!term_same(was, now, TERM_PUBLICATION)) {
        judge(verdict, TERMS_UNTRACKED,
              "is in a publication that %s: changes may not have been sent",
              publication_change(was->text[TERM_PUBLICATION], now->text[TERM_PUBLICATION]));
    }
    if (!term_same(was, now, TERM_ENTRY)) {
        judge(verdict, TERMS_UNTRACKED,
              "was added to the publication again since it was captured, or is in another one, and "
              "changes may not have been sent");
    }
    const char *before = was->text[TERM_HOME], *home = now->text[TERM_HOME];
    if (before && home && strcmp(before, home) != 0) { /* earlier states do not say it */
        judge(verdict, TERMS_UNTRACKED,
              "was in another schema for a while, and changes may not have been sent");
    }
    if (!term_same(was, now, TERM_LIMITS)) {
        judge(verdict, TERMS_UNTRACKED,
              "is published with other columns or rows than when it was captured");
    }
}

static bool judge_terms(struct pg *pg, const struct terms *was, const struct terms *now,
                        enum terms_use use, uint32_t truncated, struct terms_verdict *verdict,
                        struct err *err)
{
    if (!term_same(was, now, TERM_TABLE)) {
        judge(verdict, use == TERMS_ACTIVE ? TERMS_UNTRACKED : TERMS_OTHER,
              "is another one than when it was captured, dropped and recreated or renamed");
        return true;
    }
    if (!term_same(was, now, TERM_COLUMNS)) {
        judge(verdict, TERMS_SHAPE, "has other columns");
    }
    judge_key(was, now, use, verdict);
    judge_publication(was, now, verdict);
    if (!term_same(was, now, TERM_PERSISTENCE)) {
        judge(verdict, TERMS_UNTRACKED, "was unlogged, and changes may not have been sent");
    }
    return term_same(was, now, TERM_LEAVES) ||
           judge_leaves(pg, was, now, use, truncated, verdict, err);
}

bool terms_judge(struct pg *pg, const struct terms *was, const struct terms *now,
                 enum terms_use use, uint32_t truncated, struct terms_verdict *verdict,
                 struct err *err)
{
    *verdict = (struct terms_verdict){.change = TERMS_SAME};
    judge_away(now, verdict);
    return verdict->change == TERMS_AWAY || judge_terms(pg, was, now, use, truncated, verdict, err);
}
