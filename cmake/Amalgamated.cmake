# Writes the files of tools/amalgamate into the build folder, and lets <tinyfiqa/...> include them.
find_program(TINYFIQA_PYTHON python3 DOC "A Python 3")
set(tinyfiqa_include ${PROJECT_BINARY_DIR}/amalgamated/include)
execute_process(COMMAND ${TINYFIQA_PYTHON} -B ${PROJECT_SOURCE_DIR}/tools/amalgamate
                        --out ${PROJECT_BINARY_DIR}/amalgamated --forward ${tinyfiqa_include}
                RESULT_VARIABLE tinyfiqa_amalgamated)
if(NOT tinyfiqa_amalgamated EQUAL 0)
  message(FATAL_ERROR "tinyfiqa: tools/amalgamate failed (it needs Python 3)")
endif()
file(GLOB_RECURSE tinyfiqa_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.hpp)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tinyfiqa_headers} ${PROJECT_SOURCE_DIR}/tools/amalgamate)
