/*
 * Writing frames of protobuf.
 *
 * A message whose length is not known when it begins gets a head with room for it: a varint may be
 * longer than it must, so five bytes hold any length of 35 bits.
 *
 *   discovered  LLLL 12 VVVVV             { 0A length binding }
 *   captured    LLLL 32 VVVVV 08 BBBBB 12 VVVVV  document
 */
#include "proto.h"

#include <string.h>

#include "base/mem.h"

enum {
    LENGTH = 4,         /* of the frame */
    VARINT = 5,         /* a padded one */
    FIELD = 1 + VARINT, /* its tag, and a length or a number */
    DISCOVERED_HEAD = LENGTH + FIELD,
    CAPTURED_HEAD = LENGTH + 3 * FIELD,
};

/* Wire types are in the lowest three bits of a tag, the field's number above. */
enum { NUMBER = 0, BYTES = 2 };
#define TAG(field, type) ((char)((field) << 3 | (type)))

static void put_length(char *to, size_t len)
{
    for (int i = 0; i < LENGTH; i++) {
        to[i] = (char)(len >> 8 * i & 0xFF);
    }
}

static void put_padded(char *to, size_t value)
{
    for (int i = 0; i < VARINT; i++) {
        to[i] = (char)((value >> 7 * i & 0x7F) | (i < VARINT - 1 ? 0x80 : 0));
    }
}

void proto_write(struct out *out, const Capture__Response *response)
{
    size_t len = capture__response__get_packed_size(response);
    char *to = out_reserve(out, LENGTH + len);
    put_length(to, len);
    capture__response__pack(response, (uint8_t *)to + LENGTH);
    out_commit(out, to + LENGTH + len);
}

void proto_begin_discovered(struct out *out)
{
    char *to = out_reserve(out, DISCOVERED_HEAD);
    memset(to, 0, DISCOVERED_HEAD);
    to[LENGTH] = TAG(2, BYTES);
    out_commit(out, to + DISCOVERED_HEAD);
}

void proto_add_discovered(struct out *out, const Capture__Response__Discovered__Binding *binding)
{
    size_t len = protobuf_c_message_get_packed_size(&binding->base);
    char *to = out_reserve(out, FIELD + len);
    to[0] = TAG(1, BYTES);
    put_padded(to + 1, len);
    protobuf_c_message_pack(&binding->base, (uint8_t *)to + FIELD);
    out_commit(out, to + FIELD + len);
}

void proto_end_discovered(struct out *out, size_t start)
{
    size_t len = out->len - start;
    put_length(out->data + start, len - LENGTH);
    put_padded(out->data + start + LENGTH + 1, len - DISCOVERED_HEAD);
}

static void close_captured(char *record, size_t len)
{
    put_length(record, len - LENGTH);
    put_padded(record + LENGTH + 1, len - LENGTH - FIELD);
    put_padded(record + CAPTURED_HEAD - VARINT, len - CAPTURED_HEAD);
}

void proto_captured(struct frame *frame, uint32_t binding)
{
    char *head = mem_zero(CAPTURED_HEAD);
    head[LENGTH] = TAG(6, BYTES);
    head[LENGTH + FIELD] = TAG(1, NUMBER);
    put_padded(head + LENGTH + FIELD + 1, binding);
    head[LENGTH + 2 * FIELD] = TAG(2, BYTES);
    frame->head = head;
    frame->head_len = CAPTURED_HEAD;
    frame->close = close_captured;
    frame->tail = "";
}
