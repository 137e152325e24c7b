/* Sizes in words: one form for all messages, "92 MiB", "1.5 GiB". */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdint.h>

struct size_text {
    char s[32];
};

/* Returned by value, so that it can be used in place: size_format(x).s */
struct size_text size_format(uint64_t bytes);

#endif
