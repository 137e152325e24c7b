/* The server's and libpq's failures in our words: who can mend them, and how. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* SQLSTATE classes and codes after which trying again may help. */
static bool is_transient(const char *sqlstate)
{
    static const char *const prefixes[] = {"08",  "40", "53",    "55P03", "57014",
                                           "57P", "58", "55006", NULL};
    for (const char *const *p = prefixes; *p; p++) {
        if (!strncmp(sqlstate, *p, strlen(*p))) {
            return true;
        }
    }
    return false;
}

/* What the user can mend: authorisation, missing objects, features not there,
 * text in no encoding. */
static bool is_config(const char *sqlstate)
{
    static const char *const prefixes[] = {"28",    "3D",    "3F",    "42", "0A",
                                           "55000", "22021", "22P05", NULL};
    for (const char *const *p = prefixes; *p; p++) {
        if (!strncmp(sqlstate, *p, strlen(*p))) {
            return true;
        }
    }
    return false;
}

static enum err_kind kind_of(const char *sqlstate)
{
    return is_transient(sqlstate) ? ERR_TRANSIENT : is_config(sqlstate) ? ERR_CONFIG : ERR_SYSTEM;
}

/* Where the server's own words do not say what to do. */
static const char *remedy_of(const char *sqlstate)
{
    bool encoding = !strcmp(sqlstate, "22021") || !strcmp(sqlstate, "22P05");
    return encoding ? "; a text in the database cannot be shown in UTF-8: find it with "
                      "convert_from(column::bytea, 'UTF8'), which fails in the same way, and "
                      "correct it"
                    : "";
}

bool pg_fail_words(struct pg *pg, const struct server_words *words, struct err *err)
{
    snprintf(pg->sqlstate, sizeof pg->sqlstate, "%s", words->sqlstate);
    err_set(err, kind_of(pg->sqlstate), "%s%s%s%s%s%s", words->message, *words->detail ? ": " : "",
            words->detail, *words->hint ? "; hint: " : "", words->hint, remedy_of(pg->sqlstate));
    return err_detail(err, "SQLSTATE %s %s", pg->sqlstate, words->context);
}

static const char *field(const PGresult *result, int code)
{
    const char *value = PQresultErrorField(result, code);
    return value ? value : "";
}

bool pg_fail_result(struct pg *pg, const PGresult *result, struct err *err)
{
    struct server_words words = {
        field(result, PG_DIAG_SQLSTATE),       field(result, PG_DIAG_MESSAGE_PRIMARY),
        field(result, PG_DIAG_MESSAGE_DETAIL), field(result, PG_DIAG_MESSAGE_HINT),
        field(result, PG_DIAG_CONTEXT),
    };
    return *words.sqlstate ? pg_fail_words(pg, &words, err) : pg_fail_connection(pg, err);
}

void pg_connection_words(const struct pg *pg, char *to, size_t size)
{
    size_t len = 0;
    const char *words = PQerrorMessage(pg->conn);
    for (size_t line; *words && len + 1 < size; words += line + (words[line] == '\n')) {
        line = strcspn(words, "\n");
        if (strncmp(words, "LOCATION:", 9) != 0) { /* in the server's source, when verbose */
            int room = (int)(size - len), wanted = (int)line;
            int took = snprintf(to + len, (size_t)room, "%s%.*s", len ? " " : "", wanted, words);
            len += (size_t)(took < room ? took : room - 1);
        }
    }
    to[len] = '\0';
}

bool pg_fail_connection(struct pg *pg, struct err *err)
{
    char message[768];
    pg->sqlstate[0] = '\0';
    pg_connection_words(pg, message, sizeof message);
    return err_set(err, ERR_TRANSIENT, "lost the connection to the server: %s", message);
}

const char *pg_sqlstate(const struct pg *pg)
{
    return pg->sqlstate;
}
