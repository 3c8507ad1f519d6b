// tinyfiqa import: converts a PyTorch checkpoint to safetensors.
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "options/model_options.hpp"
#include "reports/weight_facts.hpp"

#include <tinyfiqa/formats/weights.hpp>

#include <cstdio>
#include <filesystem>

using namespace tinyfiqa;

namespace {

struct ImportCommand {
  std::string in, out, model, licence;
  std::vector<std::string> about;
  std::uint64_t seed = 1;
  bool half = false;

  int run() const;

 private:
  Status import_file() const;
  Status import_model(const ModelSpec& spec, const Metadata& file_metadata) const;
  Status convert(const TensorFile& file) const;
};

/// The metadata of the file (calibration, views, licence, ...), with the origin of the new file.
Metadata with_origin(Metadata metadata, const std::string& path) {
  set_metadata(metadata, "made_by", "tinyfiqa " TINYFIQA_VERSION);
  set_metadata(metadata, "imported_from", std::filesystem::path(path).filename().string());
  return metadata;
}

/// Writes the tensors of a known network. Tensors that the checkpoint does not have keep random values.
Status ImportCommand::import_model(const ModelSpec& spec, const Metadata& file_metadata) const {
  Model network(spec, *choose_backend("scalar"), seed);
  LoadOptions options;
  options.head = spec.head;
  const auto report = load_weights(in, network.params(), network.block(), options);
  if (!report) return report.status();
  // The metadata is true only if all weights are those of the file.
  const bool whole = report->kept.empty();
  Metadata metadata = with_origin(whole ? file_metadata : Metadata(), in);
  set_metadata(metadata, "model", spec.name);
  // Record random weights, so that nobody uses the file as a trained network.
  if (!whole)
    set_metadata(metadata, "untrained",
                 std::to_string(report->kept.size()) + " tensors, seed " + std::to_string(seed));
  for (const auto& note : report->notes) print_note(in + ": " + note);
  if (!licence.empty()) set_metadata(metadata, "licence", licence);
  for (const std::string& argument : about)
    if (const Status s = add_about(argument, metadata); !s) return s;
  const Status saved =
      save_params(out, network.params(), network.block(), metadata, half ? DType::f16 : DType::f32);
  if (!saved.ok()) return saved;
  std::printf("%s: %s, %zu tensors from %s", out.c_str(), spec.name, report->loaded, in.c_str());
  if (!report->kept.empty())
    std::printf(", %zu initialised (seed %llu)", report->kept.size(), static_cast<unsigned long long>(seed));
  std::printf("\n");
  return {};
}

/// Writes the tensors of an unknown network without changes.
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
  std::printf("%s: %zu tensors from %s, names and types unchanged (unknown network)\n", out.c_str(),
              file.entries().size(), in.c_str());
  return {};
}

Status ImportCommand::import_file() const {
  if (const Status s = check_output_file(out); !s) return s;
  const ModelSpec* spec = nullptr;
  if (!model.empty()) {
    const auto found = model_option(model);
    if (!found) return found.status();
    spec = *found;
  }
  auto file = read_tensors(in);
  if (!file) return file.status();
  if (spec != nullptr) return import_model(*spec, file->metadata);
  if (is_shufflenet_megvii(*file)) file = convert_shufflenet_megvii(*file);
  if (!file) return file.status();
  spec = guess_model(*file);
  if (spec == nullptr) return convert(*file);
  note_other_models(*file, *spec);
  return import_model(*spec, file->metadata);
}

int ImportCommand::run() const {
  const Status status = import_file();
  if (status.ok()) return exit_done;
  return report_failure(status, status.code() == Errc::bad_argument ? exit_usage : exit_some_failed);
}

}  // namespace

void add_import(const Command& app, int& exit_code) {
  auto command = std::make_shared<ImportCommand>();
  const Command sub = app.add_command("import", "Convert a PyTorch checkpoint to safetensors");
  sub.add_option("in", command->in,
                 "Read this checkpoint: the zip or legacy format of torch.save, or safetensors")
      .required();
  sub.add_option("out", command->out, "Write this file (.safetensors)").required();
  sub.add_option(
         "--model", command->model,
         "Read the checkpoint as this network: " + model_names() + " (default: by the names of its tensors)")
      .type_name("NAME");
  sub.add_option("--seed", command->seed, "Seed the head, if the checkpoint has none").show_default();
  sub.add_flag("--half", command->half, "Write 16-bit floats, which take half the size");
  sub.add_option("--licence", command->licence,
                 "State the licence of the weights (default: what the file says)");
  sub.add_option(
         "--about", command->about,
         "Add this to what the file says about itself: recipe, data, metrics, ...; can be given many times")
      .type_name("KEY=TEXT");
  sub.footer(
      "The classifier of an ImageNet checkpoint is dropped and a quality head initialised, as a start for\n"
      "training. The metadata of a safetensors file (calibration, views, licence) is kept if all its weights "
      "are.\n"
      "The tensors of an unknown network are converted without changes. Nothing in a checkpoint is "
      "executed.\n\n"
      "Example:\n"
      "  tinyfiqa import tests/fixtures/models/tinyfqnet.zip.pth /tmp/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
