// A helper of check_with_pytorch.py: reads weights in any format, converts or loads them, writes safetensors.
//   convert_weights any IN OUT       copies the tensors; megvii's names and order become torchvision's
//   convert_weights NETWORK IN OUT   loads a network with load_weights() and saves it with save_params()
#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include <cstdio>
#include <deque>
#include <string>

using namespace tinyfiqa;

static Status convert_any(const std::string& in, const std::string& out) {
  auto file = read_tensors(in);
  if (file && is_shufflenet_megvii(*file)) file = convert_shufflenet_megvii(*file);
  if (!file) return file.status();
  std::deque<std::vector<float>> values;
  std::vector<FloatTensor> tensors;
  for (const auto& entry : file->entries()) {
    auto floats = read_floats(entry);
    if (!floats) return floats.status();
    values.push_back(std::move(*floats));
    tensors.push_back({entry.name, entry.shape, Span<const float>(values.back())});
  }
  return write_safetensors(out, tensors, file->metadata);
}

static Status through_network(const std::vector<NamedParam>& params, const std::string& in,
                              const std::string& out) {
  std::vector<float> block(block_size(params));
  init_params(params, Span<float>(block), 1);
  const auto report = load_weights(in, params, Span<float>(block));
  if (!report) return report.status();
  return save_params(out, params, Span<const float>(block), {});
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string network = argv[1];
  Status status;
  if (network == "any")
    status = convert_any(argv[2], argv[3]);
  else if (network == "mobilenet_v3_small")
    status = through_network(list_params(MobileNetV3SmallQuality()), argv[2], argv[3]);
  else if (network == "shufflenet_v2_x0_5")
    status = through_network(list_params(ShuffleNetV2Quality<ShuffleNetX0_5>()), argv[2], argv[3]);
  else if (network == "tinyfqnet")
    status = through_network(list_params(TinyFQnet()), argv[2], argv[3]);
  else
    return 2;
  if (!status) std::fprintf(stderr, "%s\n", status.message());
  return status.ok() ? 0 : 1;
}
