// Errors as values: Errc, Status, Result<T>. Nothing here throws or needs RTTI. Success allocates nothing.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

TINYFIQA_BEGIN

/// The kind of error, for programs. Status::message() is for people.
enum class Errc : unsigned char {
  ok = 0,
  not_found,      ///< the file or folder does not exist
  unreadable,     ///< it exists but can't be read
  bad_format,     ///< its content is damaged, cut off or of another format
  unsupported,    ///< a well-formed file that uses a feature this library lacks
  mismatch,       ///< names, shapes or sizes that must agree do not
  not_finite,     ///< NaN or infinity where numbers are needed
  bad_argument,   ///< a value outside its documented range
  too_large,      ///< a size limit was exceeded
  out_of_memory,  ///< an allocation failed
  cannot_write,   ///< a file could not be written
  no_face,        ///< no face was found in an image
  in_use,         ///< an object for one thread at a time is used by another one
};

/// A short name of a code, such as "not_found".
constexpr const char* errc_name(Errc code) {
  constexpr const char* names[] = {
      "ok",           "not_found", "unreadable",    "bad_format",   "unsupported", "mismatch", "not_finite",
      "bad_argument", "too_large", "out_of_memory", "cannot_write", "no_face",     "in_use"};
  return names[static_cast<unsigned char>(code)];
}

namespace detail {

/// Text of at most Capacity - 1 characters, without a heap. A longer text is cut and ends in "...".
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

/// The longest message, in characters.
constexpr std::size_t max_message = 799;
using MessageText = FixedText<max_message + 1>;

/// A part of a message: a text, a character or a whole number. Messages are put together by one function that takes a list
/// of parts, because one for each combination of types would be a good part of a program.
class MessagePart {
 public:
  MessagePart(const char* text) : text_(text), length_(text == nullptr ? 0 : std::strlen(text)) {}
  /// Anything with data() and size(): std::string, std::string_view.
  template <class Text, class = decltype(std::declval<const Text&>().data())>
  MessagePart(const Text& text) : text_(text.data()), length_(text.size()) {}
  template <class Int, std::enable_if_t<std::is_integral_v<Int>, int> = 0>
  MessagePart(Int value)
      : kind_(std::is_same_v<Int, char> ? Kind::character
              : value < 0               ? Kind::negative
                                        : Kind::number),
        number_(value < 0 ? 0 - static_cast<unsigned long long>(value)
                          : static_cast<unsigned long long>(value)) {}

  /// A text of more than 400 characters (a path, usually) loses its middle, so that the rest of the message stays
  /// readable.
  void append_to(MessageText& message) const {
    constexpr std::size_t head = 150, tail = 245;
    if (kind_ == Kind::character) {
      message.append(static_cast<char>(number_));
    } else if (kind_ != Kind::text) {
      if (kind_ == Kind::negative) message.append('-');
      message.append(number_);
    } else if (length_ <= head + tail + 5) {
      message.append(text_, length_);
    } else {
      message.append(text_, head).append(" ... ").append(text_ + length_ - tail, tail);
    }
  }

 private:
  enum class Kind : unsigned char { text, character, number, negative };
  Kind kind_ = Kind::text;
  const char* text_ = nullptr;
  std::size_t length_ = 0;
  unsigned long long number_ = 0;
};

/// What an unsuccessful Status points at. The text of an allocated record follows it in the same block.
struct ErrorRecord {
  const char* text = nullptr;
  std::size_t length = 0;
  Errc code = Errc::ok;
  bool allocated = false;
};

constexpr char no_memory_text[] = "out of memory (and no memory for the message of this error)";

template <std::size_t... Codes>
constexpr std::array<ErrorRecord, sizeof...(Codes)> no_memory_records(std::index_sequence<Codes...>) {
  return {{{no_memory_text, sizeof no_memory_text - 1, static_cast<Errc>(Codes), false}...}};
}
/// For errors whose message found no memory: one static record for each code.
inline constexpr auto no_memory_errors =
    no_memory_records(std::make_index_sequence<static_cast<std::size_t>(Errc::in_use) + 1>());

/// Never null. The result belongs to the caller: free_error() takes it back.
inline const ErrorRecord* make_error(Errc code, const char* text, std::size_t length) {
  void* const block = ::operator new(sizeof(ErrorRecord) + length + 1, std::nothrow);
  if (block == nullptr) return &no_memory_errors[static_cast<std::size_t>(code)];
  char* const copy = static_cast<char*>(block) + sizeof(ErrorRecord);
  std::memcpy(copy, text, length);
  copy[length] = '\0';
  return ::new (block) ErrorRecord{copy, length, code, true};
}

inline void free_error(const ErrorRecord* record) {
  if (record == nullptr || !record->allocated) return;
  // make_error() made it, not const. NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  ::operator delete(const_cast<ErrorRecord*>(record), std::nothrow);
}

}  // namespace detail

