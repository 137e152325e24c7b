/* The distance between names. */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

enum { LETTERS = 64 }; /* of a name that are looked at */

struct letters {
    char s[LETTERS];
    int count;
};

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

int nearest_distance(const char *from, const char *to)
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

void nearest_offer(struct nearest *n, const char *name)
{
    int distance = nearest_distance(n->wanted, name);
    if (!n->name || distance < n->distance) {
        n->name = name;
        n->distance = distance;
    }
}

bool nearest_found(const struct nearest *n)
{
    struct letters wanted = letters_of(n->wanted), name = letters_of(n->name ? n->name : "");
    bool begins = wanted.count && wanted.count <= name.count &&
                  !memcmp(wanted.s, name.s, (size_t)wanted.count);
    return begins || (n->name && n->distance <= wanted.count / 2);
}
