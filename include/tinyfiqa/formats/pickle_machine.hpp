// The parts of the unpickler that all opcodes use: bounded reads, the stack, the memo and numbers.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/formats/pickle_data.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
/// The state of the stack machine. Functions return false after fail(); the first error is kept.
class PickleMachine {
 public:
  explicit PickleMachine(Bytes bytes) : bytes_(bytes) {}

 protected:
  static constexpr PickleRef nothing = 0xffffffffu;

  template <class... Parts>
  bool fail_code(Errc code, const Parts&... parts) {
    if (status_.ok()) status_ = Status::error(code, "pickle, byte ", at_, ": ", parts...);
    return false;
  }
  template <class... Parts>
  bool fail(const Parts&... parts) {
    return fail_code(Errc::bad_format, parts..., "; the file is damaged: copy or download it again");
  }

  // ---- bytes ----
  bool take(std::uint64_t count, std::string_view& out) {
    if (count > bytes_.size - at_) return fail("the file is cut off or a count is wrong");
    out = std::string_view(reinterpret_cast<const char*>(bytes_.data) + at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return true;
  }
  template <class T>
  bool number(std::uint64_t& out) {
    if (sizeof(T) > bytes_.size - at_) return fail("the file is cut off");
    out = static_cast<std::uint64_t>(static_cast<std::int64_t>(detail::load_le<T>(bytes_.data + at_)));
    at_ += sizeof(T);
    return true;
  }
  bool line(std::string_view& out) {
    std::size_t end = at_;
    while (end < bytes_.size && end - at_ < 256 && bytes_[end] != '\n') ++end;
    if (end == bytes_.size || bytes_[end] != '\n') return fail("a name without an end");
    const bool good = take(end - at_, out);
    ++at_;
    return good;
  }

  // ---- stack; opcodes may not use values below the newest mark ----
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  bool need(std::size_t count) {
    return stack_.size() - floor() >= count || fail("an opcode finds too few values on the stack");
  }
  bool push(PickleNode node) {
    data_.nodes.push_back(std::move(node));
    return push_ref(static_cast<PickleRef>(data_.nodes.size() - 1));
  }
  bool push_ref(PickleRef ref) {
    stack_.push_back(ref);
    return true;
  }
  bool push_kind(PickleKind kind, std::int64_t integer = 0, std::string_view text = {}) {
    PickleNode node;
    node.kind = kind;
    node.integer = integer;
    node.text = text;
    return push(std::move(node));
  }
  PickleRef pop() {
    const PickleRef top = stack_.back();
    stack_.pop_back();
    return top;
  }
  /// Moves the values from index `first` on into `items`.
  void move_from(std::size_t first, std::vector<PickleRef>& items) {
    items.insert(items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(first), stack_.end());
    stack_.resize(first);
  }
  bool pop_mark(std::size_t& first) {
    if (marks_.empty()) return fail("a mark is missing");
    first = marks_.back();
    marks_.pop_back();
    return true;
  }

  // ---- numbers and text ----
  template <class T>
  bool counted_text() {
    std::uint64_t count = 0;
    std::string_view text;
    return number<T>(count) && take(count, text) && push_kind(PickleKind::text, 0, text);
  }
  template <class T>
  bool small_integer() {
    std::uint64_t value = 0;
    return number<T>(value) && push_kind(PickleKind::integer, static_cast<std::int64_t>(value));
  }
  template <class T>
  bool long_integer() {  // two's complement, any number of bytes
    std::uint64_t count = 0, value = 0;
    std::string_view text;
    if (!number<T>(count) || !take(count, text)) return false;
    if (count > 8) return push_kind(PickleKind::big, 0, text);
    for (std::size_t i = 0; i < 8; ++i) {
      const bool negative = count != 0 && (static_cast<unsigned char>(text.back()) & 0x80u) != 0;
      const std::uint64_t byte = i < count ? static_cast<unsigned char>(text[i]) : negative ? 0xffu : 0u;
      value |= byte << (8 * i);
    }
    return push_kind(PickleKind::integer, static_cast<std::int64_t>(value));
  }

  // ---- memo ----
  bool put(std::uint64_t slot) {
    if (slot >= max_pickle_nodes)
      return fail_code(Errc::too_large, "memo slot ", slot, " is too large: save the weights alone");
    if (!need(1)) return false;
    if (slot >= memo_.size()) memo_.resize(static_cast<std::size_t>(slot) + 1, nothing);
    if (memo_[static_cast<std::size_t>(slot)] == nothing) ++memo_used_;
    memo_[static_cast<std::size_t>(slot)] = stack_.back();
    return true;
  }
  bool get(std::uint64_t slot) {
    if (slot >= memo_.size() || memo_[static_cast<std::size_t>(slot)] == nothing)
      return fail("an empty memo slot");
    stack_.push_back(memo_[static_cast<std::size_t>(slot)]);
    return true;
  }
  template <class T>
  bool put_numbered() {
    std::uint64_t slot = 0;
    return number<T>(slot) && put(slot);
  }
  template <class T>
  bool get_numbered() {
    std::uint64_t slot = 0;
    return number<T>(slot) && get(slot);
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  PickleData data_;
  std::vector<PickleRef> stack_, memo_;
  std::vector<std::size_t> marks_;
  std::size_t memo_used_ = 0, copied_ = 0;
  Status status_;
};
}  // namespace detail

TINYFIQA_END
