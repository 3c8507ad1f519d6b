// A restricted unpickler: it builds plain data and descriptions of tensors, and calls no function.
//
// A pickle is a program for a small stack machine. Python's interpreter of it may call any function by name.
// This one is safe for hostile files:
//
// Hazard                               What is done about it
// -----------------------------------  ----------------------------------------------------------------------
// GLOBAL, STACK_GLOBAL, INST, EXT      only the names in known_global() are accepted
// REDUCE, NEWOBJ, BUILD                only with a known global, which makes data; BUILD's state is dropped
// BINPERSID                            only ('storage', type, key, device, count[, None])
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
#include <tinyfiqa/formats/pickle_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
/// The opcodes of the machine. Each function `..._op` returns false for an opcode of another group.
class Unpickler : PickleMachine {
 public:
  using PickleMachine::PickleMachine;

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
  /// The opcode was recognised. status_ holds the error, if there is one.
  static bool done(bool) { return true; }

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

  // ---- opcodes that run code in Python ----
  bool push_global(std::string_view module, std::string_view name) {
    PickleNode node;
    node.kind = PickleKind::global;
    std::tie(node.global, node.dtype) = known_global(module, name);
    if (node.global != PickleGlobal::none) return push(std::move(node));
    return fail_code(
        Errc::unsupported, "refused ", in_quotes(std::string(module) + "." + std::string(name)),
        ": only plain tensors are read, no Python code or classes; in Python, save the weights alone: "
        "torch.save(model.state_dict(), path)");
  }
  bool global_lines() {
    std::string_view module, name;
    return line(module) && line(name) && push_global(module, name);
  }
  bool stack_global() {
    if (!need(2)) return false;
    const PickleRef name = pop(), module = pop();
    if (data_[name].kind != PickleKind::text || data_[module].kind != PickleKind::text) {
      return fail("the name of a global is no text");
    }
    return push_global(data_[module].text, data_[name].text);
  }

  bool persistent_id() {
    if (!need(1)) return false;
    const PickleNode& id = data_[pop()];
    const auto item = [&](std::size_t i) -> const PickleNode& { return data_[id.items[i]]; };
    const bool good = id.kind == PickleKind::tuple && (id.items.size() == 5 || id.items.size() == 6) &&
                      item(0).kind == PickleKind::text && item(0).text == "storage" &&
                      item(1).global == PickleGlobal::storage_class && item(2).kind == PickleKind::text &&
                      item(4).kind == PickleKind::integer && item(4).integer >= 0;
    if (!good) return fail("a persistent id does not describe a storage");
    if (id.items.size() == 6 && item(5).kind != PickleKind::none) {
      return fail_code(Errc::unsupported,
                       "a view of a storage (PyTorch before 0.4); save it again with a newer PyTorch");
    }
    PickleNode node;
    node.kind = PickleKind::storage;
    node.dtype = item(1).dtype;
    node.text = item(2).text;
    node.integer = item(4).integer;
    return push(std::move(node));
  }

