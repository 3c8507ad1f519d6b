// Element types of tensors: those that weight files hold and those that kernels compute with.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// Kernels exist for f32, and for u8 as the network's input; weight files may hold any of them.
enum class DType : unsigned char { f32, f64, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

/// Bytes of one element.
TINYFIQA_INLINE constexpr std::size_t dtype_bytes(DType dtype) {
  constexpr unsigned char sizes[] = {4, 8, 2, 2, 8, 4, 2, 1, 8, 4, 2, 1, 1};
  return sizes[static_cast<unsigned char>(dtype)];
}

/// The name that safetensors uses: "F32", "BF16", "BOOL", ...
constexpr const char* dtype_name(DType dtype) {
  constexpr const char* names[] = {"F32", "F64", "F16", "BF16", "I64", "I32", "I16",
                                   "I8",  "U64", "U32", "U16",  "U8",  "BOOL"};
  return names[static_cast<unsigned char>(dtype)];
}

TINYFIQA_END
