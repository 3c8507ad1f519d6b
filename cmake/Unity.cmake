# tinyfiqa_unity(TARGET): with TINYFIQA_UNITY, the target's files are compiled together, in one unit for each core. Each unit
# compiles the same readers and networks of the headers again, so a unit has at least 12 files, and there are at most six.
cmake_host_system_information(RESULT tinyfiqa_units QUERY NUMBER_OF_LOGICAL_CORES)
if(tinyfiqa_units GREATER 6)
  set(tinyfiqa_units 6)
endif()

function(tinyfiqa_unity target)
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  math(EXPR size "(${count} + ${tinyfiqa_units} - 1) / ${tinyfiqa_units}")
  if(size LESS 12)
    set(size 12)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TINYFIQA_UNITY} UNITY_BUILD_BATCH_SIZE ${size})
endfunction()
