// libFuzzer target: any bytes into every reader of weights and arrays. See CMakeLists.txt here for how to run
// it.
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/pickle.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/quality/test_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace tinyfiqa;

/// Every tensor that a reader let through must be readable; expanded giants are left out, for speed.
static void use(const TensorFile& file) {
  for (const auto& entry : file.entries()) {
    const auto count = count_elements(entry);
    if (!count) std::abort();  // add() promised it
    if (*count <= 1u << 16u && !read_floats(entry).ok()) std::abort();
  }
  (void)calibration_from_metadata(file.metadata, file.path).ok();
  for (const auto& [key, value] : file.metadata) (void)parse_test_vector(value, file.path).ok();
  if (is_shufflenet_megvii(file)) (void)convert_shufflenet_megvii(file).ok();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const FileBytes file = FileBytes::from_memory(Bytes(data, size), "input");
  if (const auto tensors = read_tensors(file); tensors.ok()) use(*tensors);
  if (const auto tensors = read_safetensors(file); tensors.ok()) use(*tensors);
  (void)read_npy(file).ok();
  // The checkpoint inside a zip file is behind a checksum that no mutation gets right: it is fed bare too.
  if (const auto pickle = read_pickle(file.bytes); pickle.ok()) {
    TensorFile tensors;
    const Status status =
        add_state_dict(*pickle, tensors, [&](const PickleNode&) { return Result<Bytes>(file.bytes); });
    if (status.ok()) use(tensors);
  }
  return 0;
}
