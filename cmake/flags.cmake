# Warnings are errors; the sanitizers and link-time optimisation are chosen by the presets.
add_compile_options(
    -Wall -Wextra -Werror -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-align -Wwrite-strings -Wundef -Wvla
    -Wformat=2 -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wnull-dereference
    -Wdouble-promotion -fno-strict-aliasing -fno-omit-frame-pointer)
add_compile_definitions(_GNU_SOURCE)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
add_compile_options(-fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now)

if(CRASH_POINTS)
    add_compile_definitions(CRASH_POINTS)
endif()

if(SANITIZE)
    string(REPLACE ";" "," sanitizers "${SANITIZE}")
    add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -U_FORTIFY_SOURCE)
    add_link_options(-fsanitize=${sanitizers})
endif()

# The code under test tells libFuzzer where it has been; the targets alone have libFuzzer's main().
if(BUILD_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()

# What the compiler cannot prove at -O2 or with instrumentation it must not shout about.
if(SANITIZE OR CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    add_compile_options(-Wno-null-dereference $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
