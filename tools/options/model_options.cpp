#include "options/model_options.hpp"

#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/quality/default_model.hpp>
#include <tinyfiqa/quality/default_model_i8.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/precision.hpp>
#include <tinyfiqa/quality/tinyfqnet_model.hpp>
#include <tinyfiqa/threads/processor.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/input_list.hpp"
#include "jobs/scoring/shipped_weights.hpp"
#include "options/option_texts.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

using namespace tinyfiqa;

void ModelOptions::add_weights_to(const Command& command, const std::string& models) {
  std::vector<std::string> names{"ensemble"};
  for (const ModelSpec& spec : model_specs()) names.emplace_back(spec.name);
  command.add_option("--model", model, models).type_name("NAME").suggest(names);
  command
      .add_option(
          "--weights", weights,
          "Read the weights from these files (.safetensors, .pth, .pt), one per network (default: the "
          "weights that come with the program)")
      .type_name("FILE");
  add_weights_key_option(command, weights_key);
}

void add_weights_key_option(const Command& command, std::string& key) {
  command
      .add_option(
          "--weights-key", key,
          "Read this part of a checkpoint that has several sets of weights, such as model or model_ema "
          "(default: averaged weights, otherwise the trained ones)")
      .type_name("NAME");
}

void ModelOptions::add_to(const Command& command, const std::string& models) {
  add_weights_to(command, models);
  add_isa_option(command, isa);
}

void ModelOptions::add_precision_to(const Command& command) {
  command
      .add_option(
          "--precision", precision,
          "Score with the weights that come with the program in floats (f32) or in 8 bits (i8: faster on "
          "most processors, and a point or so off); auto: 8 bits where the processor has instructions for "
          "them "
          "(VNNI) and the network gains by it")
      .one_of({"f32", "i8", "auto"})
      .show_default();
}

std::vector<std::string> ModelOptions::take_stray_inputs() {
  const auto first = weights.begin() + (weights.empty() ? 0 : 1);
  const auto stray = std::stable_partition(first, weights.end(),
                                           [](const std::string& path) { return !looks_like_input(path); });
  std::vector<std::string> inputs(stray, weights.end());
  weights.erase(stray, weights.end());
  return inputs;
}

void add_size_option(const Command& command, SizeOption& size) {
  command
      .add_option(
          "--size",
          [&size](const std::string& text) -> std::string {
            const bool right = read_size(text, 16384, size.height, size.width);
            return right ? "" : "'" + text + "' is not HEIGHTxWIDTH in pixels (1 to 16384), such as 600x416";
          },
          "Set the input size of the network in pixels, height first (default: the network's own size)")
      .type_name("HxW");
}

void NetworkChecks::add_to(const Command& command) {
  command.add_flag(
      "--check-finite", check_finite,
      "Look for NaN and infinity in what every layer of the networks computes, and name the first layer "
      "that gives one; takes about a tenth longer");
  command
      .add_option("--max-arena-mib", max_arena_mib,
                  "Refuse a size at which the maps of a network need more MiB of memory")
      .range(1, 8192)
      .show_default();
}

void add_isa_option(const Command& command, std::string& isa) {
  command
      .add_option(
          "--isa", isa,
          "Use this instruction set: auto, avx512vnni, avx512, avxvnni, avx2, sse42, neondotprod, neon, "
          "vector4 or scalar (see --version)")
      .type_name("NAME")
      .suggest({"auto", "avx512vnni", "avx512", "avxvnni", "avx2", "sse42", "neondotprod", "neon", "vector4",
                "scalar"})
      .show_default();
}

void add_threads_option(const Command& command, int& threads) {
  command.add_option("--threads", threads, "Use this many threads (default: one per core)").range(1, 1024);
}

int thread_count(int threads) {
  return threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

Result<const Backend*> backend_option(const std::string& isa) {
  if (const Backend* backend = choose_backend(isa.c_str())) return backend;
  std::string compiled;
  for (const Backend* b : compiled_backends())
    if (cpu_can_run(b->isa)) compiled += std::string(compiled.empty() ? "" : ", ") + b->isa;
  return Status::error(Errc::unsupported, "--isa ", isa,
                       ": not compiled in, or not supported by this machine; choose one of ", compiled);
}

void add_format_option(const Command& command, std::string& format, const std::string& note) {
  command.add_option("--format", format, "Print rows as text, csv or jsonl; " + note)
      .one_of({"text", "csv", "jsonl"})
      .show_default();
}

void add_resamples_option(const Command& command, int& resamples) {
  command
      .add_option("--resamples", resamples, "Use this many bootstrap resamples for the confidence intervals")
      .range(1, 1000000)
      .show_default();
}

Result<const ModelSpec*> model_option(const std::string& name) {
  if (const ModelSpec* spec = find_model(name)) return spec;
  return Status::error(Errc::bad_argument, "no model is called '", name, "'; there are ", model_names());
}

Result<TensorFile> read_weight_file(const std::string& path, const std::string& key) {
  auto file = read_tensors(path, key);
  if (!file || !is_shufflenet_megvii(*file)) return file;
  return convert_shufflenet_megvii(*file);
}

void print_file_notes(const std::string& path, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) print_note(path + ": " + note);
}

