/* Booleans, integers, floats and vectors of them: the values that are bare in JSON. */
#include "base/bytes.h"
#include "digits.h"
#include "emit/json.h"
#include "float.h"
#include "writers.h"

void bool_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len == 1 && (*data == 't' || *data == 'f')) {
        out_string(out, *data == 't' ? "true" : "false");
    } else {
        json_quoted(out, data, len);
    }
}

void bool_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len == 1) {
        out_string(out, *data ? "true" : "false");
    } else {
        write_invalid(out, data, len);
    }
}

static inline void write_i64(struct out *out, int64_t v)
{
    out_commit(out, json_i64(out_reserve(out, JSON_INTEGER), v));
}

void int2_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len == 2) {
        write_i64(out, (int16_t)load16(data));
    } else {
        write_invalid(out, data, len);
    }
}

void int4_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len == 4) {
        write_i64(out, (int32_t)load32(data));
    } else {
        write_invalid(out, data, len);
    }
}

void int8_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len == 8) {
        write_i64(out, (int64_t)load64(data));
    } else {
        write_invalid(out, data, len);
    }
}

void oid_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len == 4) {
        write_i64(out, load32(data));
    } else {
        write_invalid(out, data, len);
    }
}

/* NaN and the infinities, as strings; `nan`: which. */
static void write_not_finite(struct out *out, bool nan, bool negative)
{
    out_string(out, nan ? "\"NaN\"" : negative ? "\"-Infinity\"" : "\"Infinity\"");
}

void float4_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 4) {
        write_invalid(out, data, len);
        return;
    }
    uint32_t bits = load32(data);
    float v;
    memcpy(&v, &bits, sizeof v);
    if ((bits >> 23 & 0xff) == 0xff) {
        write_not_finite(out, bits << 9 != 0, bits >> 31);
    } else {
        out_commit(out, float4_print(out_reserve(out, FLOAT_TEXT), v));
    }
}

void float8_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 8) {
        write_invalid(out, data, len);
        return;
    }
    uint64_t bits = load64(data);
    double v;
    memcpy(&v, &bits, sizeof v);
    if ((bits >> 52 & 0x7ff) == 0x7ff) {
        write_not_finite(out, bits << 12 != 0, bits >> 63);
    } else {
        out_commit(out, float8_print(out_reserve(out, FLOAT_TEXT), v));
    }
}

static const char *digits_end(const char *s, const char *end)
{
    while (s < end && *s >= '0' && *s <= '9') {
        s++;
    }
    return s;
}

/* One or more digits; NULL if there is none, or if `s` is NULL. */
static const char *some_digits(const char *s, const char *end)
{
    const char *after = digits_end(s, end);
    return after > s ? after : NULL;
}

const char *number_end(const char *s, const char *end)
{
    s += s < end && *s == '-';
    if (s < end && *s == '0') {
        s++;
    } else {
        s = some_digits(s, end);
    }
    if (s && s < end && *s == '.') {
        s = some_digits(s + 1, end);
    }
    if (s && s < end && (*s == 'e' || *s == 'E')) {
        s++;
        s += s < end && (*s == '+' || *s == '-');
        s = some_digits(s, end);
    }
    return s;
}

/* NaN and the infinities end as strings, and so does anything else. */
void number_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (number_end(data, data + len) == data + len) {
        json_raw(out, data, len);
    } else {
        json_quoted(out, data, len);
    }
}

static bool is_vector(const char *s, const char *end)
{
    if (s == end || *s != '[') {
        return false;
    }
    do {
        s = number_end(s + 1, end);
    } while (s && s < end && *s == ',');
    return s && end - s == 1 && *s == ']';
}

void vector_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (is_vector(data, data + len)) {
        json_raw(out, data, len);
    } else {
        json_quoted(out, data, len);
    }
}
