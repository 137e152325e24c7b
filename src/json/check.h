/* Whether a text is JSON, and where it stops being that. */
#ifndef JSON_CHECK_H
#define JSON_CHECK_H

#include <stddef.h>

struct json_fault {
    const char *at;     /* in the text */
    const char *reason; /* a static sentence without its subject's value */
};

/* NULL reason: it is. */
struct json_fault json_check(const char *text, size_t len);

#endif
