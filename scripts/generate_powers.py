#!/usr/bin/env python3
"""Print src/emit/float_powers.c: 128 significant bits of every power of ten that printing floats needs.

    scripts/generate_powers.py > src/emit/float_powers.c

Entry i stands for 10^(i - 292) = g * 2^(e - 127) with 2^127 <= g < 2^128, e = floor(log2(10^(i - 292))),
rounded down and one added, so that a product with it is never below the true one.
"""

LOWEST, HIGHEST = -292, 324


def significant_bits(power):
    """floor(10^power * 2^(127 - e)) + 1, in exact integer arithmetic."""
    if power >= 0:
        value = 10**power
        shift = 128 - value.bit_length()
        bits = value << shift if shift >= 0 else value >> -shift
    else:
        divisor = 10**-power
        bits = (1 << (127 + divisor.bit_length())) // divisor
        if bits.bit_length() > 128:
            bits >>= bits.bit_length() - 128
    assert bits.bit_length() == 128
    return bits + 1


def main():
    print("/* Powers of ten. Made by scripts/generate_powers.py: do not edit. */")
    print('#include "float_powers.h"\n')
    print("/* clang-format off */")
    print("const struct power float_powers[FLOAT_POWER_MAX - FLOAT_POWER_MIN + 1] = {")
    entries = []
    for power in range(LOWEST, HIGHEST + 1):
        high, low = divmod(significant_bits(power), 1 << 64)
        entries.append(f"{{0x{high:016x}, 0x{low:016x}}},")
    for i in range(0, len(entries), 2):
        print("    " + " ".join(entries[i : i + 2]))
    print("};")


main()
