# Finds Chart.js, which draws the histogram of `tinyfiqa report`. It is optional: without it, the report has no histogram
# and says so. Sets tinyfiqa_chart_script and tinyfiqa_chart_licence, or leaves both empty.
set(TINYFIQA_CHART_JS "AUTO" CACHE STRING
    "Chart.js for the tool's reports: AUTO (Debian's libjs-chart.js, if it is there), OFF, or the path of chart.min.js or chart.umd.js")
set(TINYFIQA_CHART_JS_LICENCE "" CACHE FILEPATH "Its licence (default: LICENSE.md near it, or Debian's copyright file)")

set(tinyfiqa_chart_script "")
set(tinyfiqa_chart_licence "")
if(TINYFIQA_CHART_JS STREQUAL "AUTO")
  find_file(tinyfiqa_debian_chart_js chart.min.js PATHS /usr/share/javascript/chart.js
            NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  mark_as_advanced(tinyfiqa_debian_chart_js)
  if(tinyfiqa_debian_chart_js)
    set(tinyfiqa_chart_script ${tinyfiqa_debian_chart_js})
  else()
    message(STATUS "tinyfiqa: without Chart.js, reports have no histogram; to change that, install libjs-chart.js (Debian) "
                   "and configure again, or give -DTINYFIQA_CHART_JS=PATH/chart.umd.js")
  endif()
elseif(TINYFIQA_CHART_JS)
  if(NOT EXISTS "${TINYFIQA_CHART_JS}")
    message(FATAL_ERROR "tinyfiqa: TINYFIQA_CHART_JS is ${TINYFIQA_CHART_JS}, which does not exist; give the path of "
                        "chart.min.js or chart.umd.js, or AUTO or OFF")
  endif()
  get_filename_component(tinyfiqa_chart_script "${TINYFIQA_CHART_JS}" ABSOLUTE)
endif()

if(tinyfiqa_chart_script)
  get_filename_component(tinyfiqa_chart_dir ${tinyfiqa_chart_script} DIRECTORY)
  set(tinyfiqa_chart_licences ${TINYFIQA_CHART_JS_LICENCE} ${tinyfiqa_chart_dir}/LICENSE.md ${tinyfiqa_chart_dir}/../LICENSE.md)
  if(tinyfiqa_chart_dir MATCHES "^/usr/share/javascript/")
    list(APPEND tinyfiqa_chart_licences /usr/share/doc/libjs-chart.js/copyright)
  endif()
  foreach(file ${tinyfiqa_chart_licences})
    if(NOT tinyfiqa_chart_licence AND EXISTS ${file})
      set(tinyfiqa_chart_licence ${file})
    endif()
  endforeach()
  if(NOT tinyfiqa_chart_licence)
    message(FATAL_ERROR "tinyfiqa: the licence of ${tinyfiqa_chart_script} is not beside it; a report has to carry it: "
                        "give its path as -DTINYFIQA_CHART_JS_LICENCE=FILE, or -DTINYFIQA_CHART_JS=OFF")
  endif()
endif()

# tinyfiqa_add_page_files(OUT CHART LICENCE): a rule that writes the source file OUT with the page of `tinyfiqa report`, and
# with Chart.js unless CHART is empty.
function(tinyfiqa_add_page_files out chart licence)
  set(page ${PROJECT_SOURCE_DIR}/tools/reports/page)
  file(GLOB files CONFIGURE_DEPENDS ${page}/*)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DPAGE=${page} -DCHART=${chart} -DCHART_LICENCE=${licence}
            -P ${PROJECT_SOURCE_DIR}/cmake/PageFiles.cmake
    DEPENDS ${files} ${chart} ${licence} ${PROJECT_SOURCE_DIR}/cmake/PageFiles.cmake ${PROJECT_SOURCE_DIR}/cmake/HexBytes.cmake
    COMMENT "Compiling in the page of reports"
    VERBATIM)
endfunction()
