/*
 * What went wrong, and who can fix it. An error is filled in where it happens, in the struct that
 * the caller passed, and printed once, at the top.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_CONFIG,    /* the user can fix it: options, privileges, settings of the server */
    ERR_TRANSIENT, /* trying again may help: network, restart, lock */
    ERR_SYSTEM,    /* neither: a full disk, a protocol violation, a bug of ours or the server's */
    ERR_STOPPED,   /* asked to stop: not a failure, never shown */
};

/* What the user must do after all. How to do it depends on the protocol, so the message does not
 * say it: the caller that prints the error adds it. */
enum err_remedy {
    REMEDY_NONE,        /* the message says it all */
    REMEDY_BEGIN_AGAIN, /* begin the capture again */
};

struct err {
    enum err_kind kind;
    enum err_remedy remedy;
    char message[3072]; /* for the user: what failed and what to do; never a secret */
    char sqlstate[6];   /* the server's; empty where it said none */
    char detail[512];   /* for the maintainer: SQLSTATE, function, LSN; may be empty */
    char schema[260];   /* the stream that it concerns; empty when it concerns all */
    char table[260];
};

/* Fill *err, whatever it held. Always returns false, so that a failure reads `return err_set(…)`.
 */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Add the maintainer's part to an error already set. Returns false. */
bool err_detail(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put words before the message: "while …: message". Returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append words to the message. Returns false. */
bool err_suffix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message ends in "begin the capture again"; returns false. */
bool err_remedy(struct err *err, enum err_remedy remedy);

/* Name the stream that the error concerns. Returns false. */
bool err_stream(struct err *err, const char *schema, const char *table);

/* Name the table that a failed query was about; the message, too, unless it has the name already.
 * Does nothing if there is no error, or if it names a table already. Returns false. */
bool err_about(struct err *err, const char *schema, const char *table);

/*
 * Collect errors that are reported together, a line each. If `all` is none it becomes `one`; else
 * the message of `one` is appended, and the stream and the remedy stay only if both have the same.
 * False once there is no room for more.
 */
bool err_add(struct err *all, const struct err *one);

/* Set the error to what was collected. True if nothing was. */
bool err_collected(struct err *, const struct err *all);

/* Airbyte's failure_type: "config_error", "transient_error" or "system_error". */
const char *err_kind_name(enum err_kind kind);

#endif
