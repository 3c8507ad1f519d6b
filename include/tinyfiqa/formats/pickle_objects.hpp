// The parts of the unpickler for globals and objects, where Python's unpickler would run code.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/pickle_data.hpp>
#include <tinyfiqa/formats/pickle_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
/// The opcodes for globals and objects. Nothing is called: a known global makes data, any other one an opaque
/// node.
class PickleObjects : protected PickleMachine {
 protected:
  using PickleMachine::PickleMachine;

  /// The opcode was recognised. status_ holds the error, if there is one.
  static bool done(bool) { return true; }

  // ---- globals ----
  /// True for classes, functions and objects that are only names here.
  static bool is_foreign(PickleKind kind) { return kind == PickleKind::opaque || kind == PickleKind::unread; }

  PickleRef add_text(std::string_view text) {
    PickleNode node;
    node.kind = PickleKind::text;
    node.text = text;
    data_.nodes.push_back(std::move(node));
    return static_cast<PickleRef>(data_.nodes.size() - 1);
  }
  bool push_global(std::string_view module, std::string_view name) {
    PickleNode node;
    std::tie(node.global, node.dtype) = known_global(module, name);
    node.kind = node.global == PickleGlobal::none ? PickleKind::opaque : PickleKind::global;
    node.items = {add_text(module), add_text(name)};
    return push(std::move(node));
  }
  /// A tensor that is not read. `named` has the name that tells why.
  bool push_unread(PickleRef named) {
    PickleNode node;
    node.kind = PickleKind::unread;
    node.items = data_[named].items;
    return push(std::move(node));
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

  // ---- opcodes that run code in Python ----
  /// ('storage', type, key, device, count[, None]), or ('module', class, file, source) of a whole legacy model.
  bool persistent_id() {
    if (!need(1)) return false;
    const PickleNode& id = data_[pop()];
    const auto item = [&](std::size_t i) -> const PickleNode& { return data_[id.items[i]]; };
    if (id.kind == PickleKind::tuple && id.items.size() >= 2 && item(0).kind == PickleKind::text &&
        (item(0).text == "module" || item(0).text == "storage") && item(1).kind == PickleKind::opaque)
      return push_ref(id.items[1]);
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
    return rebuild(callee, args);
  }
  /// What `callee(*args)` stands for.
  bool rebuild(PickleRef callee, PickleRef args) {
    if (is_foreign(data_[callee].kind)) return push_ref(callee);
    if (data_[callee].kind != PickleKind::global || data_[args].kind != PickleKind::tuple) {
      return fail("REDUCE of an object that is no global");
    }
    const std::vector<PickleRef>& items = data_[args].items;
    switch (data_[callee].global) {
      case PickleGlobal::ordered_dict:
        return ordered_dict(args);
      case PickleGlobal::rebuild_tensor:
        return tensor(args);
      case PickleGlobal::rebuild_subclass:  // (function, type, arguments, state)
        if (items.size() < 3 || data_[items[0]].global == PickleGlobal::rebuild_subclass)
          return fail("a tensor without its function and arguments");
        return rebuild(items[0], items[2]);
      case PickleGlobal::rebuild_unread:
        // (.., element type) of _rebuild_tensor_v3: float8 and the like
        return push_unread(items.size() > 6 && data_[items[6]].kind == PickleKind::opaque ? items[6]
                                                                                          : callee);
      case PickleGlobal::device:
        return push_kind(PickleKind::none);
      case PickleGlobal::rebuild_parameter:
        if (items.empty() ||
            (data_[items[0]].kind != PickleKind::tensor && !is_foreign(data_[items[0]].kind)))
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
    if (!items.empty() && is_foreign(kind(0))) return push_unread(items[0]);  // its storage
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
  /// NEWOBJ and NEWOBJ_EX: class.__new__(class, *arguments[, **keywords]).
  bool new_object(std::size_t arguments) {
    if (!need(1 + arguments)) return false;
    stack_.resize(stack_.size() - arguments);
    const PickleRef type = pop();
    if (is_foreign(data_[type].kind)) return push_ref(type);
    if (data_[type].global != PickleGlobal::ordered_dict) return fail("NEWOBJ of an object that is no class");
    return push_kind(PickleKind::dict);
  }
  /// OBJ: the class and its arguments lie above the mark.
  bool old_object() {
    std::size_t first = 0;
    if (!pop_mark(first)) return false;
    if (stack_.size() == first || !is_foreign(data_[stack_[first]].kind))
      return fail("OBJ of an object that is no class");
    return drop_from(first + 1);
  }
  /// INST: the arguments lie above the mark, the name of the class follows.
  bool instance() {
    std::size_t first = 0;
    return pop_mark(first) && drop_from(first) && global_lines();
  }
  bool drop_from(std::size_t first) {
    stack_.resize(first);
    return true;
  }
  /// BUILD sets attributes of an object, such as _metadata of a state dict. They are dropped.
  bool build() {
    if (!need(2)) return false;
    pop();
    const PickleKind kind = data_[stack_.back()].kind;
    return kind == PickleKind::dict || kind == PickleKind::tensor || is_foreign(kind) ||
           fail("BUILD of an object that has no attributes");
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
        return done(instance());
      case 'o':
        return done(old_object());
      case 0x93:
        return done(stack_global());
      case 'Q':
        return done(persistent_id());
      case 'R':
        return done(reduce());
      case 0x81:
        return done(new_object(1));
      case 0x92:
        return done(new_object(2));
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

TINYFIQA_END
