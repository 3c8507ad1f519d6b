// Makes a valid safetensors file whose metadata has the lines of the input as values, reads it, and has every text
// parsed that a weight file can carry: calibration, bands, views, crop, size, test vector, hash. What is accepted must
// be written and read again as the same. Seeds: seeds/metadata.
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/test_vector.hpp>

#include <cmath>
#include <cstdint>

#include "input.hpp"

using namespace tinyfiqa;

namespace {

constexpr const char* keys[] = {"calibration", "thresholds",  "bands", "band_errors", "views",        "crop",
                                "input_size",  "test_vector", "model", "untrained",   "normalisation"};

/// The bytes of a file with one tensor and this metadata.
std::vector<unsigned char> file_of(const Metadata& metadata, const std::vector<TensorBytes>& tensors) {
  const std::string header = detail::safetensors_header(tensors, metadata);
  std::vector<unsigned char> bytes(8);
  detail::store_le(bytes.data(), header.size(), 8);
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (const TensorBytes& tensor : tensors)
    bytes.insert(bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  return bytes;
}

void check_calibration(const Metadata& metadata) {
  const auto calibration = calibration_from_metadata(metadata, "input");
  if (!calibration.ok() || !*calibration) return;
  const Calibration& c = **calibration;
  float before = 0;
  for (const QualityKnot& knot : c.knots)
    for (const float raw : {std::nextafter(knot.raw, -1e30f), knot.raw, knot.raw / 2, 2 * knot.raw}) {
      const float quality = c.quality(raw);
      require(quality >= 0 && quality <= 100);
    }
  for (const QualityKnot& knot : c.knots) {
    require(c.quality(knot.raw) >= before);
    before = c.quality(knot.raw);
  }
  require(std::isnan(c.quality(std::nanf(""))));
  for (int quality = 0; quality <= 100; ++quality) (void)band_name(c.limits.of(quality));
  const Metadata written = calibration_metadata(c);
  const auto again = calibration_from_metadata(written, "again");
  require(again.ok() && *again && calibration_metadata(**again) == written);
}

void check_texts(const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (const auto v = parse_test_vector(value, "input"); v.ok()) {
      const std::string text = test_vector_text(*v);
      const auto again = parse_test_vector(text, "again");
      require(again.ok() && test_vector_text(*again) == text);
    }
    if (const auto views = parse_views(value); views.ok()) {
      require(!views->empty() && views->size() <= most_views);
      const auto again = parse_views(views_text(*views));
      require(again.ok() && *again == *views);
    }
    int height = 0, width = 0;
    if (parse_input_size(value, height, width))
      require(height >= 1 && width >= 1 && height <= 4096 && width <= 4096);
    if (const auto crop = parse_face_crop(value)) require(value == face_crop_name(*crop));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Model model(tinyfqnet_spec, native_backend(), Model::Unfilled{}, Use::run);
  Input input(data, size);
  Metadata metadata;
  for (const char* key : keys)
    if (std::string value = input.line(); !value.empty()) metadata.emplace_back(key, std::move(value));
  const std::vector<TensorBytes> tensors = {{"a", DType::f32, {2}, {0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}}};
  const bool hashed = input.empty();
  if (hashed) detail::set_weight_hash(tensors, metadata);
  while (!input.empty()) metadata.emplace_back(input.line(), input.line());

  const std::vector<unsigned char> bytes = file_of(metadata, tensors);
  const auto file = read_safetensors(FileBytes::from_memory(Bytes(bytes), "input"));
  if (!file.ok()) {  // a wrong hash among the last lines
    require(!hashed && file.status().message()[0] != '\0');
    return 0;
  }
  require(file->metadata == metadata && file->entries().size() == 1);
  check_calibration(file->metadata);
  check_texts(file->metadata);
  const Status described = model.describe(*file);
  require(described.ok() || described.message()[0] != '\0');
  return 0;
}
