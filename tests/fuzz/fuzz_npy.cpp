// Reads any bytes as a .npy array. If that works, the array is written and must be read as the same. The first byte
// chooses: the rest is a whole file, or only the text of its header, for which the number of elements is made right.
// Arrays also go through a .npz archive. Seeds: tests/fixtures/io.
#include <tinyfiqa/formats/npz.hpp>
#include <tinyfiqa/formats/zip_archive.hpp>

#include <cstdint>
#include <limits>

#include "input.hpp"

using namespace tinyfiqa;

namespace {

constexpr std::size_t most_elements = 1u << 16u;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

Result<NpyArray> read(const std::vector<unsigned char>& bytes) {
  return read_npy(FileBytes::from_memory(Bytes(bytes), "input"));
}

/// A file with this header, and as many elements as the header declares, if they are not too many.
std::vector<unsigned char> file_with_header(Input& input) {
  const int version = input.between(1, 3);
  const Bytes text = input.rest();
  std::vector<unsigned char> file = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<unsigned char>(version), 0};
  const std::size_t digits = version == 1 ? 2 : 4;
  for (std::size_t i = 0; i < digits; ++i) file.push_back(static_cast<unsigned char>(text.size >> (8 * i)));
  file.insert(file.end(), text.begin(), text.end());
  detail::NpyHeader header(std::string_view(reinterpret_cast<const char*>(text.data), text.size));
  if (!header.parse().ok()) return file;
  std::uint64_t bytes = dtype_bytes(header.dtype);
  for (const std::int64_t extent : header.shape)
    if (!multiply_into(bytes, static_cast<std::uint64_t>(extent))) return file;
  if (bytes > most_elements) return file;
  for (std::uint64_t i = 0; i < bytes; ++i) file.push_back(static_cast<unsigned char>(31 * i + 7));
  return file;
}

void check_archive(const NpyArray& array, const std::vector<unsigned char>& member, Input& input) {
  const std::string name = input.line();
  std::vector<unsigned char> bytes;
  {
    detail::ZipWriter zip;
    if (!zip.add(name, member) || !zip.add("second", member)) return;  // a name that a zip file can't have
    bytes = zip.finish();
  }
  if (bytes.empty()) return;
  detail::ZipArchive archive;
  require(archive.open(Bytes(bytes)).ok());
  const auto unpacked = archive.read("second");
  require(unpacked.ok() && **unpacked == member);
  const auto again = read(**unpacked);
  require(again.ok() && again->shape == array.shape && same_bits(again->values, array.values));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  // Seeds are whole files, whose first byte is odd (0x93).
  const auto file = size > 0 && data[0] % 2 == 0 ? (input.byte(), file_with_header(input))
                                                 : std::vector<unsigned char>(data, data + size);
  const auto array = read(file);
  if (!array.ok()) {
    require(array.status().message()[0] != '\0');
    return 0;
  }
  std::uint64_t count = 1;
  for (const std::int64_t extent : array->shape)
    require(multiply_into(count, static_cast<std::uint64_t>(extent)));
  require(count == array->values.size());
  const auto bytes = npy_bytes(array->shape, {array->values.data(), array->values.size()});
  require(bytes.ok());
  const auto again = read(*bytes);
  require(again.ok() && again->shape == array->shape && same_bits(again->values, array->values));
  check_archive(*array, *bytes, input);
  return 0;
}
