# cpack -G DEB: Debian packages. packaging/debian/build configures for them and calls it.
#   tinyfiqa              the command: component tool
#   libtinyfiqa0.1        libtinyfiqa, by the name of the shared library: component c
#   libtinyfiqa-dev       for programs in C and C++: components development, c_development
set(tinyfiqa_library_package libtinyfiqa${tinyfiqa_soversion})
if(NOT TARGET tinyfiqa_cli OR NOT TARGET tinyfiqa_c OR NOT TARGET tinyfiqa_documents)
  return()
endif()
find_program(TINYFIQA_GZIP gzip)
find_program(TINYFIQA_DPKG_DEB dpkg-deb)
mark_as_advanced(TINYFIQA_GZIP TINYFIQA_DPKG_DEB)
if(NOT TINYFIQA_GZIP OR NOT TINYFIQA_DPKG_DEB)
  return()
endif()

# What Debian wants in /usr/share/doc/PACKAGE. A plain cmake --install leaves it out.
set(tinyfiqa_debian_dir ${PROJECT_BINARY_DIR}/debian_files)
set(tinyfiqa_maintainer "The tinyfiqa authors <authors@tinyfiqa.invalid>")
string(TIMESTAMP tinyfiqa_debian_date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # of SOURCE_DATE_EPOCH, if that is set
configure_file(packaging/debian/changelog.in ${tinyfiqa_debian_dir}/changelog.Debian @ONLY)
# The licence as a field of the copyright file: each line indented, empty ones as a dot.
file(STRINGS LICENSE tinyfiqa_licence)
list(SUBLIST tinyfiqa_licence 4 -1 tinyfiqa_licence)  # below its name and the copyright
list(TRANSFORM tinyfiqa_licence PREPEND " ")
list(TRANSFORM tinyfiqa_licence REPLACE "^ $" " .")
list(JOIN tinyfiqa_licence "\n" tinyfiqa_licence)
set(tinyfiqa_chart_copyright "")
if(tinyfiqa_chart_script)
  set(tinyfiqa_chart_copyright "
Files: tools/reports/page
Copyright: 2026 The tinyfiqa authors
           2014-2022 Chart.js Contributors
           2022 Jukka Kurkela
License: Expat
Comment: The command contains Chart.js and @kurkle/color, which it writes
 into reports, from the package libjs-chart.js.
")
endif()
configure_file(packaging/debian/copyright.in ${tinyfiqa_debian_dir}/copyright @ONLY)
configure_file(CHANGELOG.md ${tinyfiqa_debian_dir}/changelog COPYONLY)
execute_process(COMMAND ${TINYFIQA_GZIP} -9nf changelog changelog.Debian WORKING_DIRECTORY ${tinyfiqa_debian_dir}
                RESULT_VARIABLE tinyfiqa_gzip_result)
if(NOT tinyfiqa_gzip_result EQUAL 0)
  message(FATAL_ERROR "tinyfiqa: ${TINYFIQA_GZIP} failed in ${tinyfiqa_debian_dir}")
endif()

set(CPACK_PACKAGE_NAME tinyfiqa)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_CONTACT "${tinyfiqa_maintainer}")
set(CPACK_PACKAGE_HOMEPAGE_URL ${PROJECT_HOMEPAGE_URL})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS  # whatever the umask is
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_POST_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/debian/finish_packages.cmake)
set(CPACK_COMPONENTS_ALL "")

# tinyfiqa_debian_package(GROUP PACKAGE SECTION SUMMARY DESCRIPTION COMPONENT...)
macro(tinyfiqa_debian_package group package section summary description)
  string(TOUPPER ${group} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}
${description}")
  install(FILES ${tinyfiqa_debian_dir}/copyright ${tinyfiqa_debian_dir}/changelog.gz ${tinyfiqa_debian_dir}/changelog.Debian.gz
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT debian_${group} EXCLUDE_FROM_ALL)
  set(package_name ${package})  # an argument of a macro is no variable
  set(module_override "")
  if(tinyfiqa_colour_FOUND AND NOT ${group} STREQUAL headers)
    set(module_override "# This module calls Little CMS alone, and no function of the C library.\n${package}: library-not-linked-against-libc [*tinyfiqa_colour.so]\n")
  endif()
  configure_file(packaging/debian/lintian-overrides.in ${tinyfiqa_debian_dir}/${package} @ONLY)
  install(FILES ${tinyfiqa_debian_dir}/${package} COMPONENT debian_${group} EXCLUDE_FROM_ALL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides)
  foreach(component ${ARGN} debian_${group})
    list(APPEND CPACK_COMPONENTS_ALL ${component})
    string(TOUPPER ${component} upper_component)
    set(CPACK_COMPONENT_${upper_component}_GROUP ${group})
  endforeach()
endmacro()

set(tinyfiqa_about "tinyfiqa tells how good a face photo is: how useful it is for face
recognition, or how good it looks. Small neural networks find the faces and
score them in a few milliseconds.
.")
tinyfiqa_debian_package(tool tinyfiqa graphics "quality of face photos, on the command line" "${tinyfiqa_about}
This package has the command, trained weights, man pages and shell
completions." tool)
tinyfiqa_debian_package(library ${tinyfiqa_library_package} libs "quality of face photos - shared library" "${tinyfiqa_about}
This package has the shared library with an interface in C, and the decoders
that it loads." c)
tinyfiqa_debian_package(headers libtinyfiqa-dev libdevel "quality of face photos - development files" "${tinyfiqa_about}
This package has the headers for C and C++, static libraries, and files for
CMake and pkg-config." development c_development)
set(CPACK_DEBIAN_HEADERS_PACKAGE_DEPENDS "${tinyfiqa_library_package} (= ${PROJECT_VERSION}-1), libxsimd-dev, libstb-dev")
set(CPACK_DEBIAN_HEADERS_PACKAGE_RECOMMENDS libjpeg-dev)  # for libtinyfiqa.a
set(CPACK_DEBIAN_HEADERS_PACKAGE_SUGGESTS libzip-dev)     # for tinyfiqa::torch
include(CPack)
