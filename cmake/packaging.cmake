# What is installed beside the program, and the Debian package that `cpack` makes of it: see docs/deploy.md.
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
        PATTERN alerts_test.yml EXCLUDE PATTERN render.py EXCLUDE PATTERN draw.py EXCLUDE PATTERN completion EXCLUDE
        PATTERN source-postgres.1 EXCLUDE)
install(FILES packaging/kubernetes.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES docs/source-postgres.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/completion/source-postgres.bash RENAME source-postgres
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
set(zsh_completions "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr") # where Debian's zsh leaves site-functions to the administrator
    set(zsh_completions "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")
endif()
install(FILES docs/completion/_source-postgres DESTINATION ${zsh_completions})
# systemd reads it below /usr/local, too.
configure_file(packaging/source-postgres@.service.in source-postgres@.service @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/source-postgres@.service" DESTINATION lib/systemd/system)

set(PACKAGE_CONTACT "source-postgres <source-postgres@localhost>" CACHE STRING "Maintainer of the Debian package")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME source-postgres)
set(CPACK_PACKAGE_VERSION "${version}")
set(CPACK_PACKAGE_CONTACT "${PACKAGE_CONTACT}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_SOURCE_DIR}/packaging/debian/compress.cmake")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "capture of PostgreSQL tables and their changes as JSON lines")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"source-postgres reads every row that is in a table and then, through logical
replication, every change, in the order of the commits, each exactly once. It
writes files by itself, and speaks the protocols of Airbyte and Estuary Flow.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/packaging/debian/postinst"
    "${CMAKE_SOURCE_DIR}/packaging/debian/prerm" "${CMAKE_SOURCE_DIR}/packaging/debian/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
