// tinyfiqa verify-weights: checks the metadata and the outputs of weight files.
#include "commands/commands.hpp"
#include "options/model_options.hpp"
#include "reports/score_table.hpp"
#include "reports/text.hpp"
#include "reports/weight_facts.hpp"

#include <tinyfiqa/formats/safetensors.hpp>

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct VerifyWeightsCommand {
  std::vector<std::string> files;
  std::string isa = "auto";
  bool add_hash = false;

  int run() const;
};

/// Writes a safetensors file again, with the hash of its tensors and metadata.
Status write_hash(const std::string& path) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.status();
  if (!looks_like_safetensors(bytes->bytes))
    return Status::error(Errc::unsupported, path,
                         ": --add-hash writes safetensors files only; convert this one with tinyfiqa import");
  const auto file = read_safetensors(*bytes);
  if (!file) return file.status();
  std::vector<TensorBytes> tensors;
  for (const TensorEntry& entry : file->entries()) {
    auto values = read_bytes(entry);
    if (!values) return values.status().prefixed(path, ": ");
    tensors.push_back({entry.name, entry.dtype, entry.shape, std::move(*values)});
  }
  return write_safetensors(path, tensors, file->metadata);
}

/// Prints one line about the file. Returns true if all checks pass. A file in which nothing is wrong gets a hash, if
/// that is wanted and it has none.
bool verify(const std::string& path, const Backend& backend, bool add_hash) {
  const auto file = read_weight_file(path);
  const Result<std::string> found = file ? check_weights(*file, backend) : Result<std::string>(file.status());
  const bool unverified = file && !found && found.status().code() == Errc::not_found;  // no test vector
  std::string more;
  if (add_hash && (found || unverified) && find_metadata(file->metadata, weight_hash_key) == nullptr) {
    if (const Status written = write_hash(path); !written) {
      print_error(written);
      return false;
    }
    more = "; hash written";
  }
  if (found) {
    std::printf("%s: pass (%s%s)\n", shown_text(path).c_str(), found->c_str(), more.c_str());
    return true;
  }
  const std::string message = shown_text(short_message(found.status(), path));
  std::printf("%s: %s: %s%s\n", shown_text(path).c_str(), unverified ? "not verified" : "FAILED",
              message.c_str(), more.c_str());
  return false;
}

int VerifyWeightsCommand::run() const {
  const auto backend = backend_option(isa);
  if (!backend) return report_failure(backend.status());
  bool good = true;
  for (const std::string& path : files) good = verify(path, **backend, add_hash) && good;
  return good ? exit_done : exit_some_failed;
}

}  // namespace

void add_verify_weights(const Command& app, int& exit_code) {
  auto command = std::make_shared<VerifyWeightsCommand>();
  const Command sub = app.add_command(
      "verify-weights", "Check the metadata of weight files, and the outputs that they must give");
  sub.add_option("files", command->files, "Check these weight files, written by `tinyfiqa calibrate`")
      .type_name("FILE")
      .required();
  sub.add_flag("--add-hash", command->add_hash,
               "Write the hash of weights and calibration into files that have none, unless a check fails");
  add_isa_option(sub, command->isa);
  sub.footer(
      "Prints one line per file: pass, the check that failed, or that the file has no test vector.\n"
      "The hash in a file must be that of its weights and calibration. The outputs for the inputs of the "
      "test "
      "vector\n"
      "must agree within 1e-4.\n"
      "Exit status: 0 all pass, 1 one does not, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa verify-weights weights/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
