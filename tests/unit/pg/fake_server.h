/* A fake server: it accepts one connection, and answers the session's start. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/out.h"
#include "settings.h"

enum { FAKE_VERSION = 150004, FAKE_PID = 4242 };

static inline void fake_send(int fd, const struct out *out)
{
    if (write(fd, out->data, out->len) != (ssize_t)out->len) {
        abort();
    }
}

static inline void fake_hear(int fd)
{
    char question[8192];
    if (read(fd, question, sizeof question) <= 0) {
        abort();
    }
}

/* Append a message; its body is `body`. */
static inline void fake_message(struct out *out, char type, const struct out *body)
{
    char *p = out_reserve(out, 5);
    *p = type;
    out_commit(out, store32(p + 1, (uint32_t)body->len + 4));
    out_bytes(out, body->data, body->len);
}

static inline void fake_16(struct out *out, unsigned value)
{
    char *p = out_reserve(out, 2);
    out_commit(out, store16(p, (uint16_t)value));
}

static inline void fake_value(struct out *row, const char *text)
{
    char *p = out_reserve(row, 4);
    out_commit(row, store32(p, (uint32_t)strlen(text)));
    out_string(row, text);
}

/* The descriptions of `count` columns, and a row of their values, NULL for a null. */
static inline void fake_columns(struct out *out, unsigned count)
{
    static const char field[] = "c\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0";
    struct out columns;
    out_init(&columns, 1024);
    fake_16(&columns, count);
    for (unsigned i = 0; i < count; i++) {
        out_bytes(&columns, field, sizeof field);
    }
    fake_message(out, 'T', &columns);
    out_free(&columns);
}

static inline void fake_row(struct out *out, unsigned count, const char *const *values)
{
    struct out row;
    out_init(&row, 1024);
    fake_16(&row, count);
    for (unsigned i = 0; i < count; i++) {
        if (values[i]) {
            fake_value(&row, values[i]);
        } else {
            out_bytes(&row, "\xff\xff\xff\xff", 4);
        }
    }
    fake_message(out, 'D', &row);
    out_free(&row);
}

static inline void fake_end(struct out *out)
{
    out_bytes(out, "C\0\0\0\5", 6);
    out_bytes(out, "Z\0\0\0\5I", 6);
}

/* The row that settings.c checks; `wrong` replaces the value of that setting. */
static inline void fake_look(struct out *out, const char *wrong)
{
    const char *values[64] = {"4242", "f"};
    unsigned count = 2;
    for (int i = 0; i < pg_setting_count; i++) {
        const struct setting *s = &pg_settings[i];
        if (FAKE_VERSION >= s->since) {
            values[count++] = wrong && !strcmp(wrong, s->name) ? "wrong" : s->value;
        }
    }
    fake_columns(out, count);
    fake_row(out, count, values);
    fake_end(out);
}

/* A server's answer to a start-up packet. */
static inline void fake_welcome(struct out *out, const char *version)
{
    static const char in[] = "R\0\0\0\x08\0\0\0\0", key[] = "K\0\0\0\x0c\0\0\x10\x92\0\0\0\0";
    struct out parameter;
    out_init(&parameter, 64);
    out_bytes(&parameter, "server_version", sizeof "server_version");
    out_bytes(&parameter, version, strlen(version) + 1);
    out_bytes(out, in, sizeof in - 1);
    fake_message(out, 'S', &parameter);
    out_bytes(out, key, sizeof key - 1);
    out_bytes(out, "Z\0\0\0\5I", 6);
    out_free(&parameter);
}

/* From the start-up packet to the session's settings; `version` has those of FAKE_VERSION. */
static inline void fake_let_in_as(int fd, const char *version, const char *wrong)
{
    struct out out;
    out_init(&out, 4096);
    fake_hear(fd);
    fake_welcome(&out, version);
    fake_send(fd, &out);
    out.len = 0;
    fake_hear(fd);
    fake_end(&out);
    fake_send(fd, &out);
    out.len = 0;
    fake_hear(fd);
    fake_look(&out, wrong);
    fake_send(fd, &out);
    out_free(&out);
}

static inline void fake_let_in(int fd, const char *wrong)
{
    fake_let_in_as(fd, "15.4", wrong);
}

/* A socket that a configuration with this host and port 5432 leads to. */
static inline struct sockaddr_un fake_address(const char *directory)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/.s.PGSQL.5432", directory);
    return at;
}

static inline int fake_listen(const char *directory)
{
    struct sockaddr_un at = fake_address(directory);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1)) {
        abort();
    }
    return listener;
}

#endif
