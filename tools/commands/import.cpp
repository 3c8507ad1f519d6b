// tinyfiqa import: converts a PyTorch checkpoint to safetensors.
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"
#include "reports/weight_facts.hpp"

#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/quality/load_model.hpp>

#include <cstdio>
#include <filesystem>

using namespace tinyfiqa;

namespace {

struct ImportCommand {
  std::string in, key, out, model, licence;
  std::vector<std::string> about;
  std::uint64_t seed = 1;
  bool half = false, any_network = false;

  int run() const;

 private:
  Status check_out() const;
  Status describe(Metadata& metadata) const;
  Status import_file() const;
  Status import_model(const ModelSpec& spec, const Metadata& file_metadata) const;
  Status convert(const TensorFile& file) const;
};

/// Checks that the output can be written and replaces no checkpoint: the input, or a file that is not safetensors
/// and so was not written by an earlier import.
Status ImportCommand::check_out() const {
  std::error_code ignored;
  if (std::filesystem::equivalent(in, out, ignored))
    return Status::error(Errc::bad_argument, out, ": is the checkpoint itself; name another file to write");
  if (std::filesystem::is_regular_file(out, ignored))
    if (const auto old = read_file(out); old && !looks_like_safetensors(old->bytes))
      return Status::error(Errc::bad_argument, out,
                           ": exists and is no safetensors file; name another file to write, or remove it");
  return check_output_file(out);
}

/// Adds what --licence and --about say.
Status ImportCommand::describe(Metadata& metadata) const {
  if (!licence.empty()) set_metadata(metadata, "licence", licence);
  for (const std::string& argument : about)
    if (const Status s = add_about(argument, metadata); !s) return s;
  return {};
}

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
  options.set = key;
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
  print_file_notes(in, report->notes);
  if (const Status s = describe(metadata); !s) return s;
  const Status saved =
      save_params(out, network.params(), network.block(), metadata, half ? DType::f16 : DType::f32);
  if (!saved.ok()) return saved;
  std::printf("%s: %s, %zu tensors from %s", shown_text(out).c_str(), spec.name, report->loaded,
              shown_text(in).c_str());
  if (!report->kept.empty())
    std::printf(", %zu initialised (seed %llu)", report->kept.size(), static_cast<unsigned long long>(seed));
  std::printf("\n");
  return {};
}

/// Writes the tensors of an unknown network without changes.
Status ImportCommand::convert(const TensorFile& file) const {
  if (half)
    return Status::error(Errc::bad_argument,
                         "--half: the tensors of an unknown network keep their types; remove it");
  if (!file.unread.empty())
    return Status::error(Errc::unsupported, in, ": ", unread_note(file.unread),
                         "; save the weights as float32");
  print_file_notes(in, file.notes);
  std::vector<TensorBytes> tensors;
  for (const TensorEntry& entry : file.entries()) {
    auto bytes = read_bytes(entry);
    if (!bytes) return bytes.status().prefixed(in, ": ");
    tensors.push_back({entry.name, entry.dtype, entry.shape, std::move(*bytes)});
  }
  Metadata metadata = with_origin(file.metadata, in);
  if (const Status s = describe(metadata); !s) return s;
  const Status saved = write_safetensors(out, tensors, metadata);
  if (!saved.ok()) return saved;
  std::printf("%s: %zu tensors from %s, names and types unchanged (unknown network)\n",
              shown_text(out).c_str(), file.entries().size(), shown_text(in).c_str());
  return {};
}

Status ImportCommand::import_file() const {
  if (const Status s = check_out(); !s) return s;
  const ModelSpec* spec = nullptr;
  if (!model.empty()) {
    const auto found = model_option(model);
    if (!found) return found.status();
    spec = *found;
  }
  auto file = read_tensors(in, key);
  if (!file) return file.status();
  if (spec != nullptr) return import_model(*spec, file->metadata);
  if (is_shufflenet_megvii(*file)) file = convert_shufflenet_megvii(*file);
  if (!file) return file.status();
  spec = guess_model(*file);
  if (spec == nullptr && any_network) return convert(*file);
  if (spec == nullptr)
    return Status::error(Errc::mismatch, unknown_network(*file).message(),
                         "; --any-network converts the tensors as they are, for other programs");
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
  add_weights_key_option(sub, command->key);
  sub.add_option(
         "--model", command->model,
         "Read the checkpoint as this network: " + model_names() + " (default: by the names of its tensors)")
      .type_name("NAME");
  sub.add_option("--seed", command->seed, "Seed the head, if the checkpoint has none").show_default();
  sub.add_flag("--any-network", command->any_network,
               "Convert the tensors of an unknown network too, without changes, for other programs");
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
      "A checkpoint of no known network is an error. Prefixes of names (module., model., _orig_mod., ...) "
      "are "
      "removed.\n"
      "Nothing in a checkpoint is executed. The checkpoint itself is never replaced.\n\n"
      "Example:\n"
      "  tinyfiqa import tests/fixtures/models/tinyfqnet.zip.pth /tmp/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
