/*
 * Micro benchmarks of what runs once a row or a value. Figures are of one thread, with everything
 * in the cache: they tell one version from another, not how fast a capture is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subjects.h"

static int usage(FILE *to, int code)
{
    fputs("Usage: bench_micro [--quick] [NAME ...]\n"
          "Measures all subjects, or those whose names begin so: decode, key, ring, escape, value, "
          "bytea, record, printing.\n"
          "MB/s counts the bytes that PostgreSQL sends.\n",
          to);
    return code;
}

int main(int argc, char **argv)
{
    struct measure m = {.repetitions = 9, .repetition_ms = 40};
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
        m.repetitions = 3;
        m.repetition_ms = 1;
        first = 2;
    }
    if (argc > first && argv[first][0] == '-') {
        bool help = strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0;
        return help ? usage(stdout, EXIT_SUCCESS) : usage(stderr, EXIT_FAILURE);
    }
    m.wanted = (const char *const *)argv + first;
    printf("%-34s %10s %10s %10s\n", "", "median ns", "least ns", "MB/s");
    bench_decode(&m);
    bench_key(&m);
    bench_ring(&m);
    bench_escape(&m);
    bench_value(&m);
    bench_bytea(&m);
    bench_record(&m);
    bench_printing(&m);
    return EXIT_SUCCESS;
}
