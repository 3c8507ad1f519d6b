// A network with its weights, ready to be planned for any input size.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/quality/calibration.hpp>
#include <tinyfiqa/quality/model_spec.hpp>
#include <tinyfiqa/quality/quantised_file.hpp>
#include <tinyfiqa/runtime/backend.hpp>
#include <tinyfiqa/runtime/large_array.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// "600x416", height first, sides of at most 4096. False if the text is anything else.
inline bool parse_input_size(std::string_view text, int& height, int& width) {
  const char *at = text.data(), *end = at + text.size();
  const auto extent = [&](int& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    at = next;
    return error == std::errc() && value >= 1 && value <= 4096;
  };
  return extent(height) && at != end && *at++ == 'x' && extent(width) && at == end;
}

/// Reads the parameters of a network from a weight file, tensor by tensor.
class FileParams final : public ParamSource {
 public:
  FileParams(const TensorFile& file, const detail::LoadPlan& plan, const WeightKernels& kernel)
      : path_(file.path), kernel_(kernel) {
    for (const auto& copy : plan.copies) copies_.emplace(copy.first->param.offset, copy);
  }
  /// `count` may span several parameters that lie side by side. Returns zeros after an error.
  const float* read(int offset, int count, float* workspace) override {
    for (int done = 0; done < count;) {
      const auto& [param, tensor] = copies_.at(offset + done);  // the load plan contains all parameters
      read_one(*param, *tensor, workspace + done);
      done += param->param.size();
    }
    return workspace;
  }
  /// The first error.
  const Status& status() const { return status_; }

 private:
  void read_one(const NamedParam& param, const TensorEntry& tensor, float* to) {
    const int count = param.param.size();
    if (read_halves(param, tensor, count, to)) return;
    const Span<float> out(to, static_cast<std::size_t>(count));
    if (status_.ok()) status_ = detail::read_param(path_, param, tensor, out);
    if (!status_) std::fill_n(to, count, 0.0f);
  }
  /// The fast path for most tensors of the shipped files. False if it does not apply; then detail::read_param()
  /// reads the tensor or reports the error.
  bool read_halves(const NamedParam& param, const TensorEntry& tensor, int count, float* to) const {
    if (tensor.dtype != DType::f16 || param.param.kind == ParamKind::running_var ||
        tensor.strides != contiguous_strides(tensor.shape))
      return false;
    return kernel_.halves_to_floats(tensor.storage.data + 2 * tensor.offset, count, to);
  }

  std::string path_;
  const WeightKernels& kernel_;
  std::unordered_map<int, std::pair<const NamedParam*, const TensorEntry*>> copies_;
  Status status_;
};

/// What a model is used for. `run` keeps only the packed weights: half the memory, and loading is faster. `change`
/// also keeps the parameters in PyTorch's layout, for block().
enum class Use : unsigned char { change, run };

/// A network's definition, its parameters in PyTorch's layout, and the same packed for a backend. Many sessions can
/// share one model, also from several threads, as long as nothing changes it while one of them runs.
class Model {
 public:
  /// With seeded initial weights (PyTorch's default scheme). For other weights, fill block() and call pack().
  explicit Model(const ModelSpec& spec, const Backend& backend = native_backend(), std::uint64_t seed = 1)
      : Model(spec, spec.define(), backend, seed) {}
  /// The same for a network with additional operations, for training.
  Model(const ModelSpec& spec, NetworkDefinition network, const Backend& backend, std::uint64_t seed)
      : spec_(&spec),
        backend_(&backend),
        input_(spec.input),
        network_(std::move(network)),
        block_(block_size(network_.params)) {
    init_params(network_.params, {block_.data(), block_.size()}, seed);
    pack();
  }

  /// Without weights. It must not be run before load().
  struct Unfilled {};
  Model(const ModelSpec& spec, const Backend& backend, Unfilled, Use use = Use::change)
      : spec_(&spec),
        backend_(&backend),
        input_(spec.input),
        network_(spec.define()),
        block_(use == Use::change ? block_size(network_.params) : 0) {}

  const ModelSpec& spec() const { return *spec_; }
  const Backend& backend() const { return *backend_; }
  /// The default input: the network's own, at the size that the weight file names.
  const InputSpec& input() const { return input_; }
  /// For weights that were trained at another size.
  void set_input(const InputSpec& input) { input_ = input; }
  /// The calibration of the weight file; none if the file has none.
  const std::optional<Calibration>& calibration() const { return calibration_; }
  /// The views over which scores are averaged, from the weight file; empty if it names none.
  const std::vector<View>& views() const { return views_; }
  /// What was changed while the weight file was read, as sentences for the user.
  const std::vector<std::string>& notes() const { return notes_; }
  const NetworkDefinition& network() const { return network_; }
  const std::vector<NamedParam>& params() const { return network_.params; }
  /// Parameters in PyTorch's layout; empty in a model for Use::run.
  Span<float> block() { return {block_.data(), block_.size()}; }
  Span<const float> block() const { return {block_.data(), block_.size()}; }
  /// The packed weights. Only kernels of backend() can read them.
  Bytes packed() const { return {packed_.data(), packed_.size()}; }

  /// True for a network of 8-bit maps. Its sessions round an input of floats to levels.
  bool has_levels() const { return network_.ops[0].dtype == DType::u8; }
  /// Makes it one, or one of other levels: set_levels() on the network's operations. Then pack() it.
  Span<Op> operations() { return {network_.ops.data(), network_.ops.size()}; }

  /// Gives its values level factors (Op::level_factors): ones, which block() has behind the other parameters. Not in a model
  /// for Use::run.
  void add_level_factors() { tinyfiqa::add_level_factors(network_, block_); }

