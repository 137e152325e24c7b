# The libraries that the connector stands on, each as one imported target.
find_package(Threads REQUIRED)

# find_dependency_library(TARGET HEADER LIBRARY PACKAGE [HINT ...])
# PACKAGE is what to install on Debian when it is missing.
function(find_dependency_library target header library package)
    find_path(${target}_INCLUDE ${header} PATH_SUFFIXES ${ARGN})
    find_library(${target}_LIBRARY ${library})
    if(NOT ${target}_INCLUDE OR NOT ${target}_LIBRARY)
        message(FATAL_ERROR "${header} or lib${library} is missing: install ${package}")
    endif()
    add_library(${target} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION "${${target}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${${target}_INCLUDE}"
        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${${target}_INCLUDE}")
endfunction()

find_dependency_library(libpq libpq-fe.h pq libpq-dev postgresql)
find_dependency_library(libssl openssl/ssl.h ssl libssl-dev)
find_dependency_library(libcrypto openssl/err.h crypto libssl-dev)
find_dependency_library(ck ck_ring.h ck libck-dev)
find_dependency_library(cjson cJSON.h cjson libcjson-dev cjson)
find_dependency_library(libprotobuf_c protobuf-c/protobuf-c.h protobuf-c libprotobuf-c-dev)
find_program(PROTOC_C protoc-c)
if(NOT PROTOC_C)
    message(FATAL_ERROR "protoc-c is missing: install protobuf-c-compiler")
endif()
find_dependency_library(libssh libssh/libssh.h ssh libssh-dev)
find_dependency_library(libmicrohttpd microhttpd.h microhttpd libmicrohttpd-dev)
find_dependency_library(libzstd zstd.h zstd libzstd-dev)
find_dependency_library(libuuid uuid.h uuid uuid-dev uuid)
if(BUILD_TESTING)
    find_dependency_library(criterion criterion/criterion.h criterion libcriterion-dev)
endif()
