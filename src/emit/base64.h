/*
 * Base64 as RFC 4648 has it, with padding.
 *
 * Where the processor shuffles bytes, 12 are encoded at once (SSSE3, looked for as the program
 * runs) or 48 (NEON on aarch64); what is left, and all of it elsewhere, goes three at a time. How a
 * vector is taken apart and its letters are found: Wojciech Muła, Daniel Lemire, "Faster Base64
 * Encoding and Decoding Using AVX2 Instructions", ACM Transactions on the Web 12(3), 2018, section
 * 3. The portable path must give the same bytes, and is public for the tests to prove it.
 */
#ifndef EMIT_BASE64_H
#define EMIT_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* What `len` bytes become, padding included. */
#define BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)

/* Encode to `p`, which has BASE64_LEN(len) bytes; returns the end of the text. No NUL. */
char *base64_encode(char *p, const uint8_t *s, size_t len);
char *base64_encode_portable(char *p, const uint8_t *s, size_t len);

#endif
