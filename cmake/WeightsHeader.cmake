# cmake -P cmake/WeightsHeader.cmake [-- check]: writes include/tinyfiqa/weights/tinyfqnet.hpp from
# weights/tinyfqnet.safetensors; with "check" it only says whether the header holds the file's bytes.
cmake_minimum_required(VERSION 3.18)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(in ${root}/weights/tinyfqnet.safetensors)
set(out ${root}/include/tinyfiqa/weights/tinyfqnet.hpp)
math(EXPR last "${CMAKE_ARGC} - 1")
set(check OFF)
if("${CMAKE_ARGV${last}}" STREQUAL "check")
  set(check ON)
endif()

file(READ ${in} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REPEAT "." 512 line)  # 256 bytes a line: nobody reads them
string(REGEX REPLACE "(${line})" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
string(STRIP "${hex}" hex)
set(header [[
// weights/tinyfqnet.safetensors as bytes, so that a program needs no file. Made by
// cmake/WeightsHeader.cmake; don't edit it. Include it in one source file: it is long.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>

TINYFIQA_BEGIN

namespace detail {
// clang-format off
alignas(64) inline constexpr unsigned char tinyfqnet_safetensors[@bytes@] = {
@hex@
};
// clang-format on
}  // namespace detail

/// The trained tinyFQnet that comes with the library: a safetensors file, metadata included. For
/// load_model(), or simply default_scorer() of <tinyfiqa/quality/default_scorer.hpp>.
inline Bytes tinyfqnet_weights() {
  return Bytes(detail::tinyfqnet_safetensors, sizeof detail::tinyfqnet_safetensors);
}

TINYFIQA_END
]])
string(CONFIGURE "${header}" header @ONLY)

set(old "")
if(EXISTS ${out})
  file(READ ${out} old)
endif()
if(old STREQUAL header)
  return()
endif()
if(check)
  message(FATAL_ERROR "include/tinyfiqa/weights/tinyfqnet.hpp is not weights/tinyfqnet.safetensors; make it again: "
                      "cmake -P cmake/WeightsHeader.cmake")
endif()
file(WRITE ${out} "${header}")
