// Loads weights from a file into a network's parameter block, and saves the block to a file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/named_params.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/tensor_names.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Which parameters a file may lack.
struct LoadOptions {
  /// The prefix of the head's names, such as "classifier." (mobilenet_v3_small) or "fc."
  /// (shufflenet_v2). The file may then lack the head, or have an ImageNet classifier in its place. If
  /// empty, every name is required.
  std::string head;
  /// Prefixes of other parts that the file may lack as a whole, such as "conv5." of a trunk.
  std::vector<std::string> may_be_missing;
  /// The set of weights to read from a file that has several (read_tensors()).
  std::string set = {};
};

/// What load_params() did.
struct LoadReport {
  std::size_t loaded = 0;          ///< number of tensors that came from the file
  bool head_loaded = true;         ///< false: the head keeps its values, normally those of init_params()
  std::vector<std::string> kept;   ///< names of all parameters that keep their values
  std::vector<std::string> notes;  ///< sentences to show to the user
};

namespace detail {
inline std::vector<std::int64_t> param_shape(const Param& param) {
  return std::vector<std::int64_t>(param.extents, param.extents + param.rank);
}

/// Counts differences of one kind and keeps the name of the first.
struct Differences {
  std::string first;
  std::size_t count = 0;

  void add(const std::string& text) {
    if (count++ == 0) first = text;
  }
  std::string text(const char* what) const {
    if (count == 0) return "";
    return std::string("; ") + what + " " + first +
           (count > 1 ? " and " + std::to_string(count - 1) + " more" : "");
  }
};

/// Compares names and shapes and decides what to copy. It reads no values.
class LoadPlan {
 public:
  LoadPlan(const TensorFile& file, const std::vector<NamedParam>& params, const LoadOptions& options)
      : file_(file), params_(params), options_(options) {}

  std::vector<std::pair<const NamedParam*, const TensorEntry*>> copies;
  LoadReport report;

  Status make() {
    const std::string problems = differences();
    if (problems.empty()) return {};
    return Status::error(Errc::mismatch, file_.path, ": weights of another network", problems,
                         "; choose the network that the file was made for");
  }

  /// Fills `copies` and `report`. What does not fit, as text: "; missing 'fc.weight' and 1 more; ..".
  std::string differences() {
    report.notes = file_.notes;
    find_prefix();
    judge_head();
    Differences missing, unexpected, shapes;
    for (const auto& p : params_) {
      const TensorEntry* const entry = skipped(p.name) ? nullptr : find(p.name);
      if (entry == nullptr)
        keep(p.name, missing);
      else if (entry->shape == param_shape(p.param))
        copies.emplace_back(&p, entry);
      else
        shapes.add(in_quotes(p.name) + " with shape " + shape_text(entry->shape) + " instead of " +
                   shape_text(param_shape(p.param)));
    }
    std::unordered_set<std::string_view> wanted;
    for (const auto& p : params_) wanted.insert(p.name);
    for (const auto& entry : file_.entries()) {
      if (!inside(entry)) continue;
      const std::string_view name = name_of(entry);
      if (!is_counter(name) && !skipped(name) && wanted.count(name) == 0)
        unexpected.add(in_quotes(entry.name));
    }
    return missing.text("missing") + unexpected.text("unexpected") + shapes.text("found");
  }

 private:
  bool skipped(std::string_view name) const {
    return !report.head_loaded && starts_with(name, options_.head);
  }

  const TensorEntry* find(const std::string& name) const {
    return prefix_.empty() ? file_.find(name) : file_.find(prefix_ + name);
  }
  bool inside(const TensorEntry& entry) const { return starts_with(entry.name, prefix_); }
  std::string_view name_of(const TensorEntry& entry) const {
    return std::string_view(entry.name).substr(prefix_.size());
  }

  /// If the file has no parameter under its own name, but all under names with a prefix, that prefix is taken
  /// from the names.
  void find_prefix() {
    const auto there = [&](const NamedParam& p) { return file_.find(p.name) != nullptr; };
    if (params_.empty() || there(params_[0]) || std::any_of(params_.begin(), params_.end(), there)) return;
    const std::vector<WeightSet> sets = find_prefixes(file_, params_, options_.head);
    if (sets.empty()) return;
    const WeightSet& chosen = sets[choose_set(sets)];
    prefix_ = chosen.name + ".";
    std::size_t others = 0;
    for (const auto& entry : file_.entries()) others += !inside(entry) && !is_counter(entry.name);
    report.notes.push_back(
        "the prefix " + in_quotes(prefix_) + " was removed from the names" +
        (others == 0 ? "" : "; " + std::to_string(others) + " tensors without it were left out"));
    if (sets.size() > 1) report.notes.push_back(chosen_set_note(sets, chosen.name));
  }

  /// Decides whether the file's head is this network's head, an ImageNet classifier, or absent.
  void judge_head() {
    if (options_.head.empty()) return;
    bool present = false, imagenet = false, fits = true;
    for (const auto& entry : file_.entries()) {
      if (!inside(entry) || !starts_with(name_of(entry), options_.head)) continue;
      present = true;
      imagenet = imagenet || (!entry.shape.empty() && entry.shape[0] == 1000);
    }
    for (const auto& p : params_) {
      if (!starts_with(p.name, options_.head)) continue;
      const TensorEntry* const entry = find(p.name);
      fits = fits && entry != nullptr && entry->shape == param_shape(p.param);
    }
    if (fits || (present && !imagenet)) return;  // make() reports the tensors that do not fit
    report.head_loaded = false;
    report.notes.push_back((present ? "the ImageNet classifier in '" + options_.head + "' was dropped"
                                    : "the file has no head '" + options_.head + "'") +
                           ": the quality head keeps its initial values and needs training");
  }

