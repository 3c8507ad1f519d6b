# cmake -DOUT=FILE.cpp -DPAGE=DIR [-DCHART=FILE.js -DCHART_LICENCE=FILE] -P PageFiles.cmake: writes a source file with the
# files of the report's page (tools/reports/page_files.hpp) and, if it is given, Chart.js with its licence.
cmake_minimum_required(VERSION 3.18)
include(${CMAKE_CURRENT_LIST_DIR}/HexBytes.cmake)

set(arrays "")
set(functions "")

# page_file(NAME FILE [SCRIPT]): SCRIPT for a file that the page has in an element, where some text would end the element.
function(page_file name file)
  set(bytes "")
  set(count 0)
  set(digest "")
  if(file)
    tinyfiqa_hex_bytes(${file} bytes count)
    file(SHA256 ${file} digest)
  endif()
  if(file AND "${ARGN}" STREQUAL "SCRIPT")
    file(READ ${file} text)
    foreach(forbidden "</script" "</style" "<!--" "\r")
      string(FIND "${text}" "${forbidden}" at)
      if(NOT at EQUAL -1)
        message(FATAL_ERROR "tinyfiqa: ${file} has '${forbidden}' in it, which can't stand inside a page")
      endif()
    endforeach()
  endif()
  if(count EQUAL 0)
    set(bytes "0")
  endif()
  string(APPEND arrays "constexpr unsigned char ${name}_bytes[] = {\n${bytes}\n};\n")
  string(APPEND functions "PageFile ${name}_file() {
  return {std::string_view(reinterpret_cast<const char*>(${name}_bytes), ${count}), \"${digest}\"};
}
")
  set(arrays "${arrays}" PARENT_SCOPE)
  set(functions "${functions}" PARENT_SCOPE)
endfunction()

page_file(page_html ${PAGE}/report.html)
page_file(page_style ${PAGE}/report.css SCRIPT)
# The page's scripts are one script: they share their names.
set(scripts "")
foreach(name faces histogram large_view report)
  file(READ ${PAGE}/${name}.js script)
  string(APPEND scripts "${script}")
endforeach()
file(WRITE ${OUT}.js "${scripts}")
page_file(page_script ${OUT}.js SCRIPT)
page_file(chart_script "${CHART}" SCRIPT)
page_file(chart_licence "${CHART_LICENCE}")
file(WRITE ${OUT} "// Made by cmake/PageFiles.cmake from the files of tools/reports/page.
#include \"reports/page_files.hpp\"

namespace {
${arrays}}  // namespace

${functions}")
