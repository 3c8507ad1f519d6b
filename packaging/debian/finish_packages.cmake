# Run by CPack for the packages that it made, to bring them where Debian's policy wants them:
#   man pages are compressed, and zsh's completions are where Debian's zsh looks for them
#   a shared library for the linker has its shlibs file, and a trigger in place of maintainer scripts that call ldconfig
#   md5sums are those of the files as they now are
foreach(package ${CPACK_PACKAGE_FILES})
  set(folder ${CPACK_TEMPORARY_DIRECTORY}/repacked)
  file(REMOVE_RECURSE ${folder})
  execute_process(COMMAND dpkg-deb --raw-extract ${package} ${folder} COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE ${folder}/DEBIAN/postinst ${folder}/DEBIAN/postrm)
  set(control "")

  # Libraries of several architectures can be installed side by side. (CPack before 3.31 has no setting for it.)
  file(READ ${folder}/DEBIAN/control fields)
  if(fields MATCHES "Package: libtinyfiqa[0-9]" AND NOT fields MATCHES "Multi-Arch:")
    string(REGEX REPLACE "(Package: [^\n]*\n)" "\\1Multi-Arch: same\n" fields "${fields}")
    file(WRITE ${folder}/DEBIAN/control "${fields}")
  endif()

  file(GLOB libraries RELATIVE ${folder} ${folder}/usr/lib/libtinyfiqa.so.*.*.* ${folder}/usr/lib/*/libtinyfiqa.so.*.*.*)
  if(libraries)
    string(REGEX MATCH "Package: (libtinyfiqa([0-9.]+))" unused "${fields}")
    set(name ${CMAKE_MATCH_1})
    set(soversion ${CMAKE_MATCH_2})
    string(REGEX MATCH "Version: ([0-9.]+)" unused "${fields}")
    file(WRITE ${folder}/DEBIAN/shlibs "libtinyfiqa ${soversion} ${name} (>= ${CMAKE_MATCH_1})\n")
    file(WRITE ${folder}/DEBIAN/triggers "activate-noawait ldconfig\n")
    list(APPEND control ${folder}/DEBIAN/shlibs ${folder}/DEBIAN/triggers)
  endif()

  file(GLOB pages ${folder}/usr/share/man/man1/*.1)
  if(pages)
    execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  if(EXISTS ${folder}/usr/share/zsh/site-functions)
    file(RENAME ${folder}/usr/share/zsh/site-functions ${folder}/usr/share/zsh/vendor-completions)
  endif()
  execute_process(COMMAND sh -c "find * -type f ! -path 'DEBIAN/*' -print0 | LC_ALL=C sort -z | xargs -0 md5sum"
                  WORKING_DIRECTORY ${folder} OUTPUT_FILE ${folder}/DEBIAN/md5sums COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND control ${folder}/DEBIAN/md5sums)
  file(CHMOD ${control} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  execute_process(COMMAND dpkg-deb --root-owner-group --build ${folder} ${package} COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE ${folder})
endforeach()