  /// Handles a parameter that the file lacks: it is kept if it belongs to the head or to another part that
  /// may be missing as a whole, and counted as missing otherwise.
  void keep(const std::string& name, Differences& missing) {
    if (!skipped(name)) {
      const std::string* const part = missing_part(name);
      if (part == nullptr) {
        const UnreadTensor* const unread = file_.find_unread(prefix_ + name);
        return missing.add(in_quotes(name) +
                           (unread == nullptr ? "" : " (" + unread->what + " can't be read)"));
      }
      if (noted_.insert(*part).second) {
        report.notes.push_back("the file has no '" + *part +
                               "': it keeps its initial values and needs training");
      }
    }
    report.kept.push_back(name);
  }
  const std::string* missing_part(const std::string& name) const {
    for (const auto& prefix : options_.may_be_missing) {
      if (!starts_with(name, prefix)) continue;
      const auto in_part = [&](const TensorEntry& entry) {
        return inside(entry) && starts_with(name_of(entry), prefix);
      };
      if (std::none_of(file_.entries().begin(), file_.entries().end(), in_part)) return &prefix;
    }
    return nullptr;
  }

  const TensorFile& file_;
  const std::vector<NamedParam>& params_;
  const LoadOptions& options_;
  std::string prefix_;  ///< of all names in the file
  std::unordered_set<std::string> noted_;
};

/// Refuses NaN, infinities and negative variances. It compares bits, so that it works under -ffast-math too.
inline Status check_values(const std::string& path, const NamedParam& p, Span<const float> values) {
  std::uint32_t largest = 0, any_sign = 0;
  for (const float value : values) {
    const std::uint32_t bits = float_bits(value);
    largest = std::max(largest, bits & 0x7fffffffu);
    any_sign |= value < 0.0f ? 1u : 0u;
  }
  if (largest >= 0x7f800000u)
    return Status::error(Errc::not_finite, path, ": ", in_quotes(p.name),
                         " contains NaN or infinity: the training diverged; use an earlier checkpoint");
  if (p.param.kind == ParamKind::running_var && any_sign != 0)
    return Status::error(Errc::bad_format, path, ": ", in_quotes(p.name),
                         " contains a negative variance: the file is damaged; download or export it again");
  return {};
}

/// Reads and checks the floats of one parameter.
inline Status read_param(const std::string& path, const NamedParam& p, const TensorEntry& entry,
                         Span<float> values) {
  const Status status = read_floats(entry, values);
  if (!status) return status.prefixed(path, ": ");
  return check_values(path, p, Span<const float>(values.data, values.size));
}
}  // namespace detail

/// Fills `block` (block_size(params) floats) from a file. Names and shapes must be those of the network,
/// except for a prefix of all names, and for what the options allow. On an error the block is unchanged. Errors: mismatch (the message
/// names the first missing, the first unexpected and the first misshapen tensor), not_finite,
/// bad_format, bad_argument.
inline Result<LoadReport> load_params(const TensorFile& file, const std::vector<NamedParam>& params,
                                      Span<float> block, const LoadOptions& options = {}) {
  if (block.size < block_size(params)) {
    return Status::error(Errc::bad_argument, file.path, ": the block has ", block.size,
                         " floats, the network needs ", block_size(params), "; give it block_size(params)");
  }
  if (const std::string* precision = find_metadata(file.metadata, "precision");
      precision != nullptr && *precision == "i8")
    return Status::error(Errc::unsupported, file.path,
                         ": weights of a network of 8-bit maps, which can only be run; "
                         "take the file of floats that it was made from");
  detail::LoadPlan plan(file, params, options);
  Status status = plan.make();
  if (!status) return status;
  std::vector<float> fresh(block.begin(), block.end());
  for (const auto& [p, entry] : plan.copies) {
    status = detail::read_param(file.path, *p, *entry, param_values(Span<float>(fresh), p->param));
    if (!status) return status;
  }
  std::copy(fresh.begin(), fresh.end(), block.begin());
  plan.report.loaded = plan.copies.size();
  return std::move(plan.report);
}

/// Writes the block as a safetensors file with PyTorch's names; `dtype` is f32 or f16. To load it in Python:
///   model.load_state_dict(safetensors.torch.load_file(path), strict=False)
/// Only num_batches_tracked is missing there. Errors: bad_argument, cannot_write.
inline Status save_params(const std::string& path, const std::vector<NamedParam>& params,
                          Span<const float> block,
                          std::vector<std::pair<std::string, std::string>> metadata = {},
                          DType dtype = DType::f32) {
  if (block.size < block_size(params)) {
    return Status::error(Errc::bad_argument, path, ": the block has ", block.size,
                         " floats, the network needs ", block_size(params), "; give it block_size(params)");
  }
  const auto is_format = [](const auto& pair) { return pair.first == "format"; };
  if (std::none_of(metadata.begin(), metadata.end(), is_format)) metadata.emplace_back("format", "pt");
  std::vector<FloatTensor> tensors;
  for (const auto& p : params) {
    tensors.push_back({p.name, detail::param_shape(p.param), param_values(block, p.param)});
  }
  return write_safetensors(path, tensors, metadata, dtype);
}

TINYFIQA_END