/// Success, or a code with a message that names the file and the fix.
///
/// A Status is one pointer, null on success. An error allocates its message; a copy of an error allocates
/// again. If there is no memory for the message, the code stays and the message says "out of memory".
/// Different threads may use different Status objects, copies of each other too, without a lock.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(const Status& other) : record_(copied(other.record_)) {}
  /// The source is then a success.
  Status(Status&& other) noexcept : record_(other.record_) { other.record_ = nullptr; }
  Status& operator=(const Status& other) {
    if (this != &other) *this = Status(other);
    return *this;
  }
  Status& operator=(Status&& other) noexcept {
    if (this != &other) {
      detail::free_error(record_);
      record_ = other.record_;
      other.record_ = nullptr;
    }
    return *this;
  }
  ~Status() { detail::free_error(record_); }

  /// Status::error(Errc::bad_format, path, ": expected ", 3, " channels")
  /// A part of more than 400 characters loses its middle. A message of more than 799 characters is cut and ends in "...".
  /// Errc::ok makes a success.
  template <class... Parts>
  static Status error(Errc code, const Parts&... parts) {
    const detail::MessagePart list[] = {parts...};
    return from_parts(code, list, sizeof...(parts));
  }

  bool ok() const { return record_ == nullptr; }
  explicit operator bool() const { return ok(); }
  Errc code() const { return record_ == nullptr ? Errc::ok : record_->code; }
  /// One line, without a trailing full stop or newline; empty on success. It lives as long as this Status.
  const char* message() const { return record_ == nullptr ? "" : record_->text; }

  /// The same error with `parts` put before its message (a file's name, usually).
  template <class... Parts>
  Status prefixed(const Parts&... parts) const {
    if (ok()) return Status();
    const detail::MessagePart list[] = {parts...};
    return from_parts(record_->code, list, sizeof...(parts), record_);
  }

 private:
  /// `rest`: an error whose message follows; null for none.
  TINYFIQA_NOINLINE static Status from_parts(Errc code, const detail::MessagePart* parts, std::size_t count,
                                             const detail::ErrorRecord* rest = nullptr) {
    detail::MessageText text;
    for (std::size_t i = 0; i < count; ++i) parts[i].append_to(text);
    if (rest != nullptr) text.append(rest->text, rest->length);
    Status s;
    if (code != Errc::ok) s.record_ = detail::make_error(code, text.data(), text.size());
    return s;
  }
  static const detail::ErrorRecord* copied(const detail::ErrorRecord* record) {
    if (record == nullptr || !record->allocated) return record;
    return detail::make_error(record->code, record->text, record->length);
  }

  const detail::ErrorRecord* record_ = nullptr;
};
static_assert(sizeof(Status) == sizeof(void*), "tinyfiqa::Status: success costs one pointer");

/// A value or the Status that says why there is none.
///   auto image = read_image("photo.jpg");
///   if (!image) return image.status();
///   use(*image);
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : has_value_(true) { ::new (static_cast<void*>(&value_)) T(std::move(value)); }
  Result(Status status) : status_(std::move(status)) {}
  Result(Result&& other) noexcept : status_(std::move(other.status_)), has_value_(other.has_value_) {
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
  /// Why there is no value; success if there is one.
  const Status& status() const { return status_; }

  /// The value. Call these only if ok().
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
