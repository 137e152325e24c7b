# add_layer(NAME [USES layer-or-library ...]): one static library from src/NAME/*.c, with its public
# headers in include/NAME. It sees the headers of what it uses, and nothing else's code links in.
function(add_layer name)
    cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.c")
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}/include"
                               PRIVATE "${CMAKE_SOURCE_DIR}/src/${name}")
    target_link_libraries(${name} PUBLIC ${ARG_USES})
endfunction()

# add_layer_tests(NAME): one Criterion program from tests/unit/NAME/*.c, linked with that layer alone.
function(add_layer_tests name)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${name}/*.c")
    add_executable(test_${name} ${sources})
    target_link_libraries(test_${name} PRIVATE ${name} criterion)
    target_include_directories(test_${name} PRIVATE "${CMAKE_SOURCE_DIR}/src/${name}"
                               "${CMAKE_SOURCE_DIR}/tests/unit")
    # Criterion's macros are not written to our warnings.
    target_compile_options(test_${name} PRIVATE -Wno-conversion -Wno-pedantic -Wno-missing-prototypes)
    add_test(NAME unit.${name} COMMAND test_${name} --jobs 2)
endfunction()
