/* Sizes in words. */
#include "base/size.h"

#include <stdio.h>

struct size_text size_format(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB"};
    struct size_text text;
    double value = (double)bytes;
    int unit = 0;
    while (value >= 10240 && unit < 2) {
        value /= 1024;
        unit++;
    }
    if (unit == 2 && value >= 1024) {
        snprintf(text.s, sizeof text.s, "%.1f GiB", value / 1024);
    } else {
        snprintf(text.s, sizeof text.s, "%.0f %s", value, units[unit]);
    }
    return text;
}
