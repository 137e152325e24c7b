# Warnings are errors; the sanitizers and link-time optimisation are chosen by the presets.
add_compile_options(
    -Wall -Wextra -Werror -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-align -Wwrite-strings -Wundef -Wvla
    -Wformat=2 -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wnull-dereference
    -Wdouble-promotion -fno-strict-aliasing -fno-omit-frame-pointer)
add_compile_definitions(_GNU_SOURCE)

# What makes a bug harder to use for others: checked on the executable by tests/system/test_hardening.py.
include(CheckCCompilerFlag)
add_compile_options(-fPIE)
add_link_options(-pie)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug") # which needs optimisation
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
add_compile_options(-fstack-protector-strong)
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "HAS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        add_compile_options(${flag})
    endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

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
