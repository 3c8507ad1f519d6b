# tinyfiqa::dispatch           inference kernels of every instruction set of this processor family, and the choice among
#                              them at run time (include/tinyfiqa/runtime/dispatch.hpp)
# tinyfiqa::dispatch_training  the training kernels too (include/tinyfiqa/autograd/dispatch.hpp)
#
# Static libraries, or shared ones with BUILD_SHARED_LIBS. What links them shares the types of namespace
# tinyfiqa::multi, and has native_backend() and the registry's networks from the library.

set(TINYFIQA_ISAS "" CACHE STRING
    "Instruction sets of tinyfiqa::dispatch beside scalar: a list, \"native\" for the best of this machine, empty for all")

set(TINYFIQA_SCALAR_FLAGS "" CACHE STRING
    "More compiler flags for the scalar kernels, such as -O1 in a build for one machine, which has better ones")

# Sets `out` to the name of the best instruction set of this machine, by the compiler's own detection; empty for scalar.
function(tinyfiqa_native_isa out)
  set(probe ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/tinyfiqa_native_isa.cpp)
  file(WRITE ${probe} "#include <tinyfiqa/base/config.hpp>\nisa_is TINYFIQA_ISA\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=native -std=c++17 -DTINYFIQA_NO_NOTES -E
                          -I${PROJECT_SOURCE_DIR}/include -I${tinyfiqa_xsimd_INCLUDE} ${probe}
                  OUTPUT_VARIABLE text ERROR_QUIET)
  string(REGEX MATCH "isa_is ([a-z0-9]+)" found "${text}")
  set(isa ${CMAKE_MATCH_1})
  foreach(base ${tinyfiqa_all_isas})
    if(isa AND isa IN_LIST tinyfiqa_dot_products_${base})
      set(isa ${base})
    endif()
  endforeach()
  if(NOT found AND tinyfiqa_all_isas)  # compilers for POWER have no -march: what the project's flags give
    list(GET tinyfiqa_all_isas -1 isa)
  endif()
  if(NOT isa IN_LIST tinyfiqa_all_isas)
    set(isa "")
  endif()
  set(${out} ${isa} PARENT_SCOPE)
endfunction()

# Sets `out` to true if the project's own flags give the instruction set `isa`.
function(tinyfiqa_flags_give isa out)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${PROJECT_SOURCE_DIR}/include ${tinyfiqa_xsimd_INCLUDE})
  check_cxx_source_compiles(
    "#include <tinyfiqa/base/config.hpp>\n#define ${isa} 1\n#if TINYFIQA_ISA != 1\n#error\n#endif\nint main() {}" ${out})
endfunction()

# tinyfiqa_dot_products_<isa>: instruction sets that add 8-bit dot products to it. They come along with it.
set(tinyfiqa_all_isas "")
set(tinyfiqa_flags_scalar "")
set(tinyfiqa_flags_vector4 "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(tinyfiqa_all_isas sse42 avx2 avx512)
  set(tinyfiqa_flags_scalar -march=x86-64)  # whatever the project's own flags say
  set(tinyfiqa_flags_vector4 -march=x86-64)
  set(tinyfiqa_flags_sse42 -march=x86-64 -msse4.2)
  set(tinyfiqa_flags_avx2 -march=haswell)
  set(tinyfiqa_flags_avx512 -march=skylake-avx512 -mprefer-vector-width=512)
  set(tinyfiqa_dot_products_avx512 avx512vnni)
  set(tinyfiqa_flags_avx512vnni ${tinyfiqa_flags_avx512} -mavx512vnni)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-mavxvnni tinyfiqa_compiles_avxvnni)  # since g++ 11 and clang 12
  if(tinyfiqa_compiles_avxvnni)
    set(tinyfiqa_dot_products_avx2 avxvnni)
    set(tinyfiqa_flags_avxvnni ${tinyfiqa_flags_avx2} -mavxvnni)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "i[3-6]86")
  set(tinyfiqa_all_isas sse42 avx2)
  set(tinyfiqa_flags_sse42 -msse4.2 -mfpmath=sse)
  set(tinyfiqa_flags_avx2 -march=haswell -mfpmath=sse)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  set(tinyfiqa_all_isas neon)
  set(tinyfiqa_flags_neon -march=armv8-a)  # whatever the project's own flags say
  set(tinyfiqa_dot_products_neon neondotprod)
  set(tinyfiqa_flags_neondotprod -march=armv8.2-a+dotprod)
else()
  # These have vectors only if the project's flags say so: NEON in 32-bit code, the compiler's own elsewhere.
  foreach(isa neon vector4)
    tinyfiqa_flags_give(${isa} tinyfiqa_flags_give_${isa})
    if(tinyfiqa_flags_give_${isa})
      set(tinyfiqa_all_isas ${isa})
    endif()
  endforeach()
endif()

if(TINYFIQA_ISAS STREQUAL "native")
  tinyfiqa_native_isa(tinyfiqa_isas)
