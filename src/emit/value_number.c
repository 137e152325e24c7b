/* Booleans, integers, floats and vectors of them: the values that are bare in JSON. */
#include "base/bytes.h"
#include "base/json_grammar.h"
#include "digits.h"
#include "emit/json.h"
#include "float.h"
#include "word.h"
#include "writers.h"

static inline char *put_bool(char *p, bool value)
{
    return put_word(p, value ? "true" : "false");
}

char *bool_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len == 1 && (*data == 't' || *data == 'f') ? put_bool(p, *data == 't')
                                                      : json_quote(out, p, data, len);
}

char *bool_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len == 1 ? put_bool(p, *data) : write_invalid(out, p, data, len);
}

char *int2_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len == 2 ? json_i64(p, (int16_t)load16(data)) : write_invalid(out, p, data, len);
}

char *int4_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len == 4 ? json_i64(p, (int32_t)load32(data)) : write_invalid(out, p, data, len);
}

char *int8_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len == 8 ? json_i64(p, (int64_t)load64(data)) : write_invalid(out, p, data, len);
}

char *oid_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len == 4 ? json_i64(p, load32(data)) : write_invalid(out, p, data, len);
}

/* NaN and the infinities, as strings; `nan`: which. */
static char *put_not_finite(char *p, bool nan, bool negative)
{
    return put_word(p, nan ? "\"NaN\"" : negative ? "\"-Infinity\"" : "\"Infinity\"");
}

static inline bool is_finite4(uint32_t bits)
{
    return (bits >> 23 & 0xff) != 0xff;
}

static inline bool is_finite8(uint64_t bits)
{
    return (bits >> 52 & 0x7ff) != 0x7ff;
}

char *float4_binary(struct out *out, char *p, const struct type *type, const char *data,
                    uint32_t len)
{
    (void)type;
    if (len != 4) {
        return write_invalid(out, p, data, len);
    }
    uint32_t bits = load32(data);
    float v;
    memcpy(&v, &bits, sizeof v);
    return is_finite4(bits) ? float4_print(p, v) : put_not_finite(p, bits << 9 != 0, bits >> 31);
}

char *finite4_binary(struct out *out, char *p, const struct type *type, const char *data,
                     uint32_t len)
{
    return len == 4 && is_finite4(load32(data)) ? float4_binary(out, p, type, data, len)
                                                : value_lost(p);
}

char *float8_binary(struct out *out, char *p, const struct type *type, const char *data,
                    uint32_t len)
{
    (void)type;
    if (len != 8) {
        return write_invalid(out, p, data, len);
    }
    uint64_t bits = load64(data);
    double v;
    memcpy(&v, &bits, sizeof v);
    return is_finite8(bits) ? float8_print(p, v) : put_not_finite(p, bits << 12 != 0, bits >> 63);
}

char *finite8_binary(struct out *out, char *p, const struct type *type, const char *data,
                     uint32_t len)
{
    return len == 8 && is_finite8(load64(data)) ? float8_binary(out, p, type, data, len)
                                                : value_lost(p);
}

/* What is short, and most numbers are, without a call: two blocks, which may overlap. */
static inline char *copy_number(struct out *out, char *p, const char *s, uint32_t len)
{
    if (len > 16) {
        return json_copy(out, p, s, len);
    }
    if (len >= 8) {
        memcpy(p, s, 8);
        memcpy(p + len - 8, s + len - 8, 8);
    } else if (len >= 4) {
        memcpy(p, s, 4);
        memcpy(p + len - 4, s + len - 4, 4);
    } else {
        for (uint32_t i = 0; i < len; i++) {
            p[i] = s[i];
        }
    }
    return p + len;
}

static bool is_number(const char *data, uint32_t len)
{
    const char *at;
    return json_number_end(data, data + len, &at) == data + len;
}

/* NaN and the infinities end as strings, and so does anything else. */
char *number_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return is_number(data, len) ? copy_number(out, p, data, len) : json_quote(out, p, data, len);
}

char *finite_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return is_number(data, len) ? copy_number(out, p, data, len) : value_lost(p);
}

static bool is_vector(const char *s, const char *end)
{
    const char *at;
    if (s == end || *s != '[') {
        return false;
    }
    do {
        s = json_number_end(s + 1, end, &at);
    } while (s && s < end && *s == ',');
    return s && end - s == 1 && *s == ']';
}

char *vector_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return is_vector(data, data + len) ? json_copy(out, p, data, len)
                                       : json_quote(out, p, data, len);
}
