/* The binary form of any type that has one. Input: a byte that chooses the type, then the value. */
#include "printing.h"
#include "types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    const struct type *type = &fuzz_scalars[data[0] % FUZZ_SCALARS];
    size_t len = size - 1;
    if (!value_binary_writer(type)) {
        return -1;
    }
    char *value = malloc(len ? len : 1);
    memcpy(value, data + 1, len);
    printing_expect_binary(type, value, (uint32_t)len);
    free(value);
    return 0;
}
