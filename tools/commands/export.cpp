// tinyfiqa export: writes a network with its weights as an ONNX file, for other engines, or its packed weights as a C++
// header, for programs without files.
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "jobs/packed_header.hpp"
#include "jobs/text_file.hpp"
#include "onnx/onnx_model.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/runtime/pack_target.hpp>

#include <cstdio>
#include <cstdlib>

using namespace tinyfiqa;

namespace {

struct ExportCommand {
  ModelOptions model;
  std::string onnx;
  std::string c_array, target;
  SizeOption size;
  int batch = 1;  ///< 0: any number of images

  int run() const;

 private:
  Status export_onnx() const;
  Status export_c_array() const;
};

/// The names of all targets: "scalar, scalar_small, ..."
std::string target_names() {
  std::string names;
  for (const PackTarget& target : pack_targets)
    names += (names.empty() ? "" : ", ") + std::string(target.name);
  return names;
}

Status ExportCommand::export_c_array() const {
  const PackTarget* const to = find_pack_target(target.c_str());
  if (to == nullptr)
    return Status::error(
        Errc::bad_argument, target.empty() ? "--c-array needs --target" : "--target " + target,
        target.empty() ? "" : ": there is no such target", "; choose one of ", target_names(),
        ": the instruction set that the program with these weights is compiled for");
  if (batch != 1 || size.height != 0)
    return Status::error(Errc::bad_argument,
                         "--batch and --size are for --onnx; packed weights are the same for all sizes");
  if (const Status s = check_output_file(c_array); !s) return s;
  const auto models = read_models(model, *to->backend, Use::run, 1);
  if (!models && to->backend->to_floats == nullptr)  // does this machine run them?
    if (const auto native = read_models(model); native && (*native)[0]->has_levels())
      return Status::error(Errc::unsupported, model.weights.front(), ": 8-bit weights can't be packed for ",
                           to->name,
                           "; choose scalar, scalar_small, neon, neondotprod or vector4, or the floats that "
                           "they were made from");
  if (!models) return models.status();
  if (models->size() != 1)
    return Status::error(Errc::bad_argument, "a header holds one network; give one --weights");
  const Model& net = *(*models)[0];
  const auto text = packed_header(net, to->name);
  if (!text) return text.status();
  if (const Status written = write_text(c_array, *text); !written.ok()) return written;
  std::printf("%s: %s, %s packed for %s, %zu bytes\n", c_array.c_str(), net.spec().name,
              packed_struct_name(net).c_str(), to->name, net.packed().size);
  return {};
}

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
  if (onnx.empty() == c_array.empty())
    return report_failure(Status::error(Errc::bad_argument, "give either --onnx FILE or --c-array FILE"));
  const Status status = onnx.empty() ? export_c_array() : export_onnx();
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
      app.add_command("export", "Write a network with its weights as ONNX, or as a C++ header");
  sub.add_option("--onnx", command->onnx, "Write the network to this file (.onnx, opset 13)")
      .type_name("FILE");
  sub.add_option("--c-array", command->c_array,
                 "Write the packed weights to this file (.hpp), for a program that is compiled with them")
      .type_name("FILE");
  sub.add_option("--target", command->target,
                 "With --c-array: pack for this instruction set, " + target_names())
      .type_name("ISA");
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
      "bit-identical. 8-bit weights: the same input and output, and 8-bit maps and weights between as "
      "QuantizeLinear\n"
      "and DequantizeLinear (docs/onnx.md).\n\n"
      "--c-array: the program includes the file, and compiles only if its network and its instruction set "
      "are\n"
      "those of the file; docs/embedding.md shows one. 8-bit weights: for scalar, scalar_small, neon, "
      "neondotprod and vector4.\n\n"
      "Example:\n"
      "  tinyfiqa export --onnx /tmp/quality.onnx --batch dynamic\n"
      "  tinyfiqa export --c-array /tmp/tinyfqnet_packed.hpp --model tinyfqnet --target scalar_small");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