elseif(TINYFIQA_ISAS)
  set(tinyfiqa_isas ${TINYFIQA_ISAS})
  list(REMOVE_ITEM tinyfiqa_isas scalar)
  set(tinyfiqa_known_isas scalar vector4 ${tinyfiqa_all_isas})  # vector4 is for every processor
  list(REMOVE_DUPLICATES tinyfiqa_known_isas)
  foreach(isa ${tinyfiqa_isas})
    if(NOT isa IN_LIST tinyfiqa_known_isas)
      list(JOIN tinyfiqa_known_isas ", " known)
      message(FATAL_ERROR "tinyfiqa: TINYFIQA_ISAS has ${isa}; here it may have ${known}")
    endif()
  endforeach()
else()
  set(tinyfiqa_isas ${tinyfiqa_all_isas})
endif()

set(tinyfiqa_dot_product_isas "")
foreach(isa ${tinyfiqa_isas})
  list(APPEND tinyfiqa_dot_product_isas ${tinyfiqa_dot_products_${isa}})
endforeach()

list(JOIN tinyfiqa_dot_product_isas " " tinyfiqa_shown)
list(JOIN tinyfiqa_isas " " tinyfiqa_shown_isas)
string(STRIP "${tinyfiqa_shown} ${tinyfiqa_shown_isas} scalar" tinyfiqa_shown)
message(STATUS "tinyfiqa: instruction sets of tinyfiqa::dispatch: ${tinyfiqa_shown}")

# Our warnings, but not in the build of a project that uses us.
set(tinyfiqa_dispatch_warnings "")
if(tinyfiqa_top_level)
  set(tinyfiqa_dispatch_warnings $<TARGET_PROPERTY:tinyfiqa_own,INTERFACE_COMPILE_OPTIONS>)
endif()

# What the two libraries and their objects have in common. Nothing is compiled in a project that uses us before it
# links one of them.
function(tinyfiqa_dispatch_common target)
  target_compile_options(${target} PRIVATE ${tinyfiqa_dispatch_warnings})
  # Position-independent, so that shared libraries can be made of it: libtinyfiqa, and those of users.
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET default POSITION_INDEPENDENT_CODE ON)
  if(NOT tinyfiqa_top_level AND NOT TINYFIQA_INSTALL)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

# Adds src/dispatch/KERNELS.cpp, compiled for one instruction set, to a library.
function(tinyfiqa_isa_object library isa kernels)
  set(object ${library}_${isa})
  add_library(${object} OBJECT ${PROJECT_SOURCE_DIR}/src/dispatch/${kernels}.cpp)
  tinyfiqa_dispatch_common(${object})
  # Without exceptions the compiler adds no helper functions, which the linker would merge across instruction sets.
  # Kernels that are not optimised at all would take minutes for what takes a second.
  target_compile_options(${object} PRIVATE
    ${tinyfiqa_flags_${isa}} -fno-exceptions -fno-rtti $<$<CONFIG:Debug>:-O1> $<$<STREQUAL:$<CONFIG>,>:-O2>)
  target_compile_definitions(${object} PRIVATE TINYFIQA_ABI=multi)
  target_link_libraries(${object} PRIVATE tinyfiqa)
  target_sources(${library} PRIVATE $<TARGET_OBJECTS:${object}>)
  if(isa STREQUAL scalar)
    target_compile_options(${object} PRIVATE ${TINYFIQA_SCALAR_FLAGS})
  else()
    target_compile_definitions(${library} PRIVATE TINYFIQA_HAVE_${isa})
  endif()
  if(isa MATCHES "scalar|vector4")  # no flag chooses these
    string(TOUPPER ${isa} switch)
    target_compile_definitions(${object} PRIVATE TINYFIQA_${switch})
  endif()
endfunction()

# tinyfiqa_dispatch_library(TARGET NAME KERNELS SOURCE...): KERNELS (.cpp) once for each instruction set, and SOURCEs.
# KERNELS of inference have 8-bit dot products beside them.
function(tinyfiqa_dispatch_library target name kernels)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/src/dispatch/)
  add_library(${target} ${ARGN})
  add_library(tinyfiqa::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  tinyfiqa_dispatch_common(${target})
  foreach(isa scalar ${tinyfiqa_isas})
    tinyfiqa_isa_object(${target} ${isa} ${kernels})
    if(kernels STREQUAL inference)
      foreach(dot_products ${tinyfiqa_dot_products_${isa}})
        tinyfiqa_isa_object(${target} ${dot_products} dot_products)
        target_compile_definitions(${target}_${dot_products} PRIVATE TINYFIQA_BASE_ISA=${isa})
      endforeach()
    endif()
  endforeach()
endfunction()

tinyfiqa_dispatch_library(tinyfiqa_dispatch dispatch inference backends.cpp networks.cpp)
# Long functions that run once: optimising them takes three times as long, and gains nothing.
set_source_files_properties(src/dispatch/networks.cpp PROPERTIES
                            COMPILE_OPTIONS $<$<AND:$<CXX_COMPILER_ID:GNU,Clang>,$<NOT:$<CONFIG:Debug>>>:-Og>)
target_link_libraries(tinyfiqa_dispatch PUBLIC tinyfiqa)
target_compile_definitions(tinyfiqa_dispatch PUBLIC TINYFIQA_ABI=multi TINYFIQA_COMPILED_ELSEWHERE)

tinyfiqa_dispatch_library(tinyfiqa_dispatch_training dispatch_training training training_backends.cpp)
target_link_libraries(tinyfiqa_dispatch_training PUBLIC tinyfiqa_dispatch)
