// tinyfiqa import: a PyTorch checkpoint in, safetensors out.
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "options/model_options.hpp"
#include "reports/weight_facts.hpp"

#include <tinyfiqa/formats/weights.hpp>

#include <cstdio>
#include <filesystem>

using namespace tinyfiqa;

namespace {

struct ImportCommand {
  std::string in, out, model;
  std::uint64_t seed = 1;

  int run() const;

 private:
  Status import_model(const ModelSpec& spec, const Metadata& said) const;
  Status convert(const TensorFile& file) const;
};

/// What the file says about itself (its calibration, views, licence, ...), and where it comes from.
Metadata with_origin(Metadata metadata, const std::string& path) {
  set_metadata(metadata, "made_by", "tinyfiqa " TINYFIQA_VERSION);
  set_metadata(metadata, "imported_from", std::filesystem::path(path).filename().string());
  return metadata;
}

Status ImportCommand::import_model(const ModelSpec& spec, const Metadata& said) const {
  Model network(spec, *choose_backend("scalar"), seed);
  LoadOptions options;
  options.head = spec.head;
  const auto report = load_weights(in, network.params(), network.block(), options);
  if (!report) return report.status();
  // What a file says about its network is true of all of that network's weights alone.
  const bool whole = report->kept.empty();
  Metadata metadata = with_origin(whole ? said : Metadata(), in);
  set_metadata(metadata, "model", spec.name);
  // What keeps its first, random values is written down, so that nobody takes the file for a trained network.
  if (!whole)
    set_metadata(metadata, "untrained",
                 std::to_string(report->kept.size()) + " tensors, seed " + std::to_string(seed));
  for (const auto& note : report->notes) print_note(in + ": " + note);
  const Status saved = save_params(out, network.params(), network.block(), metadata);
  if (!saved.ok()) return saved;
  std::printf("%s: %s, %zu tensors from %s", out.c_str(), spec.name, report->loaded, in.c_str());
  if (!report->kept.empty())
    std::printf(", %zu initialised (seed %llu)", report->kept.size(), static_cast<unsigned long long>(seed));
  std::printf("\n");
  return {};
}

/// A network that is not known here: every tensor as it is.
Status ImportCommand::convert(const TensorFile& file) const {
  for (const auto& note : file.notes) print_note(in + ": " + note);
  std::vector<TensorBytes> tensors;
  for (const TensorEntry& entry : file.entries()) {
    auto bytes = read_bytes(entry);
    if (!bytes) return bytes.status().prefixed(in, ": ");
    tensors.push_back({entry.name, entry.dtype, entry.shape, std::move(*bytes)});
  }
  const Status saved = write_safetensors(out, tensors, with_origin(file.metadata, in));
  if (!saved.ok()) return saved;
  std::printf("%s: %zu tensors from %s, names and types unchanged (no network known here)\n", out.c_str(),
              file.entries().size(), in.c_str());
  return {};
}

int ImportCommand::run() const {
  const auto work = [this]() -> Status {
    const ModelSpec* spec = find_model(model);
    if (spec == nullptr && !model.empty())
      return Status::error(Errc::bad_argument, "no model is called '", model, "'; there are ", model_names());
    auto file = read_tensors(in);
    if (!file) return file.status();
    if (spec != nullptr) return import_model(*spec, file->metadata);
    if (is_shufflenet_megvii(*file)) file = convert_shufflenet_megvii(*file);
    if (!file) return file.status();
    spec = guess_model(*file);
    return spec != nullptr ? import_model(*spec, file->metadata) : convert(*file);
  };
  const Status status = work();
  if (status.ok()) return exit_done;
  print_error(status);
  return status.code() == Errc::bad_argument ? exit_usage : exit_some_failed;
}

}  // namespace

void add_import(const Command& app, int& exit_code) {
  auto command = std::make_shared<ImportCommand>();
  const Command sub = app.add_command("import", "Turn a PyTorch checkpoint into safetensors");
  sub.add_option("in", command->in, "Checkpoint: torch.save's zip or legacy format, or safetensors")
      .required();
  sub.add_option("out", command->out, "File to write (.safetensors)").required();
  sub.add_option("--model", command->model,
                 "Network it is for: " + model_names() + "; default: found by the tensors' names")
      .type_name("NAME");
  sub.add_option("--seed", command->seed, "Seed of a head that the checkpoint does not have").show_default();
  sub.footer(
      "An ImageNet classifier is dropped and the quality head initialised: the result is where training "
      "starts. What a safetensors file says of itself (calibration, views, licence) stays when all of its "
      "weights do.\n"
      "A checkpoint of a network that is not known here is converted as it is. Nothing in a checkpoint is "
      "executed.\n\n"
      "Example:\n  tinyfiqa import tests/fixtures/models/tinyfqnet.zip.pth /tmp/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
