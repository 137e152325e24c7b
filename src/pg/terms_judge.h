/* The two halves of terms_judge. */
#ifndef PG_TERMS_JUDGE_H
#define PG_TERMS_JUDGE_H

#include "pg/terms.h"

/* The verdict, if it is graver than what was found before. */
void judge(struct terms_verdict *, enum terms_change, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool judge_leaves(struct pg *, const struct terms *was, const struct terms *now, enum terms_use,
                  uint32_t truncated, struct terms_verdict *, struct err *);

#endif
