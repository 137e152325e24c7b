/* Words of JSON and short texts at `p`, which has the room; returns where they end. No NUL. */
#ifndef EMIT_WORD_H
#define EMIT_WORD_H

static inline char *put_word(char *p, const char *word)
{
    while (*word) {
        *p++ = *word++;
    }
    return p;
}

#endif