void note_other_models(const TensorFile& file, const ModelSpec& chosen) {
  if (named_model(file) != nullptr) return;
  for (const ModelSpec* other : models_of_same_parameters(chosen))
    print_note(file.path + ": names no network, and fits " + chosen.name + " (assumed) and " + other->name +
               ". If it is the second, write a file that says so: tinyfiqa import " + file.path +
               " NEW.safetensors --model " + other->name);
}

Result<Model> read_model(const std::string& path, const std::string& name, const Backend& backend, Use use,
                         const std::string& key) {
  const auto file = read_weight_file(path, key);
  if (!file) return file.status();
  if (find_metadata(file->metadata, "untrained") != nullptr)
    print_note(path +
               ": parts of this network are not trained (it was imported without a head), so its output "
               "has no meaning yet");
  auto model = make_model(*file, name, backend, use);
  if (model) print_file_notes(path, model->notes());
  if (model && name.empty()) note_other_models(*file, model->spec());
  return model;
}

namespace {

/// Whether --precision asks for the 8-bit weights that come with the program. Prints a note if `auto` chooses them.
Result<bool> wants_eight_bits(const ModelOptions& options, const Backend& backend) {
  const std::string model = options.model.empty() ? tinyfqnet_m_spec.name : options.model;
  auto wanted =
      takes_eight_bits(options.precision, options.weights.empty() ? "" : options.weights[0], model, backend);
  if (!wanted) return wanted.status().prefixed("--");
  if (*wanted && options.precision == "auto")
    print_note("scores with 8-bit weights (" + std::string(backend.isa) + "); --precision f32 is in floats");
  return wanted;
}

/// The model whose weights are compiled in; an empty name means the default one. Nothing if they are not.
std::optional<Result<Model>> compiled_in_model(const std::string& name, bool eight_bits,
                                               const Backend& backend) {
  if (name.empty() || name == tinyfqnet_m_spec.name)
    return eight_bits ? default_model_i8(backend) : default_model(backend);
  if (name == tinyfqnet_spec.name && !eight_bits) return tinyfqnet_model(backend);
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::shared_ptr<const Model>>> read_models(const ModelOptions& options, Use use,
                                                              int threads) {
  const auto backend = backend_option(options.isa);
  if (!backend) return backend.status();
  return read_models(options, **backend, use, threads);
}

Result<std::vector<std::shared_ptr<const Model>>> read_models(const ModelOptions& options,
                                                              const Backend& backend, Use use, int threads) {
  std::vector<std::shared_ptr<const Model>> models;
  const bool ensemble = options.model == "ensemble";
  auto paths = options.weights;
  const auto eight_bits = wants_eight_bits(options, backend);
  if (!eight_bits) return eight_bits.status();
  auto compiled_in = paths.empty() ? compiled_in_model(options.model, *eight_bits, backend) : std::nullopt;
  if (compiled_in) {
    if (!*compiled_in) return compiled_in->status();
    models.push_back(std::make_shared<const Model>(std::move(**compiled_in)));
  } else if (paths.empty()) {
    const std::string& name = options.model;
    if (!ensemble && find_model(name) == nullptr)
      return Status::error(Errc::bad_argument, "no model is called '", name, "'; there are ensemble, ",
                           model_names());
    auto shipped = shipped_weights(name, *eight_bits);
    if (!shipped) return shipped.status();
    paths = std::move(*shipped);
  }
  const auto read = [&](std::size_t i) {
    return read_model(paths[i], ensemble ? "" : options.model, backend, use, options.weights_key);
  };
  std::vector<Aside<Result<Model>>> others;
  for (std::size_t i = 1; i < paths.size() && threads != 1; ++i)
    others.emplace_back([&read, i] { return read(i); });
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto model = i == 0 || threads == 1 ? read(i) : others[i - 1].get();
    if (!model) return model.status();
    models.push_back(std::make_shared<const Model>(std::move(*model)));
  }
  return models;
}
