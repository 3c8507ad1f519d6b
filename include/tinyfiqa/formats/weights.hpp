// The main entry point for weights: loads any supported weight file into a network's parameter block.
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

/// Reads the named tensors of a safetensors or PyTorch file. The format is recognised by the content, not by
/// the file's extension. Errors: those of the readers; unsupported for other formats.
inline Result<TensorFile> read_tensors(const FileBytes& file) {
  if (looks_like_zip(file.bytes) || looks_like_pickle(file.bytes)) return read_torch(file);
  if (looks_like_safetensors(file.bytes)) return read_safetensors(file);
  return Status::error(
      Errc::unsupported, file.path,
      ": not a weight file in a known format (safetensors, PyTorch's zip format or its legacy format); "
      "copy or download it again, or save it as safetensors");
}
/// As above, for a path.
inline Result<TensorFile> read_tensors(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return file.status();
  return read_tensors(*file);
}

/// Reads a weight file with read_tensors(), converts it if it is megvii's ShuffleNetV2, and loads it with
/// load_params(). If the options name a head, a converted trunk may lack the last convolution too. That
/// convolution then keeps its values in the block, and the report names it. Errors: those of these functions.
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
