// A restricted unpickler: it builds plain data and descriptions of tensors, and calls no function.
//
// A pickle is a program for a small stack machine. Python's interpreter of it may call any function by name.
// This one is safe for hostile files:
//
// Hazard                               What is done about it
// -----------------------------------  ----------------------------------------------------------------------
// GLOBAL, STACK_GLOBAL, INST, OBJ      the names in known_global() make data; all others make an opaque node
//                                      that keeps the name and nothing else
// REDUCE, NEWOBJ, BUILD                of an opaque node: the node itself; arguments and state are dropped
// EXT                                  refused
// BINPERSID                            only ('storage', type, key, device, count[, None]) and ('module', ..)
// BINPUT, LONG_BINPUT, MEMOIZE         the slot number is bounded before the table grows
// BINUNICODE and other counted bytes   the count is compared with the bytes that are left; text is a view
// FRAME                                the length must fit into the file; otherwise ignored
// TUPLE, APPENDS, SETITEMS, ...        linear in the size of the stack, which is bounded; copies are counted
// nesting, cycles through the memo     nodes refer to each other by index in one flat array, so that reading,
//                                      walking and freeing never recurse
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/formats/pickle_data.hpp>
#include <tinyfiqa/formats/pickle_objects.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
/// The opcodes of the machine. Each function `..._op` returns false for an opcode of another group.
class Unpickler : PickleObjects {
 public:
  using PickleObjects::PickleObjects;

  Result<PickleData> run() {
    while (status_.ok() && !stopped_) {
      if (at_ == bytes_.size) {
        fail("the file is cut off");
      } else {
        const unsigned char op = bytes_[at_++];
        if (!value_op(op) && !container_op(op) && !object_op(op)) {
          fail_code(Errc::unsupported, "opcode ", static_cast<int>(op),
                    " is not one that torch.save writes; save the weights with "
                    "torch.save(model.state_dict(), path)");
        }
      }
      if (stack_.size() > max_pickle_nodes || data_.nodes.size() > max_pickle_nodes ||
          copied_ > max_pickle_nodes) {
        fail_code(Errc::too_large, "more than 2^21 objects; save the weights alone");
      }
    }
    if (!status_.ok()) return status_;
    data_.consumed = at_;
    return std::move(data_);
  }

 private:
  bool value_op(unsigned char op) {
    std::string_view text;
    switch (op) {
      case 'N':
        return done(push_kind(PickleKind::none));
      case 0x88:
        return done(push_kind(PickleKind::boolean, 1));
      case 0x89:
        return done(push_kind(PickleKind::boolean, 0));
      case 'J':
        return done(small_integer<std::int32_t>());
      case 'K':
        return done(small_integer<std::uint8_t>());
      case 'M':
        return done(small_integer<std::uint16_t>());
      case 0x8a:
        return done(long_integer<std::uint8_t>());
      case 0x8b:
        return done(long_integer<std::uint32_t>());
      case 'G':
        return done(take(8, text) && push_kind(PickleKind::real));
      case 'X':
      case 'T':
      case 'B':
        return done(counted_text<std::uint32_t>());  // str, str of Python 2, bytes
      case 0x8c:
      case 'U':
      case 'C':
        return done(counted_text<std::uint8_t>());
      case 0x8d:
      case 0x8e:
      case 0x96:
        return done(counted_text<std::uint64_t>());
      default:
        return false;
    }
  }

  // ---- containers and memo ----
  bool tuple_of(std::size_t first) {
    PickleNode node;
    node.kind = PickleKind::tuple;
    move_from(first, node.items);
    return push(std::move(node));
  }
  bool last_tuple(std::size_t count) { return need(count) && tuple_of(stack_.size() - count); }
  bool marked(PickleKind kind) {
    std::size_t first = 0;
    if (!pop_mark(first)) return false;
    PickleNode node;
    node.kind = kind;
    move_from(first, node.items);
    if (kind == PickleKind::dict && node.items.size() % 2 != 0) return fail("a key without a value");
    return push(std::move(node));
  }
  /// APPEND(S), SETITEM(S), ADDITEMS: moves the values from `first` on into the container below them.
  bool extend(PickleKind kind, std::size_t first) {
    if (first <= floor()) return fail("a container is missing");
    if (kind == PickleKind::dict && (stack_.size() - first) % 2 != 0) return fail("a key without a value");
    PickleNode& target = data_.nodes[stack_[first - 1]];
    if (is_foreign(target.kind)) return drop_from(first);
    if (target.kind != kind) return fail("values for an object that is no list, set or dict");
    move_from(first, target.items);
    return true;
  }
  bool extend_marked(PickleKind kind) {
    std::size_t first = 0;
    return pop_mark(first) && extend(kind, first);
  }
  bool container_op(unsigned char op) {
    std::size_t first = 0;
    switch (op) {
      case '(':
        marks_.push_back(stack_.size());
        return marks_.size() <= max_pickle_nodes || fail("too many marks");
      case ')':
        return done(push_kind(PickleKind::tuple));
      case 0x85:
        return done(last_tuple(1));
      case 0x86:
        return done(last_tuple(2));
      case 0x87:
        return done(last_tuple(3));
      case 't':
        return done(marked(PickleKind::tuple));
      case ']':
      case 0x8f:
        return done(push_kind(PickleKind::list));
      case 'l':
      case 0x91:
        return done(marked(PickleKind::list));
      case '}':
        return done(push_kind(PickleKind::dict));
      case 'd':
        return done(marked(PickleKind::dict));
      case 'a':
        return done(need(2) && extend(PickleKind::list, stack_.size() - 1));
      case 'e':
      case 0x90:
        return done(extend_marked(PickleKind::list));
      case 's':
        return done(need(3) && extend(PickleKind::dict, stack_.size() - 2));
      case 'u':
        return done(extend_marked(PickleKind::dict));
      case 'q':
        return done(put_numbered<std::uint8_t>());
      case 'r':
        return done(put_numbered<std::uint32_t>());
      case 0x94:
        return done(put(memo_used_));
      case 'h':
        return done(get_numbered<std::uint8_t>());
      case 'j':
        return done(get_numbered<std::uint32_t>());
      case '0':
        return done(need(1) && (pop(), true));
      case '1':
        return done(pop_mark(first) && (stack_.resize(first), true));
      case '2':
        return done(need(1) && push_ref(stack_.back()));
      default:
        return false;
    }
  }
};
}  // namespace detail

/// Reads one pickle from the start of `bytes`. Texts in the result are views of `bytes`. Errors: bad_format,
/// unsupported, too_large.
inline Result<PickleData> read_pickle(Bytes bytes) { return detail::Unpickler(bytes).run(); }

TINYFIQA_END
