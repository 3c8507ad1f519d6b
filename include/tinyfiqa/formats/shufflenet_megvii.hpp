// Converts ShuffleNetV2 checkpoints of the network's authors (megvii; Ma et al. 2018) to the names and the
// channel order of torchvision.
//
// In both, a stage has a down-sampling unit and units of stride 1. A unit of stride 1 passes half of its
// channels through and sends the other half through a branch. They differ in the choice of that half:
//   megvii       even channels pass, odd channels enter the branch; output = concat(passed, branch)
//   torchvision  the first half passes, the second enters the branch; output = interleave(passed, branch)
// In both, a branch produces a channel, the channel passes through a number of units, and then a branch or
// the next stage consumes it. For each branch, the number of channels that are consumed by unit k is the same
// in both orders. So the channels can be matched one to one: the converter permutes the rows of each
// producer's weights and the columns of each consumer's, and the function of the network stays the same.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// True if the names of the tensors are megvii's.
inline bool is_shufflenet_megvii(const TensorFile& file) {
  return file.find("first_conv.0.weight") != nullptr &&
         (file.find("stage2.0.branch_main.0.weight") != nullptr ||
          file.find("features.0.branch_main.0.weight") != nullptr);
}

namespace detail {
/// Where a channel comes from: the branch that produced it and its row in that branch's last convolution.
/// Branch 0 is the projection of the down-sampling unit, 1 its main branch, k + 1 the branch of unit k.
struct ChannelOrigin {
  std::size_t branch, row;
};

/// One stage in one of the two channel orders.
struct StageOrder {
  std::vector<std::vector<ChannelOrigin>> worked;  ///< [unit - 1]: the channels that enter the unit's branch
  std::vector<ChannelOrigin> output;               ///< the output channels of the stage
};

/// Follows the channels of a stage through its units.
inline StageOrder trace_stage(std::size_t channels, std::size_t units, bool megvii) {
  const std::size_t half = channels / 2;
  StageOrder order;
  std::vector<ChannelOrigin> passed, made;
  for (std::size_t i = 0; i < half; ++i) {
    passed.push_back({0, i});
    made.push_back({1, i});
  }
  for (std::size_t unit = 1;; ++unit) {
    std::vector<ChannelOrigin>& out = order.output;
    out.clear();
    if (megvii) {
      out = passed;
      out.insert(out.end(), made.begin(), made.end());
    } else {
      for (std::size_t i = 0; i < half; ++i) out.insert(out.end(), {passed[i], made[i]});
    }
    if (unit == units) return order;
    order.worked.emplace_back();
    for (std::size_t i = 0; i < half; ++i) {
      passed[i] = megvii ? out[2 * i] : out[i];
      order.worked.back().push_back(megvii ? out[2 * i + 1] : out[half + i]);
      made[i] = {unit + 1, i};
    }
  }
}

/// For one stage, the position in megvii's file of each row and column of torchvision.
struct StagePermutation {
  std::vector<std::vector<std::size_t>> rows;     ///< [branch][row in torchvision]
  std::vector<std::vector<std::size_t>> columns;  ///< [unit - 1][input column in torchvision]
  std::vector<std::size_t> output;                ///< [output channel in torchvision]
};

/// result[branch][life] lists, in increasing order, the rows of `branch` that are consumed by unit life + 1.
/// The last life stands for the channels that reach the output of the stage.
inline std::vector<std::vector<std::vector<std::size_t>>> rows_by_life(const StageOrder& order,
                                                                       std::size_t units) {
  std::vector<std::vector<std::vector<std::size_t>>> rows(units + 1,
                                                          std::vector<std::vector<std::size_t>>(units));
  for (std::size_t unit = 0; unit + 1 < units; ++unit) {
    for (const ChannelOrigin origin : order.worked[unit]) rows[origin.branch][unit].push_back(origin.row);
  }
  for (const ChannelOrigin origin : order.output) rows[origin.branch][units - 1].push_back(origin.row);
  return rows;
}

/// For each channel of torchvision (`ours`), its position in megvii's order (`theirs`). `rows`
/// is StagePermutation::rows.
inline std::vector<std::size_t> match_positions(const std::vector<ChannelOrigin>& ours,
                                                const std::vector<ChannelOrigin>& theirs,
                                                const std::vector<std::vector<std::size_t>>& rows) {
  std::vector<std::size_t> positions;
  for (const ChannelOrigin origin : ours) {
    std::size_t at = 0;
    while (theirs[at].branch != origin.branch || theirs[at].row != rows[origin.branch][origin.row]) ++at;
    positions.push_back(at);
  }
  return positions;
}

/// Computes the permutation of a stage with that many output channels. Returns false if the channels can't be
/// matched; this can happen only if channels / 2 is odd.
inline bool match_stage(std::size_t channels, std::size_t units, StagePermutation& result) {
  const StageOrder ours = trace_stage(channels, units, false), theirs = trace_stage(channels, units, true);
  const auto our_rows = rows_by_life(ours, units), their_rows = rows_by_life(theirs, units);
  result.rows.assign(units + 1, std::vector<std::size_t>(channels / 2));
  for (std::size_t branch = 0; branch <= units; ++branch) {
    for (std::size_t life = 0; life < units; ++life) {
      const auto &to = our_rows[branch][life], &from = their_rows[branch][life];
      if (to.size() != from.size()) return false;
      for (std::size_t i = 0; i < to.size(); ++i) result.rows[branch][to[i]] = from[i];
    }
  }
  for (std::size_t unit = 0; unit + 1 < units; ++unit) {
    result.columns.push_back(match_positions(ours.worked[unit], theirs.worked[unit], result.rows));
  }
  result.output = match_positions(ours.output, theirs.output, result.rows);
  return true;
}

/// Copies tensors to new names and permutes their rows (dimension 0) and columns (dimension 1).
class MegviiConverter {
 public:
  explicit MegviiConverter(const TensorFile& from) : from_(from) {
    result_.path = from.path;
    result_.metadata = from.metadata;
    result_.notes = from.notes;
  }

