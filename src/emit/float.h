/*
 * Floating point numbers as PostgreSQL prints them: the shortest digits that read back as the same
 * value, fixed notation for moderate exponents, otherwise d.ddde+XX.
 *
 * Not for NaN and the infinities.
 */
#ifndef EMIT_FLOAT_H
#define EMIT_FLOAT_H

enum { FLOAT_TEXT = 40 }; /* room for the longest, of 24 ("-2.2250738585072014e-308"), and some */

/* Write at `p`, which has room for FLOAT_TEXT bytes; returns the end. No NUL. */
char *float8_print(char *p, double v);
char *float4_print(char *p, float v);

#endif
