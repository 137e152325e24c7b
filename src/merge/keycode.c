/* Encoding keys. The forms are in the header. */
#include "keycode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "timecode.h"

static const uint64_t SIGN = UINT64_C(1) << 63;

void keybuf_free(struct keybuf *buf)
{
    free(buf->code);
    *buf = (struct keybuf){0};
}

static void start(struct keybuf *buf)
{
    if (!buf->code) {
        buf->cap = 64;
        buf->code = mem_alloc(sizeof *buf->code + buf->cap);
    }
    buf->code->len = 0;
}

static uint8_t *extend(struct keybuf *buf, size_t len)
{
    if (buf->code->len + len > buf->cap) {
        buf->cap = (buf->cap + len) * 2;
        buf->code = mem_grow(buf->code, sizeof *buf->code + buf->cap);
    }
    uint8_t *p = buf->code->data + buf->code->len;
    buf->code->len += (uint32_t)len;
    return p;
}

static bool put(struct keybuf *buf, uint64_t value, size_t bytes)
{
    uint8_t *p = extend(buf, bytes);
    for (size_t i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
    return true;
}

static bool parse_int(const char *p, size_t len, int64_t *value)
{
    bool negative = len && *p == '-';
    uint64_t v = 0;
    for (size_t i = negative; i < len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(p[i] - '0');
    }
    *value = (int64_t)(negative ? -v : v);
    return len > negative && len - negative <= 19;
}

/* Sign-extended from 2, 4 or 8 bytes. */
static bool load_int(const struct value *v, int64_t *value)
{
    switch (v->len) {
    case 2: *value = (int16_t)load16(v->data); return true;
    case 4: *value = (int32_t)load32(v->data); return true;
    case 8: *value = (int64_t)load64(v->data); return true;
    default: return false;
    }
}

static bool encode_int(struct keybuf *buf, const struct value *v)
{
    int64_t i;
    bool ok = v->kind == VALUE_BINARY ? load_int(v, &i) : parse_int(v->data, v->len, &i);
    return ok && put(buf, (uint64_t)i ^ SIGN, 8);
}

static bool encode_oid(struct keybuf *buf, const struct value *v)
{
    int64_t i;
    if (v->kind == VALUE_BINARY) {
        return v->len == 4 && put(buf, load32(v->data), 4);
    }
    return parse_int(v->data, v->len, &i) && i >= 0 && i <= UINT32_MAX && put(buf, (uint64_t)i, 4);
}

static bool encode_bool(struct keybuf *buf, const struct value *v)
{
    return v->len == 1 && put(buf, *v->data == 't' || *v->data == 1, 1);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool encode_uuid(struct keybuf *buf, const struct value *v)
{
    size_t digits = 0;
    uint8_t *p = extend(buf, 16);
    if (v->kind == VALUE_BINARY) {
        memcpy(p, v->data, v->len == 16 ? 16 : 0);
        return v->len == 16;
    }
    memset(p, 0, 16);
    for (size_t i = 0; i < v->len; i++) {
        int digit = hex_digit(v->data[i]);
        if (digit >= 0 && digits < 32) {
            p[digits / 2] |= (uint8_t)(digit << (digits % 2 ? 0 : 4));
            digits++;
        }
    }
    return digits == 32;
}

static bool encode_text(struct keybuf *buf, const char *data, size_t len)
{
    uint8_t *p = extend(buf, len + 1);
    memcpy(p, data, len);
    p[len] = 0;
    return true;
}

static bool encode_bpchar(struct keybuf *buf, const struct value *v)
{
    size_t len = v->len;
    while (len && v->data[len - 1] == ' ') {
        len--;
    }
    return encode_text(buf, v->data, len);
}

/* From text, "\x…": the only form in which a chunk or the stream brings a key of this type. */
static bool encode_bytea(struct keybuf *buf, const struct value *v)
{
    if (v->len < 2 || v->len % 2 || v->data[0] != '\\' || v->data[1] != 'x') {
        return false;
    }
    for (size_t i = 2; i < v->len; i += 2) {
        int high = hex_digit(v->data[i]), low = hex_digit(v->data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        put(buf, (uint64_t)high << 4 | (uint64_t)low, 1);
        if (high + low == 0) {
            put(buf, 0xff, 1);
        }
    }
    return put(buf, 1, 2);
}

static bool encode_time(struct keybuf *buf, const struct value *v)
{
    struct timecode time;
    return timecode_parse(v->data, v->len, &time) && put(buf, (uint64_t)time.days ^ SIGN, 8) &&
           put(buf, (uint64_t)time.us, 8);
}

static bool encode_opaque(struct keybuf *buf, const struct value *v)
{
    put(buf, v->len, 4);
    memcpy(extend(buf, v->len), v->data, v->len);
    return true;
}

bool keycode_value(struct keybuf *buf, const struct merge_key *key, int column,
                   const struct value *v)
{
    if (v->kind != VALUE_TEXT && v->kind != VALUE_BINARY) {
        return false;
    }
    switch (key->server ? KEY_SERVER : key->orders[column]) {
    case KEY_INT: return encode_int(buf, v);
    case KEY_OID: return encode_oid(buf, v);
    case KEY_BOOL: return encode_bool(buf, v);
    case KEY_UUID: return encode_uuid(buf, v);
    case KEY_TEXT: return encode_text(buf, v->data, v->len);
    case KEY_BPCHAR: return encode_bpchar(buf, v);
    case KEY_BYTEA: return encode_bytea(buf, v);
    case KEY_TIME: return encode_time(buf, v);
    case KEY_SERVER: break;
    }
    return encode_opaque(buf, v);
}

typedef const uint8_t *value_reader(const uint8_t *p, struct value *value);

/* Key columns may be in any order in the table: one walk over the tuple finds them all. */
static void find_values(struct value *values, const struct relation *relation, const uint8_t *tuple,
                        value_reader *next)
{
    int found = 0;
    const uint8_t *p = tuple_first(tuple);
    for (int i = 0; i < relation->column_count && found < relation->key_count; i++) {
        struct value value;
        p = next(p, &value);
        for (int k = 0; k < relation->key_count; k++) {
            if (relation->key[k] == i) {
                value.kind = relation->columns[i].text ? VALUE_TEXT : value.kind;
                values[k] = value;
                found++;
            }
        }
    }
}

static bool encode_values(struct keybuf *buf, const struct merge_key *key,
                          const struct value *values)
{
    start(buf);
    for (int k = 0; k < key->count; k++) {
        if (!keycode_value(buf, key, k, &values[k])) {
            return false;
        }
    }
    return true;
}

bool keycode_wal(struct keybuf *buf, const struct merge_key *key, const struct relation *relation,
                 const uint8_t *tuple, const uint8_t *old)
{
    struct value values[KEY_COLUMNS_MAX] = {{0}}, olds[KEY_COLUMNS_MAX] = {{0}};
    find_values(values, relation, tuple, tuple_wal_next);
    if (old) {
        find_values(olds, relation, old, tuple_wal_next);
    }
    for (int k = 0; k < key->count; k++) {
        values[k] = values[k].kind == VALUE_UNCHANGED ? olds[k] : values[k];
    }
    return encode_values(buf, key, values);
}

bool keycode_copy(struct keybuf *buf, const struct merge_key *key, const struct relation *relation,
                  const uint8_t *tuple)
{
    struct value values[KEY_COLUMNS_MAX] = {{0}};
    find_values(values, relation, tuple, tuple_row_next);
    return encode_values(buf, key, values);
}

bool keycode_changed(const struct relation *relation, const uint8_t *old, const uint8_t *tuple)
{
    struct value values[KEY_COLUMNS_MAX] = {{0}}, olds[KEY_COLUMNS_MAX] = {{0}};
    find_values(values, relation, tuple, tuple_wal_next);
    find_values(olds, relation, old, tuple_wal_next);
    for (int k = 0; k < relation->key_count; k++) {
        if (values[k].kind != VALUE_UNCHANGED &&
            (values[k].kind != olds[k].kind || values[k].len != olds[k].len ||
             (values[k].len && memcmp(values[k].data, olds[k].data, values[k].len) != 0))) {
            return true;
        }
    }
    return false;
}

struct keycode *keycode_of(const struct merge_key *key, const struct key *text)
{
    struct keybuf buf = {0};
    bool ok = text->count == key->count;
    start(&buf);
    for (int i = 0; ok && i < key->count; i++) {
        const struct key_column *column = &text->columns[i];
        ok = keycode_value(&buf, key, i,
                           &(struct value){VALUE_TEXT, (uint32_t)column->len, column->text});
    }
    if (!ok) {
        keybuf_free(&buf);
    }
    return buf.code;
}

int keycode_compare(const struct keycode *a, const struct keycode *b)
{
    int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

const char *keycode_column(const struct keycode *code, int column, size_t *len)
{
    const uint8_t *p = code->data;
    while (column-- > 0) {
        p += 4 + load32(p);
    }
    *len = load32(p);
    return (const char *)p + 4;
}

/* FNV-1a, folded. */
uint32_t keycode_hash(const struct keycode *key)
{
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < key->len; i++) {
        hash = (hash ^ key->data[i]) * 1099511628211U;
    }
    return (uint32_t)(hash ^ hash >> 32);
}
