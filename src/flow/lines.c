/*
 * Cutting standard input into lines, or into frames: see proto.h. A request may have megabytes: no
 * byte is looked at twice.
 */
#include <string.h>

#include "flow/flow.h"

enum {
    FIRST_BYTES = 64 * 1024,
    KEPT_BYTES = 1024 * 1024, /* room beyond this is given back once its line was taken */
    LINE_MAX_BYTES = 256 * 1024 * 1024,
    LENGTH_BYTES = 4, /* of a frame */
};

void flow_lines_init(struct flow_lines *lines, enum flow_form form)
{
    *lines = (struct flow_lines){.form = form};
    out_init(&lines->text, FIRST_BYTES);
}

void flow_lines_free(struct flow_lines *lines)
{
    out_free(&lines->text);
    *lines = (struct flow_lines){0};
}

bool flow_lines_add(struct flow_lines *lines, const char *data, size_t len, struct err *err)
{
    struct out *text = &lines->text;
    if (lines->next == text->len && text->cap > KEPT_BYTES) {
        enum flow_form form = lines->form;
        flow_lines_free(lines);
        flow_lines_init(lines, form);
    } else if (lines->next) {
        memmove(text->data, text->data + lines->next, text->len - lines->next);
        text->len -= lines->next;
        lines->looked -= lines->next;
        lines->next = 0;
    }
    if (text->len + len > LINE_MAX_BYTES) {
        return err_set(err, ERR_CONFIG, "request: the line is longer than 256 MiB");
    }
    out_bytes(text, data, len);
    return true;
}

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!strchr(" \t\r", line[i]) || !line[i]) {
            return false;
        }
    }
    return true;
}

/* Whatever is there up to the next newline, or up to the end if there will be none. */
static void take_line(struct flow_lines *lines, bool ended, const char **line, size_t *len)
{
    const struct out *text = &lines->text;
    const char *newline = memchr(text->data + lines->looked, '\n', text->len - lines->looked);
    const char *begin = text->data + lines->next;
    lines->looked = newline ? (size_t)(newline - text->data) + 1 : text->len;
    *len = lines->looked - lines->next - (newline != NULL);
    *line = newline || (ended && *len) ? begin : NULL;
    if (newline || ended) {
        lines->next = lines->looked;
    }
}

static bool take_frame(struct flow_lines *lines, bool ended, const char **message, size_t *len,
                       struct err *err)
{
    const struct out *text = &lines->text;
    const unsigned char *head = (const unsigned char *)text->data + lines->next;
    size_t there = text->len - lines->next, need = LENGTH_BYTES;
    *message = NULL;
    if (there >= LENGTH_BYTES) {
        need += head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    }
    if (need > LINE_MAX_BYTES) {
        return err_set(err, ERR_CONFIG,
                       "request: its length is said to be %zu bytes, more than 256 MiB (does "
                       "FLOW_RUNTIME_CODEC say proto, and the platform speaks JSON?)",
                       need - LENGTH_BYTES);
    }
    if (there >= need) {
        *message = (const char *)head + LENGTH_BYTES;
        *len = need - LENGTH_BYTES;
        lines->next += need;
    }
    return there >= need || !there || !ended ||
           err_set(err, ERR_CONFIG, "request: standard input ended in the middle of it");
}

bool flow_lines_next(struct flow_lines *lines, bool ended, const char **line, size_t *len,
                     struct err *err)
{
    if (lines->form == FLOW_PROTO) {
        return take_frame(lines, ended, line, len, err);
    }
    do {
        take_line(lines, ended, line, len);
    } while (*line && is_blank(*line, *len));
    return true;
}
