// Whether the address sanitizer is in this build. It needs far more address space than the program itself, and a thread
// at the end.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TINYFIQA_SANITIZED 1
#endif
#endif

#if defined(TINYFIQA_SANITIZED) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#undef TINYFIQA_SANITIZED
