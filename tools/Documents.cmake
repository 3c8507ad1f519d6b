# Man pages and shell completions, written by a program that has the commands of the tool in it.
include(GNUInstallDirs)
option(TINYFIQA_DOCUMENTS "Write man pages and shell completions" ON)
if(NOT TINYFIQA_DOCUMENTS)
  return()
endif()
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "tinyfiqa: without man pages and shell completions, because a program for another machine writes them")
  return()
endif()
if(CMAKE_CXX_FLAGS MATCHES "fsanitize|fprofile")  # nobody installs these builds
  return()
endif()
set(tinyfiqa_documents_sources
  documents/common.cpp
  documents/completions.cpp
  documents/man_page.cpp
  documents/main.cpp
  commands/all_commands.cpp
  options/command_description.cpp)
add_executable(tinyfiqa_documents ${tinyfiqa_documents_sources})
# It runs once: optimising it well, and CLI11 with it, gains nothing.
target_compile_options(tinyfiqa_documents PRIVATE $<$<CXX_COMPILER_ID:GNU,Clang>:-O1>)
target_link_libraries(tinyfiqa_documents PRIVATE $<TARGET_PROPERTY:tinyfiqa_cli,LINK_LIBRARIES>)
target_compile_definitions(tinyfiqa_documents PRIVATE $<TARGET_PROPERTY:tinyfiqa_cli,COMPILE_DEFINITIONS>)

# The date on the pages: SOURCE_DATE_EPOCH, for builds that can be repeated, or that of configuring.
string(TIMESTAMP tinyfiqa_date "%Y-%m-%d" UTC)
set(tinyfiqa_documents_dir ${PROJECT_BINARY_DIR}/documents)
set(tinyfiqa_documents_dir ${tinyfiqa_documents_dir} PARENT_SCOPE)
add_custom_command(
  OUTPUT ${tinyfiqa_documents_dir}/man/man1/tinyfiqa.1
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${tinyfiqa_documents_dir}  # pages of commands that are no more
  COMMAND tinyfiqa_documents ${tinyfiqa_documents_dir} ${PROJECT_VERSION} ${tinyfiqa_date}
  DEPENDS tinyfiqa_documents
  COMMENT "Writing man pages and shell completions"
  VERBATIM)
add_custom_target(tinyfiqa_write_documents ALL DEPENDS ${tinyfiqa_documents_dir}/man/man1/tinyfiqa.1)
