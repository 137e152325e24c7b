/* Frames of the protocol: a type, Int32 length with itself, and a body. Nothing here does I/O. */
#ifndef PG_MESSAGE_H
#define PG_MESSAGE_H

#include "pg/wire.h"

enum {
    MESSAGE_HEADER = 5,
    MESSAGE_MAX = 0x3fffffff, /* the server makes none larger */
};

/*
 * The size with its header of the message that begins at `p`, of which `count` bytes are here: 0 if
 * these are too few to tell, SIZE_MAX if no server sends such a message.
 */
size_t message_size(const char *p, size_t count);

/* The fields of an error or a notice: byte code, string, … zero byte. "" where it has none. */
const char *message_field(const struct message *, char code);

#endif
