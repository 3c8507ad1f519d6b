// Errors as values: Errc, Status, Result<T>. Nothing here throws, allocates or needs RTTI.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

TINYFIQA_BEGIN

/// What went wrong, for programs. People read Status::message().
enum class Errc : unsigned char {
  ok = 0,
  not_found,      ///< the file or folder does not exist
  unreadable,     ///< it exists but can't be read
  bad_format,     ///< it is not what its name or first bytes promise, or it is cut off
  unsupported,    ///< a well-formed file that uses something this library does not do
  mismatch,       ///< weights of another network: names or shapes differ
  not_finite,     ///< NaN or infinity where numbers are needed
  bad_argument,   ///< the caller's values are outside the documented range
  too_large,      ///< a size limit was exceeded
  out_of_memory,  ///< an allocation failed
  cannot_write,   ///< a file could not be written
};

/// A short name of a code, such as "not_found".
constexpr const char* errc_name(Errc code) {
  constexpr const char* names[] = {"ok",          "not_found",     "unreadable",  "bad_format",
                                   "unsupported", "mismatch",      "not_finite",  "bad_argument",
                                   "too_large",   "out_of_memory", "cannot_write"};
  return names[static_cast<unsigned char>(code)];
}

/// Text of bounded length without a heap; what does not fit ends in "...".
template <std::size_t Capacity>
class FixedText {
 public:
  FixedText() = default;

  FixedText& append(const char* text) {
    while (text != nullptr && *text != '\0') put(*text++);
    return *this;
  }
  FixedText& append(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) put(text[i]);
    return *this;
  }
  FixedText& append(char c) {
    put(c);
    return *this;
  }
  /// Anything with data() and size(): std::string, std::string_view.
  template <class Text>
  auto append(const Text& text) -> decltype(text.data(), text.size(), *this) {
    return append(text.data(), text.size());
  }
  template <class Int, std::enable_if_t<std::is_integral_v<Int> && !std::is_same_v<Int, char>, int> = 0>
  FixedText& append(Int value) {
    if (value < 0) put('-');
    char digits[24];
    int count = 0;
    do {
      const int digit = static_cast<int>(value % 10);
      digits[count++] = static_cast<char>('0' + (digit < 0 ? -digit : digit));
      value = static_cast<Int>(value / 10);
    } while (value != 0);
    while (count > 0) put(digits[--count]);
    return *this;
  }

  const char* c_str() const { return text_; }
  const char* data() const { return text_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void resize(std::size_t size) {
    if (size < size_) text_[size_ = size] = '\0';
  }

 private:
  void put(char c) {
    if (size_ + 1 < Capacity) {
      text_[size_++] = c;
      text_[size_] = '\0';
    } else {
      for (std::size_t i = 0; i < 3; ++i) text_[size_ - 1 - i] = '.';
    }
  }

  char text_[Capacity] = {};
  std::size_t size_ = 0;
};

/// Success, or a code with a message that names the file and the fix.
class [[nodiscard]] Status {
 public:
  Status() = default;

  /// Status::error(Errc::bad_format, path, ": expected ", 3, " channels")
  template <class... Parts>
  static Status error(Errc code, const Parts&... parts) {
    Status s;
    s.code_ = code;
    (s.text_.append(parts), ...);
    return s;
  }

  bool ok() const { return code_ == Errc::ok; }
  explicit operator bool() const { return ok(); }
  Errc code() const { return code_; }
  /// One line, without a trailing full stop or newline; empty on success.
  const char* message() const { return text_.c_str(); }

  /// The same error with words put before its message (a file's name, usually).
  template <class... Parts>
  Status prefixed(const Parts&... parts) const {
    if (ok()) return *this;
    Status s;
    s.code_ = code_;
    (s.text_.append(parts), ...);
    s.text_.append(text_);
    return s;
  }

 private:
  FixedText<800> text_;
  Errc code_ = Errc::ok;
};

/// A value or the Status that says why there is none.
///   auto image = read_image("photo.jpg");
///   if (!image) return image.status();
///   use(*image);
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : has_value_(true) { ::new (static_cast<void*>(&value_)) T(std::move(value)); }
  Result(const Status& status) : status_(status) {}
  Result(Result&& other) noexcept : status_(other.status_), has_value_(other.has_value_) {
    if (has_value_) ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      this->~Result();
      ::new (static_cast<void*>(this)) Result(std::move(other));
    }
    return *this;
  }
  ~Result() {
    if (has_value_) value_.~T();
  }

  bool ok() const { return has_value_; }
  explicit operator bool() const { return has_value_; }
  const Status& status() const { return status_; }

  /// The value; calling these on an error is a bug of the caller.
  T& operator*() & { return value_; }
  const T& operator*() const& { return value_; }
  T&& operator*() && { return std::move(value_); }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  union {
    T value_;
    char nothing_ = 0;
  };
  Status status_;
  bool has_value_ = false;
};

TINYFIQA_END
