// The main entry point for weights: loads any supported weight file into a network's parameter block.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/foreign_weights.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/formats/shufflenet_megvii.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/tensor_names.hpp>
#include <tinyfiqa/formats/torch.hpp>

#include <string>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
/// Reads the file in its format.
inline Result<TensorFile> read_any(const FileBytes& file, const std::string& set) {
  if (looks_like_zip(file.bytes) || looks_like_pickle(file.bytes)) return read_torch(file, set);
  if (looks_like_safetensors(file.bytes)) return read_safetensors(file);
  return unknown_weights(file.bytes, file.path);
}
}  // namespace detail

/// Reads the named tensors of a safetensors or PyTorch file. The format is recognised by the content, not by
/// the file's extension. What wrappers of the network put before the names is removed (without_wrappers()).
/// `set` chooses one of several sets of weights: the name of a part of the checkpoint ("model_ema"), or the
/// common beginning of names ("ema" of "ema.conv.weight"); without it, see choose_set(). Errors: those of the
/// readers; unsupported for other formats; bad_argument for an unknown set.
inline Result<TensorFile> read_tensors(const FileBytes& file, const std::string& set = "") {
  auto tensors = detail::read_any(file, set);
  if (!tensors) return tensors.status();
  if (!set.empty() && tensors->set != set) {
    bool found = false;
    TensorFile part = tensors_below(*tensors, set, found);
    if (!found)
      return Status::error(Errc::bad_argument, file.path, ": no weights are called ", in_quotes(set),
                           tensors->sets.size() < 2 ? "; the file has one set, read without a name"
                                                    : "; there are " + set_names(tensors->sets));
    tensors = std::move(part);
  }
  return without_wrappers(std::move(*tensors));
}
/// As above, for a path.
inline Result<TensorFile> read_tensors(const std::string& path, const std::string& set = "") {
  const auto file = read_file(path);
  if (!file) return file.status();
  return read_tensors(*file, set);
}

/// Reads a weight file with read_tensors(), converts it if it is megvii's ShuffleNetV2, and loads it with
/// load_params(). If the options name a head, a converted trunk may lack the last convolution too. That
/// convolution then keeps its values in the block, and the report names it. Errors: those of these functions.
inline Result<LoadReport> load_weights(const std::string& path, const std::vector<NamedParam>& params,
                                       Span<float> block, LoadOptions options = {}) {
  auto file = read_tensors(path, options.set);
  if (!file) return file.status();
  if (!is_shufflenet_megvii(*file)) return load_params(*file, params, block, options);
  const auto converted = convert_shufflenet_megvii(*file);
  if (!converted) return converted.status();
  if (!options.head.empty()) options.may_be_missing.emplace_back("conv5.");
  return load_params(*converted, params, block, options);
}

TINYFIQA_END
