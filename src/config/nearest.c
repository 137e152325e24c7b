/* Finding the option that somebody may have meant. */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "option.h"

enum { LETTERS = 64 }; /* of a name that are looked at */

struct letters {
    char s[LETTERS];
    int count;
};

/* Letters and digits alone, in lower case: slotName, slot_name and slot-name are one. */
static struct letters letters_of(const char *text)
{
    struct letters letters = {.count = 0};
    for (; *text && letters.count < LETTERS; text++) {
        if (isalnum((unsigned char)*text)) {
            letters.s[letters.count++] = (char)tolower((unsigned char)*text);
        }
    }
    return letters;
}

static int min3(int a, int b, int c)
{
    int less = a < b ? a : b;
    return less < c ? less : c;
}

/* How many letters to insert, delete or replace to get from one to the other (Levenshtein). */
static int distance(const char *from, const char *to)
{
    struct letters a = letters_of(from), b = letters_of(to);
    int row[LETTERS + 1] = {0};
    for (int j = 0; j <= b.count; j++) {
        row[j] = j;
    }
    for (int i = 1; i <= a.count; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= b.count; j++) {
            int above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a.s[i - 1] != b.s[j - 1]));
            diagonal = above;
        }
    }
    return row[b.count];
}

static const char *leaf_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const struct option *option_nearest(const char *path)
{
    const struct option *nearest = &options[0];
    int least = INT_MAX;
    for (int i = 0; i < option_count; i++) {
        int whole = distance(path, options[i].path);
        int leaf = distance(leaf_of(path), leaf_of(options[i].path)) + 1;
        int cost = whole < leaf ? whole : leaf;
        if (cost < least && !(options[i].flags & OPTION_HIDDEN)) {
            least = cost;
            nearest = &options[i];
        }
    }
    return nearest;
}
