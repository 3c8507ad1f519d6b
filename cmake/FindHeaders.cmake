# Imported targets for libraries whose Debian packages have no CMake files. Installed beside tinyfiqaConfig.cmake.

# tinyfiqa_find(TARGET HEADER LIBRARY): LIBRARY may be empty. Sets TARGET_FOUND.
macro(tinyfiqa_find target header library)
  find_path(${target}_INCLUDE ${header})
  set(${target}_FOUND ${${target}_INCLUDE})
  if(NOT "${library}" STREQUAL "")
    find_library(${target}_LIBRARY NAMES ${library})
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

# What the headers need. libstb.a rather than libstb.so: a program then carries all it needs.
macro(tinyfiqa_find_core)
  tinyfiqa_find(tinyfiqa_xsimd xsimd/xsimd.hpp "")
  tinyfiqa_find(tinyfiqa_stb stb/stb_image.h "libstb.a;stb")
endmacro()

# For reading PyTorch's zip files.
macro(tinyfiqa_find_libzip)
  tinyfiqa_find(tinyfiqa_libzip zip.h zip)
endmacro()
