/* Percent-encoding, and numbered files. */
#include "name.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/out.h"

enum {
    NAME_MOST = 240, /* bytes; file systems allow 255, and some a few less */
    NAME_KEPT = 180, /* of a name that is longer, before its hash */
    HASH_BYTES = 16,
    DIGITS_MOST = 16, /* of a file's number */
};

static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

static void encode(struct out *out, const char *part)
{
    for (const char *p = part; *p; p++) {
        if (strchr(plain, *p) && !(p == part && *p == '-')) {
            out_char(out, *p);
        } else {
            out_format(out, "%%%02x", (unsigned char)*p);
        }
    }
}

/* Shorten the name: as many whole characters as fit, then a hash. The dot marks it as a table's,
 * and no other name contains %~. */
static void shorten(struct out *out, const char *schema, const char *table)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char *both = mem_format("%s.%s.%zu", schema, table, strlen(schema));
    SHA256((const unsigned char *)both, strlen(both), hash);
    free(both);
    out->len = NAME_KEPT;
    for (size_t i = 1; i <= 2; i++) {
        out->len = out->data[NAME_KEPT - i] == '%' ? NAME_KEPT - i : out->len;
    }
    out_string(out, ".%~");
    for (int i = 0; i < HASH_BYTES; i++) {
        out_format(out, "%02x", hash[i]);
    }
}

char *directory_name(const char *schema, const char *table)
{
    struct out out;
    out_init(&out, 256);
    encode(&out, schema);
    out_char(&out, '.');
    encode(&out, table);
    if (out.len > NAME_MOST) {
        shorten(&out, schema, table);
    }
    char *name = mem_string(out_text(&out));
    if (!strcmp(name, "state.json")) { /* which the state's own file has */
        free(name);
        name = mem_string("%73tate.json");
    }
    out_free(&out);
    return name;
}

bool directory_name_is_sound(const char *name)
{
    size_t len = strlen(name);
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-%~.") == len &&
           *name != '.' && strchr(name, '.') && len < 256 && strcmp(name, "state.json") != 0;
}

struct file_name file_name(uint64_t number, bool zstd, bool open)
{
    struct file_name name;
    snprintf(name.s, sizeof name.s, "%08" PRIu64 ".jsonl%s%s", number, zstd ? ".zst" : "",
             open ? ".open" : "");
    return name;
}

bool file_name_parse(const char *name, uint64_t *number, bool *zstd, bool *open)
{
    size_t digits = strspn(name, "0123456789");
    if (!digits || digits > DIGITS_MOST) {
        return false;
    }
    *number = strtoull(name, NULL, 10);
    for (int form = 0; form < 4; form++) {
        *zstd = form & 1;
        *open = form & 2;
        if (*number && !strcmp(file_name(*number, *zstd, *open).s, name)) {
            return true;
        }
    }
    return false;
}
