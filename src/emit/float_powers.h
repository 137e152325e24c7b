/* Powers of ten to 128 bits, for float.c alone. */
#ifndef EMIT_FLOAT_POWERS_H
#define EMIT_FLOAT_POWERS_H

#include <stdint.h>

enum { FLOAT_POWER_MIN = -292, FLOAT_POWER_MAX = 324 };

struct power {
    uint64_t high, low;
};

/* [i] is 10^(i + FLOAT_POWER_MIN), scaled so that its highest bit is set, rounded up. */
extern const struct power float_powers[FLOAT_POWER_MAX - FLOAT_POWER_MIN + 1];

#endif
