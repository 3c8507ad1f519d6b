# tinyfiqa_isa: the kernels of every instruction set of this machine's family in one library. Whatever links it shares
# the types of namespace tinyfiqa::multi, and picks a backend at start (tools/isa/backends.hpp).
add_library(tinyfiqa_isa STATIC ${PROJECT_SOURCE_DIR}/tools/isa/backends.cpp)
target_compile_definitions(tinyfiqa_isa PUBLIC TINYFIQA_ABI=multi)
target_include_directories(tinyfiqa_isa PUBLIC ${PROJECT_SOURCE_DIR}/tools/isa)
target_link_libraries(tinyfiqa_isa PUBLIC tinyfiqa PRIVATE tinyfiqa_own)
set(tinyfiqa_isa_objects "" CACHE INTERNAL "")

function(tinyfiqa_isa_backend isa)
  add_library(tinyfiqa_isa_${isa} OBJECT ${PROJECT_SOURCE_DIR}/tools/isa/backend.cpp)
  # Without exceptions the compiler adds no helper functions, which the linker would merge across instruction sets.
  target_compile_options(tinyfiqa_isa_${isa} PRIVATE ${ARGN} -fno-exceptions -fno-rtti $<$<CONFIG:Debug>:-O1>)
  target_compile_definitions(tinyfiqa_isa_${isa} PRIVATE TINYFIQA_ABI=multi)
  target_link_libraries(tinyfiqa_isa_${isa} PRIVATE tinyfiqa tinyfiqa_own)
  target_sources(tinyfiqa_isa PRIVATE $<TARGET_OBJECTS:tinyfiqa_isa_${isa}>)
endfunction()

tinyfiqa_isa_backend(scalar -DTINYFIQA_SCALAR)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  tinyfiqa_isa_backend(sse42 -msse4.2)
  tinyfiqa_isa_backend(avx2 -march=haswell)
  tinyfiqa_isa_backend(avx512 -march=skylake-avx512 -mprefer-vector-width=512)
  target_compile_definitions(tinyfiqa_isa PRIVATE TINYFIQA_HAVE_X86_BACKENDS)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  tinyfiqa_isa_backend(neon)
  target_compile_definitions(tinyfiqa_isa PRIVATE TINYFIQA_HAVE_NEON_BACKEND)
endif()
