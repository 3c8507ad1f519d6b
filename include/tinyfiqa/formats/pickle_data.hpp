// The content of a pickle: plain data and descriptions of tensors in one flat array, and
// the globals that have a meaning here.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The index of a node in PickleData::nodes.
using PickleRef = std::uint32_t;

/// The kind of a node, and which members of PickleNode it uses.
enum class PickleKind : unsigned char {
  none,     ///< None, and objects that are ignored (torch.device)
  boolean,  ///< `integer` is 0 or 1
  integer,  ///< `integer`
  big,      ///< an integer of more than 64 bits: `text` is its little-endian bytes
  real,     ///< a float; its value is not kept
  text,     ///< str or bytes: `text`
  tuple,    ///< `items`
  list,     ///< `items`; sets too
  dict,     ///< `items` are key, value, key, value, ...
  global,   ///< `global`, and `dtype` of a storage class; `items` are module and name
  storage,  ///< `text` is its key, `integer` its element count, `dtype`
  tensor,   ///< `items` are storage, shape, strides; `integer` is the offset
  unread,   ///< a tensor that is not read (complex, quantised, sparse, NumPy's): `items` as for opaque
  opaque,   ///< any other class or function, or an object of it: `items` are module and name, both text
};

/// The globals that have a meaning here. None of them is ever called, and no other one either.
enum class PickleGlobal : unsigned char {
  none,
  ordered_dict,
  storage_class,
  rebuild_tensor,
  rebuild_subclass,
  rebuild_parameter,
  rebuild_unread,
  size,
  device,
};

/// One value of a pickle.
struct PickleNode {
  PickleKind kind = PickleKind::none;
  PickleGlobal global = PickleGlobal::none;
  DType dtype = DType::f32;
  std::int64_t integer = 0;
  std::string_view text;  ///< a view of the pickle's bytes
  std::vector<PickleRef> items;
};

/// All values of a pickle. `root` is the value that the pickle stands for.
struct PickleData {
  std::vector<PickleNode> nodes;
  PickleRef root = 0;
  std::size_t consumed = 0;  ///< size of the pickle in bytes, with its STOP opcode

  const PickleNode& operator[](PickleRef ref) const { return nodes[ref]; }

  /// "module.name" of a global, or of the class or function behind an unread or opaque node.
  std::string global_name(const PickleNode& node) const {
    return std::string(nodes[node.items[0]].text) + "." + std::string(nodes[node.items[1]].text);
  }
};

/// The largest number of nodes. A checkpoint of 1000 tensors has about 30,000.
constexpr std::size_t max_pickle_nodes = std::size_t{1} << 21u;

/// The meaning of the global "module.name", and the element type of a storage class. PickleGlobal::none for
/// every name without a meaning here.
inline std::pair<PickleGlobal, DType> known_global(std::string_view module, std::string_view name) {
  struct Storage {
    std::string_view name;
    DType dtype;
  };
  constexpr Storage storages[] = {{"FloatStorage", DType::f32}, {"DoubleStorage", DType::f64},
                                  {"HalfStorage", DType::f16},  {"BFloat16Storage", DType::bf16},
                                  {"LongStorage", DType::i64},  {"IntStorage", DType::i32},
                                  {"ShortStorage", DType::i16}, {"CharStorage", DType::i8},
                                  {"ByteStorage", DType::u8},   {"BoolStorage", DType::boolean}};
  const auto plain = [](PickleGlobal global) { return std::make_pair(global, DType::f32); };
  if (module == "collections" && name == "OrderedDict") return plain(PickleGlobal::ordered_dict);
  if (module == "torch._utils") {
    if (name == "_rebuild_tensor" || name == "_rebuild_tensor_v2") return plain(PickleGlobal::rebuild_tensor);
    if (name == "_rebuild_parameter" || name == "_rebuild_parameter_with_state")
      return plain(PickleGlobal::rebuild_parameter);
    if (name.substr(0, 9) == "_rebuild_") return plain(PickleGlobal::rebuild_unread);
  }
  if (module == "torch._tensor" && name == "_rebuild_from_type_v2")
    return plain(PickleGlobal::rebuild_subclass);
  if ((module == "numpy.core.multiarray" || module == "numpy._core.multiarray") && name == "_reconstruct")
    return plain(PickleGlobal::rebuild_unread);
  if (module == "torch" && name == "Size") return plain(PickleGlobal::size);
  if (module == "torch" && name == "device") return plain(PickleGlobal::device);
  if (module == "torch") {
    for (const Storage& storage : storages) {
      if (name == storage.name) return {PickleGlobal::storage_class, storage.dtype};
    }
  }
  return plain(PickleGlobal::none);
}

TINYFIQA_END
