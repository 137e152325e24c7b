/*
 * Invariants that follow from our own code alone, checked in every build. If one does not hold,
 * continuing could lose or invent rows, so the process ends; a new one continues from the last
 * checkpoint. Input from outside is never checked with it: bad input is an error.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(holds)                                                                               \
    (__builtin_expect(!!(holds), 1) ? (void)0 : check_failed(#holds, __FILE__, __LINE__))

/*
 * Write to standard error why the process ends. Any thread. Does not block: the line is dropped if
 * standard error cannot take it.
 */
void last_words(const char *format, ...) __attribute__((format(printf, 1, 2)));

void check_failed(const char *what, const char *file, int line) __attribute__((noreturn, cold));

#endif
