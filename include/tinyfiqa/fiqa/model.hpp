// A network with its weights, ready to be planned for any input size.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/fiqa/model_registry.hpp>
#include <tinyfiqa/graph/backend.hpp>
#include <tinyfiqa/graph/pack.hpp>
#include <tinyfiqa/graph/plan.hpp>
#include <tinyfiqa/io/file.hpp>
#include <tinyfiqa/io/init_params.hpp>
#include <tinyfiqa/io/load_params.hpp>
#include <tinyfiqa/io/safetensors.hpp>

#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Steps and arena layout of one input size, with the arrays that hold them.
struct OwnedPlan {
  std::vector<Step> steps;
  std::vector<Value> values;
  std::vector<Buffer> buffers;
  Plan plan;
};

inline OwnedPlan make_owned_plan(const NetworkDefinition& network, int output, Extents input,
                                 const Backend& backend, int threads) {
  const std::size_t room = network.ops.size();
  OwnedPlan p{std::vector<Step>(room), std::vector<Value>(room), std::vector<Buffer>(room), Plan()};
  p.plan = make_plan({network.ops.data(), room}, output, input, backend, threads,
                     {p.steps.data(), p.values.data(), p.buffers.data(), static_cast<int>(room)});
  return p;
}

/// Definition, parameters in PyTorch's layout, and the same packed for a backend. Many sessions can share one
/// model; it must not be changed while one of them runs.
class Model {
 public:
  /// With seeded initial weights (PyTorch's default scheme); fill block() and call pack() to have others.
  explicit Model(const ModelSpec& spec, const Backend& backend = native_backend(), std::uint64_t seed = 1)
      : Model(spec, spec.define(), backend, seed) {}
  /// The same with more than the network itself, for training.
  Model(const ModelSpec& spec, NetworkDefinition network, const Backend& backend, std::uint64_t seed)
      : spec_(&spec), backend_(&backend), network_(std::move(network)), block_(block_size(network_.params)) {
    init_params(network_.params, {block_.data(), block_.size()}, seed);
    pack();
  }

  const ModelSpec& spec() const { return *spec_; }
  const Backend& backend() const { return *backend_; }
  const NetworkDefinition& network() const { return network_; }
  const std::vector<NamedParam>& params() const { return network_.params; }
  Span<float> block() { return {block_.data(), block_.size()}; }
  Span<const float> block() const { return {block_.data(), block_.size()}; }
  const std::vector<float>& packed() const { return packed_; }

  /// Fills the parameters from a file's tensors and packs them. On an error nothing changes.
  Result<LoadReport> load(const TensorFile& file) {
    LoadOptions options;
    options.head = spec_->head;
    auto report = load_params(file, params(), block(), options);
    if (report) pack();
    return report;
  }

  /// Folds batch norm and brings the weights into the kernels' order; needed after every change of block().
  void pack() {
    const Extents any{1, spec_->input.height, spec_->input.width, 0};
    const OwnedPlan p = make_owned_plan(network_, network_.outputs.output, any, *backend_, 1);
    std::vector<float> room(pack_room_floats(p.plan, {network_.ops.data(), network_.ops.size()}));
    packed_.assign(p.plan.packed_floats, 0.0f);
    pack_weights(p.plan, {network_.ops.data(), network_.ops.size()}, block_.data(), room.data(),
                 packed_.data());
  }

 private:
  const ModelSpec* spec_;
  const Backend* backend_;
  NetworkDefinition network_;
  std::vector<float> block_, packed_;
};

/// The model that a weight file is for, with its weights. `name` may be empty: the file then says (or its
/// tensors' names do).   Errors: bad_argument for an unknown name, mismatch, and those of load_params().
inline Result<Model> make_model(const TensorFile& file, const std::string& name = "",
                                const Backend& backend = native_backend()) {
  const ModelSpec* spec = name.empty() ? guess_model(file) : find_model(name);
  if (spec == nullptr && !name.empty())
    return Status::error(Errc::bad_argument, "no model is called '", name, "'; there are ", model_names());
  if (spec == nullptr)
    return Status::error(Errc::mismatch, file.path, ": not the weights of any network known here (",
                         model_names(), ")");
  Model model(*spec, backend);
  const auto report = model.load(file);
  if (!report) return report.status();
  if (!report->head_loaded)
    return Status::error(
        Errc::mismatch, file.path, ": has no ",
        spec->embeds ? "embedding head, so it can't recognise" : "quality head, so it can't score",
        "; train one first, or import it to start training from it");
  return model;
}

/// The same from a safetensors file. PyTorch's own files are read by io/weights.hpp, which needs libzip.
inline Result<Model> load_model(const std::string& path, const std::string& name = "",
                                const Backend& backend = native_backend()) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.status();
  const auto file = read_safetensors(*bytes);
  if (!file) return file.status();
  return make_model(*file, name, backend);
}

TINYFIQA_END
