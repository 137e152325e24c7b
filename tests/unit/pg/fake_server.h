/* A server that is played: it lets one connection in, and gives the session what it asks for. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <stdlib.h>
#include <string.h>
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

/* The row that settings.c looks at; `wrong` replaces the value of that setting. */
static inline void fake_look(struct out *out, const char *wrong)
{
    struct out columns, row;
    unsigned count = 2;
    out_init(&columns, 1024);
    out_init(&row, 1024);
    for (int i = 0; i < pg_setting_count; i++) {
        count += FAKE_VERSION >= pg_settings[i].since;
    }
    fake_16(&columns, count);
    fake_16(&row, count);
    for (unsigned i = 0; i < count; i++) {
        static const char field[] = "c\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0";
        out_bytes(&columns, field, sizeof field);
    }
    fake_value(&row, "4242");
    fake_value(&row, "f");
    for (int i = 0; i < pg_setting_count; i++) {
        const struct setting *s = &pg_settings[i];
        if (FAKE_VERSION >= s->since) {
            fake_value(&row, wrong && !strcmp(wrong, s->name) ? "wrong" : s->value);
        }
    }
    fake_message(out, 'T', &columns);
    fake_message(out, 'D', &row);
    out_bytes(out, "C\0\0\0\5", 6);
    out_bytes(out, "Z\0\0\0\5I", 6);
    out_free(&columns);
    out_free(&row);
}

/* From the start-up packet to the session's settings. */
static inline void fake_let_in(int fd, const char *wrong)
{
    static const char welcome[] = "R\0\0\0\x08\0\0\0\0"
                                  "S\0\0\0\x18server_version\000"
                                  "15.4\0"
                                  "K\0\0\0\x0c\0\0\x10\x92\0\0\0\0"
                                  "Z\0\0\0\5I";
    struct out out;
    out_init(&out, 4096);
    fake_hear(fd);
    out_bytes(&out, welcome, sizeof welcome - 1);
    fake_send(fd, &out);
    out.len = 0;
    fake_hear(fd);
    out_bytes(&out, "C\0\0\0\5", 6);
    out_bytes(&out, "Z\0\0\0\5I", 6);
    fake_send(fd, &out);
    out.len = 0;
    fake_hear(fd);
    fake_look(&out, wrong);
    fake_send(fd, &out);
    out_free(&out);
}

#endif
