# What the toolchain files for Debian's cross compilers share: tinyfiqa_triple is the compiler's prefix, its files lie in
# /usr/TRIPLE, and tinyfiqa_emulator, if there is one, runs programs.
set(CMAKE_C_COMPILER ${tinyfiqa_triple}-gcc)
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER ${tinyfiqa_triple}-g++)
endif()
list(APPEND CMAKE_FIND_ROOT_PATH /usr/${tinyfiqa_triple})  # after the folders that -DCMAKE_FIND_ROOT_PATH names
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
if(tinyfiqa_emulator)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${tinyfiqa_emulator} -L /usr/${tinyfiqa_triple})
endif()
