/* Cutting standard input into lines. A request may have megabytes: no byte is looked at twice. */
#include <string.h>

#include "flow/flow.h"

enum {
    FIRST_BYTES = 64 * 1024,
    KEPT_BYTES = 1024 * 1024, /* room beyond this is given back once its line was taken */
    LINE_MAX_BYTES = 256 * 1024 * 1024,
};

void flow_lines_init(struct flow_lines *lines)
{
    *lines = (struct flow_lines){0};
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
        flow_lines_free(lines);
        flow_lines_init(lines);
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
static bool take_line(struct flow_lines *lines, bool ended, const char **line, size_t *len)
{
    const struct out *text = &lines->text;
    const char *newline = memchr(text->data + lines->looked, '\n', text->len - lines->looked);
    *line = text->data + lines->next;
    lines->looked = newline ? (size_t)(newline - text->data) + 1 : text->len;
    *len = lines->looked - lines->next - (newline != NULL);
    if (newline || ended) {
        lines->next = lines->looked;
    }
    return newline || (ended && *len);
}

bool flow_lines_next(struct flow_lines *lines, bool ended, const char **line, size_t *len)
{
    while (take_line(lines, ended, line, len)) {
        if (!is_blank(*line, *len)) {
            return true;
        }
    }
    return false;
}
