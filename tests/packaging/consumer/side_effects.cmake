# before_tinyfiqa(), after_tinyfiqa(): between them the library comes into the project. An error names what it changed
# beside its own targets and its own cache variables.
set(settings CMAKE_BUILD_TYPE CMAKE_CXX_FLAGS CMAKE_CXX_FLAGS_RELEASE CMAKE_CXX_FLAGS_DEBUG CMAKE_CXX_STANDARD
             CMAKE_CXX_STANDARD_REQUIRED CMAKE_CXX_EXTENSIONS CMAKE_EXE_LINKER_FLAGS CMAKE_SHARED_LINKER_FLAGS
             CMAKE_POSITION_INDEPENDENT_CODE CMAKE_CXX_VISIBILITY_PRESET CMAKE_UNITY_BUILD CMAKE_INTERPROCEDURAL_OPTIMIZATION
             CMAKE_RUNTIME_OUTPUT_DIRECTORY CMAKE_LIBRARY_OUTPUT_DIRECTORY CMAKE_EXPORT_COMPILE_COMMANDS CMAKE_MODULE_PATH
             CMAKE_PREFIX_PATH CMAKE_INSTALL_PREFIX CMAKE_INSTALL_RPATH BUILD_TESTING BUILD_SHARED_LIBS)

macro(before_tinyfiqa)
  foreach(setting ${settings})
    set(before_${setting} "${${setting}}")
    set(before_cache_${setting} "$CACHE{${setting}}")
  endforeach()
  get_cmake_property(before_cache CACHE_VARIABLES)
endmacro()

# targets_of(DIRECTORY OUT_TARGETS OUT_TESTS): of the folder and all below it.
function(targets_of directory out_targets out_tests)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(tests DIRECTORY ${directory} PROPERTY TESTS)
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder ${folders})
    targets_of(${folder} below_targets below_tests)
    list(APPEND targets ${below_targets})
    list(APPEND tests ${below_tests})
  endforeach()
  set(${out_targets} "${targets}" PARENT_SCOPE)
  set(${out_tests} "${tests}" PARENT_SCOPE)
endfunction()

function(refuse what)
  if(ARGN)
    list(JOIN ARGN ", " names)
    message(FATAL_ERROR "tinyfiqa ${what}: ${names}")
  endif()
endfunction()

macro(after_tinyfiqa)
  foreach(setting ${settings})
    if(NOT "${${setting}}" STREQUAL "${before_${setting}}" OR NOT "$CACHE{${setting}}" STREQUAL "${before_cache_${setting}}")
      message(FATAL_ERROR "tinyfiqa changed ${setting} from '${before_${setting}}' to '${${setting}}'")
    endif()
  endforeach()
  get_directory_property(options COMPILE_OPTIONS)
  get_directory_property(definitions COMPILE_DEFINITIONS)
  get_directory_property(folders INCLUDE_DIRECTORIES)
  get_directory_property(libraries LINK_OPTIONS)
  refuse("set options, definitions or folders for the whole project" ${options} ${definitions} ${folders} ${libraries})

  # Other names are of CMake's own modules: project(), FetchContent, FindThreads, CheckCXXSourceCompiles.
  get_cmake_property(after_cache CACHE_VARIABLES)
  list(REMOVE_ITEM after_cache ${before_cache})
  list(FILTER after_cache EXCLUDE REGEX "^(TINYFIQA_|tinyfiqa_|FETCHCONTENT_|FIND_PACKAGE_MESSAGE_DETAILS_|CMAKE_HAVE_|CMAKE_PROJECT_)")
  refuse("added cache variables with names that are not its own" ${after_cache})

  targets_of(${CMAKE_SOURCE_DIR} targets tests)
  refuse("added tests" ${tests})
  list(FILTER targets EXCLUDE REGEX "^tinyfiqa")
  refuse("added targets with names that are not its own" ${targets})
  get_directory_property(imported IMPORTED_TARGETS)
  list(FILTER imported EXCLUDE REGEX "^(tinyfiqa|Threads::Threads$)")
  refuse("added imported targets with names that are not its own" ${imported})
endmacro()
