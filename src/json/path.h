/* Where in a document, as text for an error: "state: streams[\"public.t\"].ranges[2].scanned". */
#ifndef JSON_PATH_H
#define JSON_PATH_H

#include "json/json.h"

struct json_path {
    char s[512]; /* cut off where it is longer */
};

struct json_path json_path(const struct json_at *);

#endif
