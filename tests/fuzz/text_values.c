/* The text form of any type. Input: a byte that chooses the type, then the text. */
#include "printing.h"
#include "types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    struct type array;
    const struct type *type = fuzz_type(data[0], &array);
    char *text = malloc(size); /* of exactly this size: a read past the end shows */
    memcpy(text, data + 1, size - 1);
    if (type->class != TYPE_COMPOSITE) {
        valid_mend(text, size - 1);
    }
    char *exact = realloc(text, size - 1 ? size - 1 : 1);
    printing_expect_text(type, exact, (uint32_t)(size - 1));
    free(exact);
    return 0;
}
