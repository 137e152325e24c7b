/* Finding the option that a user may have meant by an unknown one. */
#include "base/nearest.h"

#include <limits.h>
#include <string.h>

#include "option.h"

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
        int whole = nearest_distance(path, options[i].path);
        int leaf = nearest_distance(leaf_of(path), leaf_of(options[i].path)) + 1;
        int cost = whole < leaf ? whole : leaf;
        if (cost < least && !(options[i].flags & OPTION_HIDDEN)) {
            least = cost;
            nearest = &options[i];
        }
    }
    return nearest;
}
