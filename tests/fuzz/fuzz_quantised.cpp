// Changes bytes of the file of an 8-bit tinyFQnet, reads it, and runs what is accepted: all instruction sets must give the
// same features, to the bit.
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/quantisation/quantiser.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <cstdint>

#include "input.hpp"

using namespace tinyfiqa;

namespace {

constexpr int side = 16;

std::vector<unsigned char> noise(std::uint64_t seed) {
  Rng rng(seed);
  std::vector<unsigned char> levels(static_cast<std::size_t>(side * side * 3));
  for (unsigned char& level : levels) level = static_cast<unsigned char>(rng.below(256));
  return levels;
}

std::vector<TensorBytes> make_tensors() {
  const Model floats(*find_model("tinyfqnet"), *choose_backend("scalar"), 3);
  auto quantiser = Quantiser::create(floats, side, side);
  require(quantiser.ok());
  quantiser->add(noise(1));
  auto whole = quantiser->quantise();
  require(whole.ok());
  return whole_tensors(whole->network(), whole->input().levels, {whole->block().data, whole->block().size});
}

/// The features of an image by one instruction set; empty if the file is refused.
std::vector<float> features(const FileBytes& file, const Backend& backend) {
  const auto model = load_model(file, "", backend);
  if (!model.ok()) return {};
  SessionOptions options;
  options.feed = Feed::levels;
  options.outputs = {"features"};
  auto session = Session::create(*model, 1, side, side, options);
  if (!session.ok()) return {};
  std::vector<float> y(session->output_floats());
  session->run(noise(2).data(), y.data());
  return y;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<TensorBytes> original = make_tensors();
  std::vector<TensorBytes> tensors = original;
  for (Input input(data, size); !input.empty();) {
    TensorBytes& tensor = tensors[static_cast<std::size_t>(input.below(256)) % tensors.size()];
    const auto at = static_cast<std::size_t>(input.byte()) * 256u + input.byte();
    tensor.bytes[at % tensor.bytes.size()] = input.byte();
  }
  const std::string header =
      detail::safetensors_header(tensors, {{"model", "tinyfqnet"}, {"precision", "i8"}});
  std::vector<unsigned char> bytes(8);
  detail::store_le(bytes.data(), header.size(), 8);
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (const TensorBytes& tensor : tensors)
    bytes.insert(bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  const FileBytes file = FileBytes::from_memory(Bytes(bytes.data(), bytes.size()), "input");
  const auto expected = features(file, *choose_backend("scalar"));
  for (const Backend* backend : compiled_backends())
    if (cpu_can_run(backend->isa)) {
      const auto y = features(file, *backend);
      require(y.size() == expected.size());
      require(y.empty() || std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) == 0);
    }
  return 0;
}
