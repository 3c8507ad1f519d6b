# cmake -DPORT= -DPORT_DIR= -DPACKAGES= -DBUILDTREES= -P vcpkg_stand_ins.cmake: runs a portfile. Each function does
# what vcpkg's documentation says of the one with its name, as far as the portfile uses it; others are errors of CMake.
cmake_minimum_required(VERSION 3.18)
set(CURRENT_PACKAGES_DIR ${PACKAGES})
set(CURRENT_PORT_DIR ${PORT_DIR})
set(VCPKG_LIBRARY_LINKAGE static)
set(VCPKG_TARGET_IS_LINUX ON)

function(vcpkg_run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "exit status ${result}: ${ARGN}")
  endif()
endfunction()

# Configures a release and a debug build, with absolute folders for installing and static libraries as the triplet says.
function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  vcpkg_run(${CMAKE_COMMAND} -G Ninja -S ${arg_SOURCE_PATH} -B ${BUILDTREES}/rel -DCMAKE_BUILD_TYPE=Release
            -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF ${arg_OPTIONS} ${MORE})
  vcpkg_run(${CMAKE_COMMAND} -G Ninja -S ${arg_SOURCE_PATH} -B ${BUILDTREES}/dbg -DCMAKE_BUILD_TYPE=Debug
            -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}/debug -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF ${arg_OPTIONS} ${MORE})
endfunction()

function(vcpkg_cmake_install)
  foreach(kind rel dbg)
    vcpkg_run(${CMAKE_COMMAND} --build ${BUILDTREES}/${kind} --target install -j2)
  endforeach()
endfunction()

# Moves CMake's files from CONFIG_PATH to share/PORT, those of the debug build's targets too, and corrects their paths.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  set(share ${CURRENT_PACKAGES_DIR}/share/${PORT})
  file(MAKE_DIRECTORY ${share})
  file(GLOB files ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/* ${CURRENT_PACKAGES_DIR}/debug/${arg_CONFIG_PATH}/*-debug.cmake)
  foreach(file ${files})
    get_filename_component(name ${file} NAME)
    file(READ ${file} text)
    if(name MATCHES "-debug[.]cmake$")
      string(REPLACE "\${_IMPORT_PREFIX}" "\${_IMPORT_PREFIX}/debug" text "${text}")
    endif()
    # From lib/cmake/PORT the prefix is three folders up, from share/PORT two.
    string(REGEX REPLACE
           "get_filename_component\\(_IMPORT_PREFIX \"\\\${CMAKE_CURRENT_LIST_FILE}\" PATH\\)(\nget_filename_component\\(_IMPORT_PREFIX \"\\\${_IMPORT_PREFIX}\" PATH\\))*"
           "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)"
           text "${text}")
    string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../" "\${CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
    file(WRITE ${share}/${name} "${text}")
  endforeach()
  file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/lib/cmake ${CURRENT_PACKAGES_DIR}/debug/lib/cmake)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(MAKE_DIRECTORY ${CURRENT_PACKAGES_DIR}/share/${PORT})
  configure_file(${arg_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright COPYONLY)
endfunction()

include(${PORT_DIR}/portfile.cmake)
