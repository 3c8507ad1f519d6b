// A parser for the JSON header of a safetensors file. It knows no other JSON.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// One tensor of the header. `begin` and `end` are byte offsets from the end of the header.
struct SafetensorsItem {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

/// The largest size of all keys and values of __metadata__ together.
constexpr std::size_t max_metadata_bytes = std::size_t{16} << 20u;

/// The content of the header, in the file's order.
struct SafetensorsHeader {
  std::vector<SafetensorsItem> items;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Parses a header of this form:
///   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"k": "v"}}
/// It has three levels and one function for each level. Deeper nesting is a syntax error, so hostile files
/// can't exhaust the stack.
class SafetensorsHeaderParser {
 public:
  explicit SafetensorsHeaderParser(std::string_view text) : text_(text) {}

  Result<SafetensorsHeader> parse() {
    SafetensorsHeader header;
    const bool good = object([&](const std::string& key) {
      if (key == "__metadata__") return metadata(header);
      if (header.items.size() == max_tensors) return too_large("more than 65536 tensors");
      header.items.emplace_back();
      header.items.back().name = key;
      return tensor(header.items.back());
    });
    skip_space();
    if (good && at_ == text_.size()) return header;
    if (good) fail("there is text after the closing brace");
    return status_;
  }

 private:
  bool fail(const char* what) {
    if (status_.ok())
      status_ = Status::error(Errc::bad_format, "header, byte ", at_ + 8, ": ", what,
                              "; save or download the file again");
    return false;
  }
  bool too_large(const char* what) {
    if (status_.ok()) status_ = Status::error(Errc::too_large, what, "; save the weights alone");
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// Parses { "key": value, ... }. `value(key)` parses the value after the colon.
  template <class Value>
  bool object(Value value) {
    if (!take('{')) return fail("an opening brace is missing");
    if (take('}')) return true;
    do {
      std::string key;
      if (!string(key)) return false;
      if (!take(':')) return fail("a colon is missing");
      if (!value(key)) return false;
    } while (take(','));
    return take('}') || fail("a comma or closing brace is missing");
  }

  bool metadata(SafetensorsHeader& header) {
    if (!header.metadata.empty()) return fail("__metadata__ appears twice");
    return object([&](const std::string& key) {
      std::string value;
      if (!string(value)) return false;
      metadata_bytes_ += key.size() + value.size();
      if (metadata_bytes_ > max_metadata_bytes) return too_large("more than 16 MiB of metadata");
      header.metadata.emplace_back(key, std::move(value));
      return true;
    });
  }

  bool tensor(SafetensorsItem& item) {
    bool has_dtype = false, has_shape = false, has_offsets = false;
    const auto once = [&](bool& seen) { return seen ? fail("a key appears twice") : (seen = true); };
    const bool good = object([&](const std::string& key) {
      if (key == "dtype") return once(has_dtype) && dtype(item);
      if (key == "shape") return once(has_shape) && shape(item);
      if (key == "data_offsets") return once(has_offsets) && offsets(item);
      return fail("a tensor has dtype, shape and data_offsets, and no other key");
    });
    if (!good) return false;
    return (has_dtype && has_shape && has_offsets) || fail("dtype, shape or data_offsets is missing");
  }

  bool dtype(SafetensorsItem& item) {
    std::string name;
    if (!string(name)) return false;
    for (int i = 0; i <= static_cast<int>(DType::boolean); ++i) {
      item.dtype = static_cast<DType>(i);
      if (name == dtype_name(item.dtype)) return true;
    }
    if (status_.ok()) {
      status_ = Status::error(Errc::unsupported, in_quotes(item.name), ": element type ", in_quotes(name),
                              " is not read; store it as F32 or F16");
    }
    return false;
  }

  bool shape(SafetensorsItem& item) {
    if (!take('[')) return fail("shape must be a list");
    if (take(']')) return true;
    do {
      std::uint64_t extent = 0;
      if (!number(extent)) return false;
      if (item.shape.size() == max_tensor_rank) return fail("more than 16 dimensions");
      item.shape.push_back(static_cast<std::int64_t>(extent));
    } while (take(','));
    return take(']') || fail("a comma or closing bracket is missing");
  }

  bool offsets(SafetensorsItem& item) {
    const bool good = take('[') && number(item.begin) && take(',') && number(item.end) && take(']');
    return good || fail("data_offsets must be [begin, end]");
  }

  /// Parses a decimal number below 2^63 without sign, fraction or exponent.
  bool number(std::uint64_t& value) {
    skip_space();
    const std::size_t first = at_;
    value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (!multiply_into(value, 10) || !add_into(value, static_cast<std::uint64_t>(text_[at_] - '0')) ||
          value > 0x7fffffffffffffffu) {
        return fail("a number is too large");
      }
    }
    if (at_ == first) return fail("a whole number is missing");
    return at_ - first == 1 || text_[first] != '0' || fail("a number starts with 0");
  }

  bool string(std::string& out) {
    if (!take('"')) return fail("a quoted string is missing");
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string");
      if (c != '\\')
        out += c;
      else if (!escape(out))
        return false;
    }
    return fail("a string has no end");
  }

  bool escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (at_ >= text_.size()) return fail("a string has no end");
    const char c = text_[at_++];
    const std::size_t which = letters.find(c);
    if (which != std::string_view::npos) out += meanings[which];
    if (which != std::string_view::npos) return true;
    std::uint32_t code = 0;
    if (c != 'u' || !hex4(code)) return fail("an unknown escape in a string");
    if (code >= 0xd800 && code < 0xdc00) {  // the first half of a surrogate pair: JSON escapes are UTF-16
      std::uint32_t low = 0;
      const bool pair =
          text_.substr(at_, 2) == "\\u" && (at_ += 2, hex4(low)) && low >= 0xdc00 && low < 0xe000;
      if (!pair) return fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10u) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      return fail("half a surrogate pair");
    }
    append_utf8(out, code);
    return true;
  }

  bool hex4(std::uint32_t& code) {
    if (text_.size() - at_ < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (digit == std::string_view::npos) return false;
      code = code * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return true;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0u | (code >> 6u));
      put(0x80u | (code & 63u));
    } else {
      if (code >= 0x10000) put(0xf0u | (code >> 18u));
      put(code >= 0x10000 ? 0x80u | ((code >> 12u) & 63u) : 0xe0u | (code >> 12u));
      put(0x80u | ((code >> 6u) & 63u));
      put(0x80u | (code & 63u));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0, metadata_bytes_ = 0;
  Status status_;
};

TINYFIQA_END
