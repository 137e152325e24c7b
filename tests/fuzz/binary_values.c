/* The binary form of any type that has one. Input: a byte that chooses the type, then the value. */
#include "printing.h"
#include "types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Forms that are text, or hold some, come in the client's encoding: never anything but UTF-8. */
static bool holds_text(const struct type *type)
{
    switch (type->oid) {
    case OID_TEXT:
    case OID_BPCHAR:
    case OID_NAME:
    case OID_JSON: return true;
    default: return type->oid >= 50000;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    const struct type *type = &fuzz_scalars[data[0] % FUZZ_SCALARS];
    value_writer *writer = value_binary_writer(type);
    size_t len = size - 1;
    if (!writer) {
        return -1;
    }
    char *value = malloc(len ? len : 1);
    memcpy(value, data + 1, len);
    if (holds_text(type)) {
        valid_mend(value, len);
    }
    printing_expect(writer, type, value, (uint32_t)len);
    free(value);
    return 0;
}
