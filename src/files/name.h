/* Names of directories and files. */
#ifndef FILES_NAME_H
#define FILES_NAME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The directory of a table, new: "schema.table", of which lower-case letters, digits, _ and - stay,
 * and every other byte is %xx. No two tables share one, not even if the file system ignores case. A
 * name that would be too long for one ends in a hash.
 */
char *directory_name(const char *schema, const char *table);

/* Whether it could be such a name. A sound name cannot lead to another directory (no "..", no
 * slash). */
bool directory_name_is_sound(const char *name);

/* 00000001.jsonl, or of a file that is being written 00000001.jsonl.open; .jsonl.zst if compressed.
 * */
struct file_name {
    char s[48];
};
struct file_name file_name(uint64_t number, bool zstd, bool open);

/* Parse such a name; false: it is not one. */
bool file_name_parse(const char *name, uint64_t *number, bool *zstd, bool *open);

#endif
