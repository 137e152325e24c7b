/* Making requests, and finding the frames of answers. */
#include "message.h"

#include <string.h>

#include "base/bytes.h"

/* Returns where the message begins, for end(). */
static size_t begin(struct out *request, char type)
{
    size_t start = request->len;
    char *p = out_reserve(request, MESSAGE_HEADER);
    *p = type;
    out_commit(request, p + MESSAGE_HEADER);
    return start;
}

static void end(struct out *request, size_t start)
{
    store32(request->data + start + 1, (uint32_t)(request->len - start - 1));
}

static void add_string(struct out *request, const char *s)
{
    out_bytes(request, s, strlen(s) + 1);
}

static void add_16(struct out *request, unsigned value)
{
    char *p = out_reserve(request, 2);
    out_commit(request, store16(p, (uint16_t)value));
}

static void parse(struct out *request, const char *name, const char *sql)
{
    size_t start = begin(request, 'P');
    add_string(request, name);
    add_string(request, sql);
    add_16(request, 0);
    end(request, start);
}

/* Closing a statement that does not exist is not an error. */
void wire_prepare(struct out *request, const char *name, const char *sql)
{
    size_t start = begin(request, 'C');
    out_char(request, 'S');
    add_string(request, name);
    end(request, start);
    parse(request, name, sql);
}

static void add_params(struct out *request, const char *const *params, int count)
{
    add_16(request, 0); /* all as text */
    add_16(request, (unsigned)count);
    for (int i = 0; i < count; i++) {
        size_t len = strlen(params[i]);
        char *p = out_reserve(request, 4);
        out_commit(request, store32(p, (uint32_t)len));
        out_bytes(request, params[i], len);
    }
}

/* Bind to the unnamed portal, and Execute. */
void wire_execute(struct out *request, const char *name, const char *const *params, int count,
                  const struct relation *rows)
{
    int columns = rows ? rows->column_count : 0;
    size_t start = begin(request, 'B');
    add_string(request, "");
    add_string(request, name);
    add_params(request, params, count);
    add_16(request, (unsigned)columns);
    for (int i = 0; i < columns; i++) {
        add_16(request, !rows->columns[i].text);
    }
    end(request, start);

    start = begin(request, 'E');
    add_string(request, "");
    add_16(request, 0);
    add_16(request, 0); /* rows: all */
    end(request, start);
}

void wire_statement(struct out *request, const char *sql, const struct relation *rows)
{
    parse(request, "", sql);
    wire_execute(request, "", NULL, 0, rows);
}

void wire_sync(struct out *request)
{
    end(request, begin(request, 'S'));
}

void wire_command(struct out *request, const char *sql)
{
    size_t start = begin(request, 'Q');
    add_string(request, sql);
    end(request, start);
}

void wire_data(struct out *request, const void *data, size_t len)
{
    size_t start = begin(request, 'd');
    out_bytes(request, data, len);
    end(request, start);
}

/* Only these may be long: with any other, we are out of step. */
static bool may_be_long(char type)
{
    return strchr("dDTENVA", type) != NULL;
}

size_t message_size(const char *p, size_t count)
{
    enum { SHORT = 30000 };
    if (count < MESSAGE_HEADER) {
        return 0;
    }
    size_t len = load32(p + 1);
    if (len < 4 || len > MESSAGE_MAX || !*p || (len > SHORT && !may_be_long(*p))) {
        return SIZE_MAX;
    }
    return len + 1;
}

const char *message_field(const struct message *message, char code)
{
    struct bytes in = bytes_of(message->body, message->len);
    for (;;) {
        uint8_t found = bytes_u8(&in);
        const char *value = found ? bytes_string(&in) : "";
        if (in.bad || !found) {
            return "";
        }
        if (found == (uint8_t)code) {
            return value;
        }
    }
}
