// Feeds any bytes to every reader of weights and arrays.
#include <tinyfiqa/formats/pickle.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/quality/test_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace tinyfiqa;

/// Every tensor that a reader accepts must be readable. Large expanded tensors are left out, for speed.
static void use(const TensorFile& file) {
  for (const auto& entry : file.entries()) {
    const auto count = count_elements(entry);
    if (!count) std::abort();  // TensorFile::add() has checked it
    if (*count <= 1u << 16u && !read_floats(entry).ok()) std::abort();
  }
  (void)calibration_from_metadata(file.metadata, file.path).ok();
  for (const auto& [key, value] : file.metadata) (void)parse_test_vector(value, file.path).ok();
  (void)without_wrappers(file).entries().size();
  (void)find_prefixes(file, list_params(TinyFQnet()), "").size();
  if (is_shufflenet_megvii(file)) (void)convert_shufflenet_megvii(file).ok();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const FileBytes file = FileBytes::from_memory(Bytes(data, size), "input");
  if (const auto tensors = read_tensors(file); tensors.ok()) {
    use(*tensors);
    for (const WeightSet& set : tensors->sets) (void)read_tensors(file, set.name).ok();
  }
  if (const auto tensors = read_safetensors(file); tensors.ok()) use(*tensors);
  // A zip file has checksums, which mutations break. So the bytes are also read as the pickle inside one.
  if (const auto pickle = read_pickle(file.bytes); pickle.ok()) {
    TensorFile tensors;
    const Status status =
        add_state_dict(*pickle, tensors, [&](const PickleNode&) { return Result<Bytes>(file.bytes); });
    if (status.ok()) use(tensors);
  }
  return 0;
}