  Result<TensorFile> convert() {
    copy_conv("first_conv.0", "first_conv.1", "conv1.0", "conv1.1", nullptr, nullptr);
    const bool flat = from_.find("features.0.branch_main.0.weight") != nullptr;
    constexpr std::size_t unit_counts[] = {4, 8, 4};
    std::vector<std::size_t> input;  // permutation of the stage's input; empty means identity
    std::size_t first = 0;
    for (std::size_t stage = 0; stage < 3 && status_.ok(); ++stage) {
      const std::string name = "stage" + std::to_string(stage + 2) + ".";
      copy_stage(flat ? "features." : name, flat ? first : 0, name, unit_counts[stage], input);
      first += unit_counts[stage];
    }
    if (from_.find("conv_last.0.weight") != nullptr) {
      copy_conv("conv_last.0", "conv_last.1", "conv5.0", "conv5.1", nullptr, &input);
    }
    copy_classifier();
    if (!status_.ok()) return status_.prefixed(from_.path, ": megvii's ShuffleNetV2: ");
    result_.notes.emplace_back("megvii's names and channel order were converted to torchvision's");
    return std::move(result_);
  }

 private:
  using Order = std::vector<std::size_t>;

  void fail(const std::string& name, const char* what) {
    if (status_.ok())
      status_ = Status::error(Errc::mismatch, in_quotes(name), " ", what, "; download the file again");
  }

  /// to[i, j, ...] = from[rows[i], columns[j], ...]. A null or empty order leaves that dimension unchanged.
  void copy(const std::string& from, const std::string& to, const Order* rows, const Order* columns) {
    if (!status_.ok()) return;
    const TensorEntry* const entry = from_.find(from);
    if (entry == nullptr) return fail(from, "is missing");
    const auto count = count_elements(*entry);
    if (!count || *count > 1u << 24u) return fail(from, "is too large for any ShuffleNetV2");
    const auto values = read_floats(*entry);
    if (!values) return fail(from, values.status().message());
    const auto& shape = entry->shape;
    if (shape.empty()) return fail(from, "has no dimensions");
    const std::size_t n = static_cast<std::size_t>(shape[0]);
    const std::size_t m = shape.size() > 1 ? static_cast<std::size_t>(shape[1]) : 1;
    const bool permute_rows = rows != nullptr && !rows->empty(),
               permute = columns != nullptr && !columns->empty();
    if ((permute_rows && rows->size() != n) || (permute && columns->size() != m)) {
      return fail(from, "has another number of channels than the layers around it");
    }
    const std::size_t inner = values->empty() ? 0 : values->size() / (n * m);
    std::vector<float> moved;
    moved.reserve(values->size());
    for (std::size_t i = 0; i < n && inner != 0; ++i) {
      for (std::size_t j = 0; j < m; ++j) {
        const std::size_t at = ((permute_rows ? (*rows)[i] : i) * m + (permute ? (*columns)[j] : j)) * inner;
        for (std::size_t k = 0; k < inner; ++k) moved.push_back((*values)[at + k]);
      }
    }
    status_ = result_.add(to, shape, moved);
  }

