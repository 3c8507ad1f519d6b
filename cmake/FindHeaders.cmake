# Imported targets for libraries whose Debian packages have no CMake files. Installed beside tinyfiqaConfig.cmake.
set(tinyfiqa_find_dir ${CMAKE_CURRENT_LIST_DIR})

# tinyfiqa_library_names(OUT NAME...): the names, without those of static libraries if TINYFIQA_SELF_CONTAINED is OFF.
function(tinyfiqa_library_names out)
  set(names ${ARGN})
  if(DEFINED TINYFIQA_SELF_CONTAINED AND NOT TINYFIQA_SELF_CONTAINED)
    list(FILTER names EXCLUDE REGEX "[.]a$")
  endif()
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# tinyfiqa_find(TARGET HEADER LIBRARY): LIBRARY, names in the order of preference, may be empty. Sets TARGET_FOUND.
macro(tinyfiqa_find target header library)
  find_path(${target}_INCLUDE ${header})
  if("${library}" STREQUAL "")
    tinyfiqa_borrow_headers(${target} ${header})
  endif()
  set(${target}_FOUND ${${target}_INCLUDE})
  if(NOT "${library}" STREQUAL "")
    tinyfiqa_library_names(${target}_names ${library})
    find_library(${target}_LIBRARY NAMES ${${target}_names})
    if(NOT ${target}_LIBRARY)
      set(${target}_FOUND OFF)
    endif()
  endif()
  mark_as_advanced(${target}_INCLUDE ${target}_LIBRARY)
  if(${target}_FOUND AND NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${target}_INCLUDE}")
    if(${target}_LIBRARY)
      set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${${target}_LIBRARY}")
    endif()
  endif()
endmacro()

# A cross build looks for headers in the other machine's folders. A library of headers alone, FOLDER/NAME, is the same for
# every machine: it is taken from this one, by a link, because the rest of /usr/include belongs to this processor.
function(tinyfiqa_borrow_headers target header)
  if(${target}_INCLUDE OR NOT CMAKE_CROSSCOMPILING OR NOT header MATCHES "^([^/]+)/")
    return()
  endif()
  set(folder ${CMAKE_MATCH_1})
  find_path(${target}_HERE ${header} PATHS /usr/local/include /usr/include /opt/homebrew/include NO_CMAKE_FIND_ROOT_PATH)
  mark_as_advanced(${target}_HERE)
  if(${target}_HERE)
    set(borrowed ${CMAKE_BINARY_DIR}/tinyfiqa_headers)
    file(MAKE_DIRECTORY ${borrowed})
    file(CREATE_LINK ${${target}_HERE}/${folder} ${borrowed}/${folder} SYMBOLIC)
    set(${target}_INCLUDE ${borrowed} CACHE PATH "Where ${header} is" FORCE)
    message(STATUS "tinyfiqa: takes ${folder} from ${${target}_HERE}: headers are the same for every machine")
  endif()
endfunction()

# What the headers need. stb's functions come from libstb.a (not libstb.so: a program then carries all it needs), or are
# compiled here.
macro(tinyfiqa_find_core)
  tinyfiqa_find(tinyfiqa_xsimd xsimd/xsimd.hpp "")
  find_path(tinyfiqa_stb_INCLUDE NAMES stb/stb_image.h stb_image.h)  # vcpkg and Conan have it without the folder
  tinyfiqa_find(tinyfiqa_stb stb/stb_image.h "")
  tinyfiqa_library_names(tinyfiqa_stb_names libstb.a stb)
  find_library(tinyfiqa_stb_LIBRARY NAMES ${tinyfiqa_stb_names})
  mark_as_advanced(tinyfiqa_stb_LIBRARY)
  if(tinyfiqa_stb_FOUND AND NOT TARGET tinyfiqa_stb_functions)
    if(tinyfiqa_stb_LIBRARY)
      add_library(tinyfiqa_stb_functions INTERFACE IMPORTED GLOBAL)
      set_target_properties(tinyfiqa_stb_functions PROPERTIES INTERFACE_LINK_LIBRARIES "${tinyfiqa_stb_LIBRARY}")
    else()
      add_library(tinyfiqa_stb_functions STATIC EXCLUDE_FROM_ALL ${tinyfiqa_find_dir}/stb.cpp)
      set_target_properties(tinyfiqa_stb_functions PROPERTIES POSITION_INDEPENDENT_CODE ON)
      target_include_directories(tinyfiqa_stb_functions SYSTEM PRIVATE ${tinyfiqa_stb_INCLUDE})
    endif()
    set_property(TARGET tinyfiqa_stb APPEND PROPERTY INTERFACE_LINK_LIBRARIES tinyfiqa_stb_functions)
  endif()
endmacro()

# For reading PyTorch's zip files.
macro(tinyfiqa_find_libzip)
  tinyfiqa_find(tinyfiqa_libzip zip.h zip)
endmacro()

# A warning for a project that uses the library and compiles without optimisation because nobody chose a build type.
function(tinyfiqa_check_build_type)
  get_property(many GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT many AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CXX_FLAGS MATCHES "[-/]O[1-9sgx]")
    message(WARNING "tinyfiqa: this project has no CMAKE_BUILD_TYPE, so the compiler does not optimise, and scoring takes a "
                    "thousand times as long. Configure with -DCMAKE_BUILD_TYPE=Release")
  endif()
endfunction()
