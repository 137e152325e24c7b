/*
 * Whether float4 values print as the server prints them, for test_float4.py: the server's texts of
 * the values whose bits are FIRST and those that follow, COUNT in all, come on standard input, a
 * line each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/out.h"
#include "emit/value.h"
#include "writers.h"

/* The server prints numbers as in JSON, except these words. */
static bool is_word(const char *text)
{
    return strchr("NI", text[text[0] == '-']) != NULL;
}

static bool differs(const char *theirs, const char *ours, size_t len)
{
    size_t quote = is_word(theirs);
    return len != strlen(theirs) + 2 * quote || memcmp(ours + quote, theirs, len - 2 * quote) != 0;
}

int main(int argc, char **argv)
{
    char line[64], ours[64];
    struct out none;
    out_init(&none, 64);
    uint32_t bits = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 16) : 0;
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0, judged = 0;
    for (; fgets(line, sizeof line, stdin); judged++, bits++) {
        uint8_t sent[4];
        line[strcspn(line, "\n")] = '\0';
        store32(sent, bits);
        size_t len = (size_t)(float4_binary(&none, ours, NULL, (const char *)sent, 4) - ours);
        if (differs(line, ours, len)) {
            fprintf(stderr, "bits %08" PRIx32 ": %.*s and not %s\n", bits, (int)len, ours, line);
            return EXIT_FAILURE;
        }
    }
    out_free(&none);
    if (judged != count) {
        fprintf(stderr, "%" PRIu64 " values came, and not %" PRIu64 "\n", judged, count);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