  bool reduce() {
    if (!need(2)) return false;
    const PickleRef args = pop(), callee = pop();
    if (data_[callee].kind != PickleKind::global || data_[args].kind != PickleKind::tuple) {
      return fail("REDUCE of an object that is no known global");
    }
    const std::vector<PickleRef>& items = data_[args].items;
    switch (data_[callee].global) {
      case PickleGlobal::ordered_dict:
        return ordered_dict(args);
      case PickleGlobal::rebuild_tensor:
        return tensor(args);
      case PickleGlobal::device:
        return push_kind(PickleKind::none);
      case PickleGlobal::rebuild_parameter:
        if (items.empty() || data_[items[0]].kind != PickleKind::tensor)
          return fail("a parameter without a tensor");
        return push_ref(items[0]);
      case PickleGlobal::size:
        if (items.size() != 1 || data_[items[0]].kind != PickleKind::tuple)
          return fail("a torch.Size without a tuple");
        return push_ref(items[0]);
      default:
        return fail("a storage class must not be called");
    }
  }
  /// OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 writes it.
  bool ordered_dict(PickleRef args) {
    PickleNode node;
    node.kind = PickleKind::dict;
    if (data_[args].items.size() > 1) return fail("an OrderedDict with several arguments");
    if (data_[args].items.size() == 1) {
      const PickleNode& pairs = data_[data_[args].items[0]];
      if (pairs.kind != PickleKind::list) return fail("an OrderedDict of an object that is no list");
      for (const PickleRef pair : pairs.items) {
        const PickleNode& entry = data_[pair];
        const bool two =
            entry.items.size() == 2 && (entry.kind == PickleKind::list || entry.kind == PickleKind::tuple);
        if (!two) return fail("an OrderedDict of an object that is no pair");
        if ((copied_ += 2) > max_pickle_nodes) return false;  // run() reports it
        node.items.insert(node.items.end(), entry.items.begin(), entry.items.end());
      }
    }
    return push(std::move(node));
  }
  /// _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks[, metadata]).
  bool tensor(PickleRef args) {
    const auto& items = data_[args].items;
    const auto kind = [&](std::size_t i) { return data_[items[i]].kind; };
    const bool good = items.size() >= 4 && items.size() <= 7 && kind(0) == PickleKind::storage &&
                      kind(1) == PickleKind::integer && kind(2) == PickleKind::tuple &&
                      kind(3) == PickleKind::tuple;
    if (!good) return fail("a tensor without storage, offset, shape and strides");
    PickleNode node;
    node.kind = PickleKind::tensor;
    node.integer = data_[items[1]].integer;
    node.items = {items[0], items[2], items[3]};
    return push(std::move(node));
  }
  bool new_object() {
    if (!need(2)) return false;
    pop();
    if (data_[pop()].global != PickleGlobal::ordered_dict)
      return fail("NEWOBJ of an object that is no OrderedDict");
    return push_kind(PickleKind::dict);
  }
  /// BUILD sets attributes of an OrderedDict, such as _metadata of a state dict. They are dropped.
  bool build() {
    if (!need(2)) return false;
    pop();
    return data_[stack_.back()].kind == PickleKind::dict || fail("BUILD of an object that is no OrderedDict");
  }
  bool protocol() {
    std::uint64_t version = 0;
    if (!number<std::uint8_t>(version)) return false;
    return (version >= 2 && version <= 5) ||
           fail_code(Errc::unsupported, "protocol ", version,
                     " is not read, only 2 to 5; save it again with torch.save");
  }
  bool frame() {
    std::uint64_t length = 0;
    if (!number<std::uint64_t>(length)) return false;
    return length <= bytes_.size - at_ || fail("a frame reaches beyond the end of the file");
  }
  bool stop() {
    if (stack_.size() != 1 || !marks_.empty()) return fail("the stack must hold one value at the end");
    data_.root = stack_[0];
    return stopped_ = true;
  }

  bool object_op(unsigned char op) {
    switch (op) {
      case 0x80:
        return done(protocol());
      case 0x95:
        return done(frame());
      case 'c':
        return done(global_lines());
      case 'i':
        return done(global_lines() && fail("INST is not read"));
      case 0x93:
        return done(stack_global());
      case 'Q':
        return done(persistent_id());
      case 'R':
        return done(reduce());
      case 0x81:
        return done(new_object());
      case 'b':
        return done(build());
      case '.':
        return done(stop());
      default:
        return false;
    }
  }

  bool stopped_ = false;
};
}  // namespace detail

/// Reads one pickle from the start of `bytes`. Texts in the result are views of `bytes`. Errors: bad_format,
/// unsupported, too_large.
inline Result<PickleData> read_pickle(Bytes bytes) { return detail::Unpickler(bytes).run(); }

TINYFIQA_END
