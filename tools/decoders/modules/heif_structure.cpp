#include "decoders/modules/heif_structure.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace {

/// Grids, overlays and copies that one photo is made of, each as often as it is built. A photo of a camera is one grid, with
/// another one for alpha, and perhaps a copy that is turned.
constexpr unsigned most_built = 8;
/// Rotations, mirrorings and crops of one image. The format allows one of each.
constexpr unsigned most_changes = 6;

constexpr std::uint32_t type(const char (&name)[5]) {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i) code = code << 8u | static_cast<unsigned char>(name[i]);
  return code;
}

/// Reads big-endian numbers. Behind the end, they are 0.
class Reader {
 public:
  Reader(const unsigned char* data, std::size_t bytes) : data_(data), left_(bytes) {}

  bool empty() const { return left_ == 0; }
  std::uint64_t number(std::size_t bytes) {
    if (bytes > left_) left_ = 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes && left_ > 0; ++i, ++data_, --left_) value = value << 8u | *data_;
    return value;
  }
  std::uint32_t word() { return static_cast<std::uint32_t>(number(4)); }
  Reader part(std::uint64_t bytes) {
    const std::size_t taken = bytes < left_ ? static_cast<std::size_t>(bytes) : left_;
    const Reader inside(data_, taken);
    data_ += taken;
    left_ -= taken;
    return inside;
  }

 private:
  const unsigned char* data_;
  std::size_t left_;
};

/// visit(type, content) for each box.
template <class Visit>
void for_each_box(Reader in, const Visit& visit) {
  while (!in.empty()) {
    std::uint64_t size = in.word(), head = 8;
    const std::uint32_t kind = in.word();
    if (size == 1) {
      size = in.number(8);
      head = 16;
    }
    if (size == 0) size = ~std::uint64_t{0};  // to the end
    if (size < head) return;
    visit(kind, in.part(size - head));
  }
}

struct Item {
  bool built = false;                ///< of other images: it is not coded itself
  unsigned changes = 0;              ///< rotations, mirrorings, crops
  std::vector<std::uint32_t> parts;  ///< what is decoded for it, with repetitions
  unsigned total = 0;                ///< images that are built for it
};

/// All items of a file. Boxes that should be there once count as often as they are there.
class Items {
 public:
  explicit Items(Reader file) {
    for_each_box(file, [this](std::uint32_t kind, Reader content) {
      if (kind == type("meta")) read_meta(content);
    });
  }

  bool changed_too_often() const {
    return std::any_of(items_.begin(), items_.end(),
                       [](const auto& item) { return item.second.changes > most_changes; });
  }

  bool built_too_often() {
    // Each round looks one level deeper. A built image may be at every second level: the alpha of a coded one.
    for (unsigned round = 0; round < 2 * most_built + 2; ++round) {
      bool more = false;
      for (auto& [id, item] : items_) {
        const unsigned total = count(item);
        if (total > most_built) return true;
        more = more || total != item.total;
        item.total = total;
      }
      if (!more) return false;
    }
    return false;
  }

 private:
  std::map<std::uint32_t, Item> items_;

  unsigned count(const Item& item) const {
    unsigned total = item.built ? 1 : 0;
    for (const std::uint32_t id : item.parts) {
      const auto part = items_.find(id);
      if (part != items_.end()) total += part->second.total;
      if (total > most_built) break;
    }
    return total;
  }

  void read_meta(Reader in) {
    in.word();
    for_each_box(in, [this](std::uint32_t kind, Reader content) {
      if (kind == type("iinf")) read_types(content);
      if (kind == type("iref")) read_references(content);
      if (kind == type("iprp")) read_properties(content);
    });
  }

  void read_types(Reader in) {
    in.number(in.word() >> 24u == 0 ? 2 : 4);
    for_each_box(in, [this](std::uint32_t kind, Reader content) {
      const unsigned version = content.word() >> 24u;
      if (kind != type("infe") || version < 2) return;
      const auto id = static_cast<std::uint32_t>(content.number(version == 2 ? 2 : 4));
      content.number(2);
      const std::uint32_t item = content.word();
      if (item == type("grid") || item == type("iovl") || item == type("iden")) items_[id].built = true;
    });
  }

  void read_references(Reader in) {
    const std::size_t id_bytes = in.word() >> 24u == 0 ? 2 : 4;
    for_each_box(in, [this, id_bytes](std::uint32_t kind, Reader content) {
      const auto from = static_cast<std::uint32_t>(content.number(id_bytes));
      for (auto left = content.number(2); left > 0 && !content.empty(); --left) {
        const auto to = static_cast<std::uint32_t>(content.number(id_bytes));
        if (kind == type("dimg")) items_[from].parts.push_back(to);
        if (kind == type("auxl")) items_[to].parts.push_back(from);  // alpha
      }
    });
  }

  void read_properties(Reader in) {
    std::vector<bool> changes{false};  // they are counted from 1
    for_each_box(in, [&changes](std::uint32_t kind, Reader content) {
      if (kind == type("ipco"))
        for_each_box(content, [&changes](std::uint32_t property, Reader) {
          changes.push_back(property == type("irot") || property == type("imir") || property == type("clap"));
        });
    });
    for_each_box(in, [&](std::uint32_t kind, Reader content) {
      if (kind == type("ipma")) read_associations(content, changes);
    });
  }

  void read_associations(Reader in, const std::vector<bool>& changes) {
    const std::uint32_t head = in.word();
    const bool wide = (head & 1u) != 0;
    for (std::uint32_t left = in.word(); left > 0 && !in.empty(); --left) {
      Item& item = items_[static_cast<std::uint32_t>(in.number(head >> 24u == 0 ? 2 : 4))];
      for (auto count = in.number(1); count > 0 && !in.empty(); --count) {
        const std::uint64_t index = in.number(wide ? 2 : 1) & (wide ? 0x7FFFu : 0x7Fu);
        if (index < changes.size() && changes[index]) ++item.changes;
      }
    }
  }
};

}  // namespace

const char* excessive_structure(const unsigned char* file, std::size_t bytes) {
  Items items(Reader(file, bytes));
  if (items.changed_too_often()) return "an image is rotated or cropped too often";
  if (items.built_too_often()) return "too many grids or overlays within each other";
  return nullptr;
}