  /// Copies a convolution and its batch norm.
  void copy_conv(const std::string& conv, const std::string& norm, const std::string& to_conv,
                 const std::string& to_norm, const Order* rows, const Order* columns) {
    copy(conv + ".weight", to_conv + ".weight", rows, columns);
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
      copy(norm + part, to_norm + part, rows, nullptr);
    }
  }

  void copy_main(const std::string& from, const std::string& to, const Order& rows, const Order& columns) {
    const std::string a = from + "branch_main.", b = to + "branch2.";
    copy_conv(a + "0", a + "1", b + "0", b + "1", nullptr, &columns);
    copy_conv(a + "3", a + "4", b + "3", b + "4", nullptr, nullptr);
    copy_conv(a + "5", a + "6", b + "5", b + "6", &rows, nullptr);
  }

  /// Copies a stage. `input` is the permutation of the stage's input; it becomes that of the stage's output.
  void copy_stage(const std::string& from, std::size_t first, const std::string& to, std::size_t units,
                  Order& input) {
    const auto source = [&](std::size_t unit) { return from + std::to_string(first + unit) + "."; };
    const std::string probe = source(0) + "branch_main.5.weight";
    const TensorEntry* const entry = from_.find(probe);
    if (entry == nullptr) return fail(probe, "is missing");
    const std::int64_t half = entry->shape.empty() ? 0 : entry->shape[0];
    if (half <= 0 || half > 4096) return fail(probe, "has an impossible number of channels");
    StagePermutation order;
    if (!match_stage(2 * static_cast<std::size_t>(half), units, order)) {
      return fail(probe, "has a width whose channels can't be matched");
    }
    const std::string down = source(0) + "branch_proj.", branch1 = to + "0.branch1.";
    copy_conv(down + "0", down + "1", branch1 + "0", branch1 + "1", &input, nullptr);
    copy_conv(down + "2", down + "3", branch1 + "2", branch1 + "3", &order.rows[0], &input);
    copy_main(source(0), to + "0.", order.rows[1], input);
    for (std::size_t unit = 1; unit < units; ++unit) {
      copy_main(source(unit), to + std::to_string(unit) + ".", order.rows[unit + 1], order.columns[unit - 1]);
    }
    input = order.output;
  }

  /// Copies the classifier. megvii's has no bias, torchvision's has one: it becomes 0.
  void copy_classifier() {
    const TensorEntry* const weight = from_.find("classifier.0.weight");
    if (weight == nullptr || weight->shape.size() != 2) return;
    copy("classifier.0.weight", "fc.weight", nullptr, nullptr);
    if (!status_.ok()) return;
    if (from_.find("classifier.0.bias") != nullptr)
      return copy("classifier.0.bias", "fc.bias", nullptr, nullptr);
    const std::int64_t classes = weight->shape[0];
    if (classes > 1 << 20) return fail("classifier.0.weight", "has an impossible number of classes");
    status_ = result_.add("fc.bias", {classes}, std::vector<float>(static_cast<std::size_t>(classes), 0.0f));
  }

  const TensorFile& from_;
  TensorFile result_;
  Status status_;
};
}  // namespace detail

/// Returns the same weights with torchvision's names and channel order. The file may lack conv_last and the
/// classifier; then the result lacks them too. Errors: mismatch.
inline Result<TensorFile> convert_shufflenet_megvii(const TensorFile& file) {
  return detail::MegviiConverter(file).convert();
}

TINYFIQA_END
