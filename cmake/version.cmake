# find_version(RESULT): -DVERSION=..., else what git knows of this source, else the file VERSION.
#
#   v1.2.0 is this commit's tag               1.2.0
#   it is the tag of five commits before      1.2.0+5.g0123456789
#   there is no tag, in all twenty commits    what the file says, +20.g0123456789
#   files differ from the commit              .dirty behind that
#
# `cmake -P cmake/version.cmake` prints it.

get_filename_component(version_root "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
file(STRINGS "${version_root}/VERSION" base_version LIMIT_COUNT 1)

function(ask_git result)
    execute_process(COMMAND git -C "${version_root}" ${ARGN} OUTPUT_VARIABLE answer RESULT_VARIABLE status
                    ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT status EQUAL 0)
        set(answer "")
    endif()
    set(${result} "${answer}" PARENT_SCOPE)
endfunction()

function(version_of_git result)
    ask_git(described describe --tags --long --dirty --abbrev=10 --match "v[0-9]*")
    if(NOT described)
        ask_git(commit describe --always --dirty --abbrev=10 --exclude "*")
        ask_git(count rev-list --count HEAD)
        set(described "v${base_version}-${count}-g${commit}")
    endif()
    if(described MATCHES "^v(.+)-0-g[0-9a-f]+$")
        set(version "${CMAKE_MATCH_1}")
    elseif(described MATCHES "^v(.+)-([0-9]+)-(g[0-9a-f]+)(-dirty)?$")
        set(version "${CMAKE_MATCH_1}+${CMAKE_MATCH_2}.${CMAKE_MATCH_3}")
        if(CMAKE_MATCH_4)
            string(APPEND version ".dirty")
        endif()
    endif()
    set(${result} "${version}" PARENT_SCOPE)
endfunction()

function(find_version result)
    set(version "${VERSION}")
    if(NOT version AND EXISTS "${version_root}/.git") # not a tarball's in somebody else's repository
        version_of_git(version)
    endif()
    if(NOT version)
        set(version "${base_version}")
    endif()
    set(${result} "${version}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    find_version(version)
    execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${version}")
endif()
