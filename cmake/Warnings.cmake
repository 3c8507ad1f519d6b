# For our own programs, never for users of the library: warnings, the chosen -march, sanitizers from presets.
add_library(tinyfiqa_own INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(tinyfiqa_own INTERFACE -Wall -Wextra -Wshadow -Wconversion)
  if(TINYFIQA_WERROR)
    target_compile_options(tinyfiqa_own INTERFACE -Werror)
  endif()
endif()

add_library(tinyfiqa_own_arch INTERFACE)
if(TINYFIQA_ARCH AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(tinyfiqa_own_arch INTERFACE -march=${TINYFIQA_ARCH})
endif()
