# cmake -P cmake/WeightsHeader.cmake [-- check]: writes the headers with the built-in weights,
# include/tinyfiqa/weights/{tinyfqnet,tinyfqnet_m,tinyfqnet_m_i8,detector}.hpp, from the files of weights/; with "check" it
# only says whether the headers hold the files' bytes.
cmake_minimum_required(VERSION 3.18)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
include(${CMAKE_CURRENT_LIST_DIR}/HexBytes.cmake)
math(EXPR last "${CMAKE_ARGC} - 1")
set(check OFF)
if("${CMAKE_ARGV${last}}" STREQUAL "check")
  set(check ON)
endif()

# weights_header(NAME FILE COMMENT): the header NAME has the bytes of weights/FILE.safetensors. COMMENT says what the weights
# are and what they are for.
function(weights_header name file comment)
  set(in ${root}/weights/${file}.safetensors)
  set(out ${root}/include/tinyfiqa/weights/${name}.hpp)
  tinyfiqa_hex_bytes(${in} hex bytes)
  set(header [[
// weights/@file@.safetensors as bytes, so that a program needs no file. Made by
// cmake/WeightsHeader.cmake; don't edit it. Include it in one source file: it is long.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>

TINYFIQA_BEGIN

namespace detail {
// clang-format off
alignas(64) inline constexpr unsigned char @name@_safetensors[@bytes@] = {
@hex@
};
// clang-format on
}  // namespace detail

@comment@
inline Bytes @name@_weights() {
  return Bytes(detail::@name@_safetensors, sizeof detail::@name@_safetensors);
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
    message(FATAL_ERROR "include/tinyfiqa/weights/${name}.hpp is not weights/${file}.safetensors; make it again: "
                        "cmake -P cmake/WeightsHeader.cmake")
  endif()
  file(WRITE ${out} "${header}")
endfunction()

weights_header(tinyfqnet_m tinyfqnet_m [[
/// The trained network that scores by default: a safetensors file, metadata included. For load_model(), or simply
/// default_scorer() of <tinyfiqa/detection/default_scorer.hpp>.]])
weights_header(tinyfqnet_m_i8 i8/tinyfqnet_m [[
/// The same network in 8 bits. For load_model(), or simply default_model_i8() of <tinyfiqa/quality/default_model_i8.hpp>.]])
weights_header(tinyfqnet tinyfqnet [[
/// The trained tinyFQnet that comes with the library, likewise. For load_model(), or simply tinyfqnet_model() of
/// <tinyfiqa/quality/tinyfqnet_model.hpp>.]])
weights_header(detector detector [[
/// The trained face detector that comes with the library, likewise. For load_model(), or simply default_detector() of
/// <tinyfiqa/detection/default_detector.hpp>.]])
