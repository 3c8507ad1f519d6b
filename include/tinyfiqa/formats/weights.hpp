// The front door for weights: any supported file, recognised by its content, into a network's block.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/formats/shufflenet_megvii.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/torch.hpp>

#include <string>
#include <vector>

TINYFIQA_BEGIN

/// The named tensors of a safetensors or PyTorch file. The file's extension does not matter. Errors: those of
/// the readers; unsupported for anything else.
inline Result<TensorFile> read_tensors(const FileBytes& file) {
  if (looks_like_zip(file.bytes) || looks_like_pickle(file.bytes)) return read_torch(file);
  if (looks_like_safetensors(file.bytes)) return read_safetensors(file);
  return Status::error(
      Errc::unsupported, file.path,
      ": not a weight file that is known: safetensors, PyTorch's zip "
      "format (torch.save since 1.6) or its legacy format; if it should be one, it is damaged");
}
inline Result<TensorFile> read_tensors(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return file.status();
  return read_tensors(*file);
}

/// read_tensors(), megvii's ShuffleNetV2 converted if it is one, then load_params(). Where the options name a
/// head, a converted trunk may lack the last convolution too, which then keeps what the block held; the
/// report names it.
inline Result<LoadReport> load_weights(const std::string& path, const std::vector<NamedParam>& params,
                                       Span<float> block, LoadOptions options = {}) {
  auto file = read_tensors(path);
  if (!file) return file.status();
  if (!is_shufflenet_megvii(*file)) return load_params(*file, params, block, options);
  const auto converted = convert_shufflenet_megvii(*file);
  if (!converted) return converted.status();
  if (!options.head.empty()) options.may_be_missing.emplace_back("conv5.");
  return load_params(*converted, params, block, options);
}

TINYFIQA_END
