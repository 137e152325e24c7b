/*
 * Invariants, looked at in every build: what follows from our own code alone. Where one does not hold,
 * going on could lose or invent rows; so the process ends, and what was captured is proved by the
 * last checkpoint. Bytes from outside are never checked by it: they are an error.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(holds)                                                                               \
    (__builtin_expect(!!(holds), 1) ? (void)0 : check_failed(#holds, __FILE__, __LINE__))

/*
 * Say on standard error what ends the process. Any thread. Waits for no reader: the line is dropped
 * if standard error takes nothing.
 */
void last_words(const char *format, ...) __attribute__((format(printf, 1, 2)));

void check_failed(const char *what, const char *file, int line) __attribute__((noreturn, cold));

#endif
