/*
 * Arrays, from the text that array_out makes:
 *
 *   array  := [bounds "="] list
 *   bounds := "[2:3][0:1]", for one, where they are not from 1; not shown
 *   list   := "{" [item {delimiter item}] "}"
 *   item   := list | "NULL" | bare | '"' { character | backslash character } '"'
 *
 * The text is walked twice, first to see that it is an array at all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "emit/json.h"
#include "writers.h"

struct array {
    const char *p, *end;
    const struct type *element;
    value_writer *writer;
    char delimiter;
    bool lossy; /* the writer marks what it could not hold, */
    bool lost;  /* and did */
};

static void write_element(struct out *out, struct array *array, const char *s, size_t len)
{
    value_write(array->writer, out, array->element, s, (uint32_t)len);
    if (array->lossy && out->data[out->len - 1] == ' ') {
        out->len--;
        array->lost = true;
    }
}

/* Step over bounds, if they are complete. */
static void skip_bounds(struct array *array)
{
    const char *p = array->p;
    while (p < array->end && *p && strchr("[]:+-0123456789", *p)) {
        p++;
    }
    if (p > array->p && p < array->end && *p == '=') {
        array->p = p + 1;
    }
}

/* From the opening quote on; returns the closing one, or NULL. */
static const char *quoted_end(const char *p, const char *end, bool *escaped)
{
    *escaped = false;
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\') {
            *escaped = true;
            p++;
        }
    }
    return p < end ? p : NULL;
}

/* Elements with a look of their own need their text in one piece, without backslashes; len > 0. */
static void write_unescaped(struct out *out, struct array *array, const char *s, size_t len)
{
    char small[512], *text = len <= sizeof small ? small : mem_alloc(len);
    const char *end = s + len;
    char *p = text;
    do {
        s += *s == '\\';
        *p++ = *s++;
    } while (s < end);
    write_element(out, array, text, (size_t)(p - text));
    if (text != small) {
        free(text);
    }
}

static bool walk_quoted(struct out *out, struct array *array)
{
    bool escaped;
    const char *s = array->p + 1, *end = quoted_end(array->p, array->end, &escaped);
    if (!end) {
        return false;
    }
    array->p = end + 1;
    size_t len = (size_t)(end - s);
    if (!out) {
        return true;
    }
    if (!escaped) {
        write_element(out, array, s, len);
    } else if (array->writer == string_text) {
        write_unquoted(out, s, len);
    } else {
        write_unescaped(out, array, s, len);
    }
    return true;
}

static bool walk_bare(struct out *out, struct array *array)
{
    const char *s = array->p, *p = s;
    while (p < array->end && *p != array->delimiter && *p != '}') {
        if (*p == '{' || *p == '"' || *p == '\\') {
            return false;
        }
        p++;
    }
    array->p = p;
    size_t len = (size_t)(p - s);
    if (out && len == 4 && memcmp(s, "NULL", 4) == 0) {
        out_string(out, "null");
    } else if (out) {
        write_element(out, array, s, len);
    }
    return len > 0;
}

static inline void echo(struct out *out, char c)
{
    if (out) {
        out_char(out, c);
    }
}

/* Closing brackets and a delimiter, as far as they follow an item. False if neither does. */
static bool walk_after(struct out *out, struct array *array, size_t *depth)
{
    while (*depth && array->p < array->end && *array->p == '}') {
        array->p++;
        --*depth;
        echo(out, ']');
    }
    if (!*depth) {
        return true;
    }
    if (array->p == array->end || *array->p++ != array->delimiter) {
        return false;
    }
    echo(out, ',');
    return true;
}

/* Walk the whole text; with `out`, print it. False if it is not an array. */
static bool walk(struct out *out, struct array *array)
{
    size_t depth = 0;
    do {
        bool good = true;
        if (array->p == array->end) {
            return false;
        }
        if (*array->p == '{') {
            array->p++;
            depth++;
            echo(out, '[');
            if (array->p == array->end || *array->p != '}') {
                continue;
            }
        } else {
            good = depth && (*array->p == '"' ? walk_quoted(out, array) : walk_bare(out, array));
        }
        if (!good || !walk_after(out, array, &depth)) {
            return false;
        }
    } while (depth);
    return array->p == array->end;
}

static struct array array_of(const struct type *type, const char *data, uint32_t len)
{
    return (struct array){
        .p = data,
        .end = data + len,
        .element = type->element,
        .writer = value_text_writer(type->element),
        .delimiter = type->delimiter,
    };
}

/* False, and nothing is printed: it is not an array. */
static bool write_array(struct out *out, char *p, struct array *array)
{
    skip_bounds(array);
    struct array first = *array;
    if (!walk(NULL, &first)) {
        return false;
    }
    out_commit(out, p);
    walk(out, array);
    return true;
}

char *array_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    struct array array = array_of(type, data, len);
    return write_array(out, p, &array) ? out_reserve(out, 0) : json_quote(out, p, data, len);
}

char *airbyte_array_text(struct out *out, char *p, const struct type *type, const char *data,
                         uint32_t len)
{
    struct array array = array_of(type, data, len);
    struct value_writers element = value_airbyte_writers(type->element);
    array.writer = element.text;
    array.lossy = element.lossy;
    if (!write_array(out, p, &array)) {
        return value_lost(p);
    }
    if (array.lost) {
        out_char(out, ' ');
    }
    return out_reserve(out, 0);
}
