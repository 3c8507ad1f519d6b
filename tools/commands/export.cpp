// tinyfiqa export: writes a network with its weights as an ONNX file, for other engines.
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "jobs/text_file.hpp"
#include "onnx/onnx_model.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/quality/model_registry.hpp>

#include <cstdio>
#include <cstdlib>

using namespace tinyfiqa;

namespace {

struct ExportCommand {
  ModelOptions model;
  std::string onnx;
  SizeOption size;
  int batch = 1;  ///< 0: any number of images

  int run() const;

 private:
  Status export_onnx() const;
};

#ifdef TINYFIQA_WITH_ONNX
Status ExportCommand::export_onnx() const {
  if (const Status s = check_output_file(onnx); !s) return s;
  const auto models = read_models(model);
  if (!models) return models.status();
  if (models->size() != 1)
    return Status::error(Errc::bad_argument, "an ONNX file holds one network; give one --weights");
  const Model& net = *(*models)[0];
  OnnxInput input{batch, size.height, size.width};
  if (input.height == 0) {
    input.height = net.input().height;
    input.width = net.input().width;
  }
  const auto bytes = onnx_model(net, input);
  if (!bytes) return bytes.status();
  if (const Status written = write_text(onnx, *bytes); !written.ok()) return written;
  std::printf("%s: %s, image [%s, 3, %d, %d], %.2f MiB\n", onnx.c_str(), net.spec().name,
              batch == 0 ? "batch" : std::to_string(batch).c_str(), input.height, input.width,
              static_cast<double>(bytes->size()) / 1048576);
  return {};
}
#else
Status ExportCommand::export_onnx() const {
  return Status::error(
      Errc::unsupported,
      "this tinyfiqa was built with -DTINYFIQA_ONNX=OFF; build it with -DTINYFIQA_ONNX=ON to export");
}
#endif

int ExportCommand::run() const {
  const Status status = export_onnx();
  if (status.ok()) return exit_done;
  print_error(status);
  return status.code() == Errc::bad_argument ? exit_usage : exit_some_failed;
}

/// Reads the value of --batch. Returns what is wrong with it, or an empty text.
std::string set_batch(const std::string& text, int& batch) {
  char* end = nullptr;
  const long number = std::strtol(text.c_str(), &end, 10);
  if (text == "dynamic")
    batch = 0;
  else if (!text.empty() && *end == '\0' && number >= 1 && number <= 65536)
    batch = static_cast<int>(number);
  else
    return "'" + text + "' is neither a number from 1 to 65536 nor 'dynamic'";
  return {};
}

}  // namespace

void add_export(const Command& app, int& exit_code) {
  auto command = std::make_shared<ExportCommand>();
  command->model.isa = "scalar";
  const Command sub =
      app.add_command("export", "Write a network with its weights as ONNX, for other engines");
  sub.add_option("--onnx", command->onnx, "Write the network to this file (.onnx, opset 13)")
      .type_name("FILE")
      .required();
  command->model.add_weights_to(
      sub, "Export this network: " + model_names() + " (default: what the weight file says)");
  add_size_option(sub, command->size);
  sub.add_option(
         "--batch", [command](const std::string& text) { return set_batch(text, command->batch); },
         "Fix the batch at this many images, 1 to 65536, or 'dynamic' for any number (default: 1)")
      .type_name("N");
  sub.footer(
      "Input: 'image', float [N, 3, H, W], RGB, (level - input_mean) / input_std; the metadata of the file "
      "has\n"
      "both. Output: 'score' (or 'logits', 'embedding'). Batch norm stays as nodes, and the weights stay\n"
      "bit-identical.\n\n"
      "Example:\n"
      "  tinyfiqa export --onnx /tmp/quality.onnx --batch dynamic");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