  /// Fills the parameters from a file's tensors and packs them. On an error nothing changes.
  Result<LoadReport> load(const TensorFile& file) {
    if (has_whole_weights(file)) return load_whole(file);
    LoadOptions options;
    options.head = spec_->head;
    auto report = block_.empty() ? load_packed(file, options) : load_params(file, params(), block(), options);
    if (report) pack();
    if (report) notes_ = report->notes;
    return report;
  }

  /// Reads input_size, crop, views and calibration from a weight file's metadata. On an error nothing changes.
  ///   Errors: bad_format, naming the file and the key.
  Status describe(const TensorFile& file) {
    auto calibration = calibration_from_metadata(file.metadata, file.path);
    if (!calibration) return calibration.status();
    InputSpec input = spec_->input;
    const std::string* size = find_metadata(file.metadata, "input_size");
    if (size != nullptr && !parse_input_size(*size, input.height, input.width))
      return Status::error(Errc::bad_format, file.path, ": metadata 'input_size': ", in_quotes(*size),
                           " is not HEIGHTxWIDTH, such as 600x416");
    if (const std::string* text = find_metadata(file.metadata, "crop")) {
      const auto crop = parse_face_crop(*text);
      if (!crop)
        return Status::error(Errc::bad_format, file.path,
                             ": metadata 'crop': ", in_quotes(text->substr(0, 80)),
                             " is not whole, aligned or loose");
      input.crop = *crop;
    }
    std::vector<View> views;
    if (const std::string* text = find_metadata(file.metadata, "views")) {
      auto parsed = parse_views(*text);
      if (!parsed)
        return Status::error(Errc::bad_format, file.path, ": metadata 'views': ", parsed.status().message());
      views = std::move(*parsed);
    }
    input_ = input;
    views_ = std::move(views);
    calibration_ = std::move(*calibration);
    return {};
  }

  /// Folds batch norm and packs the weights. Call it after every change of block(). Does nothing in a model for
  /// Use::run.
  void pack() {
    if (block_.empty()) return;
    BlockParams source(block_.data());
    packed_ = packed(source);
  }

 private:
  /// The file of an 8-bit network. Its parameters become floats that stand for the same numbers.
  Result<LoadReport> load_whole(const TensorFile& file) {
    if (backend_->to_floats == nullptr)
      return Status::error(Errc::unsupported, file.path,
                           ": weights of a network of 8-bit maps, and this program has kernels "
                           "for floats alone; give the model native_backend(), or take weights in floats");
    NetworkDefinition network = network_;
    std::vector<float> block(block_size(network.params));
    auto report = load_whole_weights(file, network, input_.levels, block);
    if (!report) return report;
    std::swap(network_, network);
    const PlanProblem problem = plan_everything().plan.problem;
    if (problem.error != PlanError::none) {
      const auto text = plan_error_text(problem, network_.operations());
      std::swap(network_, network);
      return Status::error(Errc::bad_format, file.path, ": levels of its values that can't be run: ", text,
                           "; make the file again with tinyfiqa quantize");
    }
    if (!block_.empty()) block_ = block;
    BlockParams source(block.data());
    packed_ = packed(source);
    notes_ = report->notes;
    return report;
  }

  /// As load(), straight from the file into the kernels' order. A file without a head changes nothing.
  Result<LoadReport> load_packed(const TensorFile& file, const LoadOptions& options) {
    detail::LoadPlan plan(file, params(), options);
    if (const Status status = plan.make(); !status) return status;
    if (!plan.report.head_loaded) return std::move(plan.report);
    FileParams source(file, plan, backend_->weights);
    LargeArray<unsigned char> weights = packed(source);
    if (!source.status()) return source.status();
    packed_ = std::move(weights);
    plan.report.loaded = plan.copies.size();
    return std::move(plan.report);
  }

  /// Packs the parameters of all outputs, so that sessions for any of them share the packed weights.
  LargeArray<unsigned char> packed(ParamSource& source) const {
    const OwnedPlan p = plan_everything();
    const Span<const Op> ops = network_.operations();
    std::vector<float> workspace(pack_workspace_floats(p.plan, ops));
    LargeArray<unsigned char> weights(p.plan.packed_bytes);
    pack_weights(p.plan, ops, *backend_, source, workspace.data(), weights.data());
    return weights;
  }

  OwnedPlan plan_everything() const {
    std::vector<int> values;
    for (const Output& output : network_.outputs) values.push_back(output.value);
    PlanRequest request;
    request.ops = network_.operations();
    request.outputs = {values.data(), values.size()};
    request.input = {1, spec_->input.height, spec_->input.width, 0};
    if (network_.ops[0].dtype == DType::u8) request.levels = &input_.levels;
    return make_owned_plan(request, *backend_);
  }

  const ModelSpec* spec_;
  const Backend* backend_;
  InputSpec input_;
  std::vector<View> views_;
  std::vector<std::string> notes_;
  std::optional<Calibration> calibration_;
  NetworkDefinition network_;
  std::vector<float> block_;
  LargeArray<unsigned char> packed_;
};

/// A model with a file's weights and what its metadata says about them.   Errors: mismatch, and those of
/// describe() and load_params().
inline Result<Model> make_model(const TensorFile& file, const ModelSpec& spec,
                                const Backend& backend = native_backend(), Use use = Use::change) {
  Model model(spec, backend, Model::Unfilled{}, use);
  if (const Status status = model.describe(file); !status) return status;
  const auto report = model.load(file);
  if (!report) return report.status();
  if (!report->head_loaded)
    return Status::error(
        Errc::mismatch, file.path, ": has no ",
        spec.embeds ? "embedding head, so it can't recognise" : "quality head, so it can't score",
        "; train one first, or import it to start training from it");
  return model;
}

TINYFIQA_END
