// tinyfiqa info: what a network consists of and how it will run here.
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "onnx/layer_name.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <tinyfiqa/runtime/describe.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct InfoCommand {
  std::string model, weights, weights_key, isa = "auto";
  SizeOption size;
  int batch = 1, threads = 1;
  bool json = false;

  int run();
};

std::string map_text(const Extents& e) {
  return std::to_string(e.h) + "x" + std::to_string(e.w) + "x" + std::to_string(e.c);
}

/// PyTorch's name of the layer that a step computes, or the operation's where it has none.
std::string step_name(const NetworkDefinition& network, const Step& step) {
  const Op& op = network.ops[static_cast<std::size_t>(step.first_op)];
  const std::string name = layer_name(network, op);
  return name.empty() ? std::string("(") + op_name(op.kind) + ")" : name;
}

std::string step_text(const StepInfo& info, const Step& step, const Op& op) {
  std::string text = op_name(info.kind);
  if (op.only_norm()) return "norm";
  if (info.kind == OpKind::concat) text = "concat+shuffle";
  if (step.window > 1) text += " " + std::to_string(step.window) + "x" + std::to_string(step.window);
  if (step.stride > 1) text += "/" + std::to_string(step.stride);
  if (op.kind == OpKind::conv && step.groups > 1)
    text += step.groups == info.in.c ? " dw" : " g" + std::to_string(step.groups);
  if (step.act != Act::none)
    text += std::string(" ") + (op.is_leaky_relu() ? "leaky_relu" : act_name(step.act));
  if (info.with_residual) text += " +res";
  return text;
}

/// The kernel, and at the first step of a chain how many steps share its rows.
std::string kernel_text(const Step& step) {
  std::string text = step.kernel->name;
  if (step.chain.steps > 0)
    text += "  (with the next " + std::to_string(step.chain.steps - 1) + ", " +
            std::to_string(step.chain.rows) + " rows at a time)";
  return text;
}

/// Bytes of the arena if the network reads the levels of images, as `score` does: a little more than from floats, for the
/// rows that become floats. 0 if its input is no RGB image.
std::size_t arena_bytes_of_levels(const PlanRequest& floats, const ModelSpec& spec, const Backend& backend) {
  PlanRequest request = floats;
  request.levels = &spec.input.levels;
  const OwnedPlan p = make_owned_plan(request, backend);
  return p.plan.ok() ? p.plan.arena_bytes : 0;
}

/// Calls body(name, extents) for each output that the plan computes.
template <class Body>
void for_each_output(const NetworkDefinition& network, const OwnedPlan& p, const Body& body) {
  int i = 0;
  for (const Output& output : network.outputs)
    if (!output.on_request) body(output.name, p.plan.outputs[i++]);
}

void print_outputs(const NetworkDefinition& network, const OwnedPlan& p) {
  const char* label = "outputs";
  for_each_output(network, p, [&](const char* name, const Extents& e) {
    std::printf("%-15s %s: %d x %s (N x H x W x C)\n", label, name, e.n, map_text(e).c_str());
    label = "";
  });
  for (const Output& output : network.outputs)
    if (output.on_request) std::printf("%-15s %s (on request)\n", "", output.name);
}

std::string mib_text(std::size_t bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%zu bytes (%.2f MiB)", bytes, static_cast<double>(bytes) / 1048576);
  return text;
}

void print_text(const ModelSpec& spec, const NetworkDefinition& network, const OwnedPlan& p,
                std::size_t levels_arena, const Backend& backend) {
  const Span<const Op> ops(network.ops.data(), network.ops.size());
  std::printf("%-26s %-22s %-13s %-13s %9s %10s  %s\n", "layer", "operation", "input HxWxC", "output HxWxC",
              "params", "MMAC", "kernel");
  for (int i = 0; i < p.plan.step_count; ++i) {
    const Step& step = p.plan.steps[i];
    const StepInfo info = describe_step(p.plan, ops, i);
    std::printf("%-26s %-22s %-13s %-13s %9lld %10.3f  %s\n", step_name(network, step).c_str(),
                step_text(info, step, ops[static_cast<std::size_t>(step.first_op)]).c_str(),
                map_text(info.in).c_str(), map_text(info.out).c_str(), info.params,
                static_cast<double>(info.macs) * 1e-6, kernel_text(step).c_str());
  }
  const StepInfo total = describe_plan(p.plan, ops);
  std::printf("\n%s: %s\n", spec.name, spec.summary);
  std::printf("input           %d x %s (N x H x W x C)\n", p.plan.input.n, map_text(p.plan.input).c_str());
  std::printf("parameters      %lld\n", total.params);
  std::printf("multiply-adds   %lld (%.2f M; with one operation for each normalised element %.2f M)\n",
              total.macs, static_cast<double>(total.macs) * 1e-6,
              static_cast<double>(total.macs + total.normalised_elements) * 1e-6);
  print_outputs(network, p);
  std::printf("arena           %s for %d thread%s, from %s\n", mib_text(p.plan.arena_bytes).c_str(),
              p.plan.threads, p.plan.threads == 1 ? "" : "s",
              ops[0].dtype == DType::u8 ? "the levels of images" : "floats");
  if (levels_arena > 0)
    std::printf("%-15s %s from the levels of images, as score runs it\n", "", mib_text(levels_arena).c_str());
  std::printf("packed weights  %s\n", mib_text(p.plan.packed_bytes).c_str());
  std::printf("isa             %s, %d floats a vector\n", backend.isa, backend.vector_floats);
}

/// What a weight file says about itself.
void print_metadata(const Metadata& metadata, const std::string& path) {
  std::printf("\n%s%s\n", shown_text(path).c_str(), metadata.empty() ? " says nothing about itself" : "");
  for (const auto& [key, value] : metadata)
    std::printf("%-15s %s\n", shown_text(key).c_str(), shown_text(value).c_str());
}

nlohmann::ordered_json extents_json(const Extents& e) { return {e.n, e.h, e.w, e.c}; }

nlohmann::ordered_json outputs_json(const NetworkDefinition& network, const OwnedPlan& p) {
  nlohmann::ordered_json outputs = nlohmann::ordered_json::array();
  for_each_output(network, p, [&](const char* name, const Extents& e) {
    outputs.push_back({{"name", name}, {"nhwc", extents_json(e)}});
  });
  return outputs;
}

void print_json(const ModelSpec& spec, const NetworkDefinition& network, const OwnedPlan& p,
                std::size_t levels_arena, const Backend& backend, const Metadata& metadata) {
  const Span<const Op> ops(network.ops.data(), network.ops.size());
  const StepInfo total = describe_plan(p.plan, ops);
  nlohmann::ordered_json json{{"model", spec.name},
                              {"isa", backend.isa},
                              {"input_nhwc", extents_json(p.plan.input)},
                              {"outputs", outputs_json(network, p)},
                              {"params", total.params},
                              {"macs", total.macs},
                              {"macs_and_normalised_elements", total.macs + total.normalised_elements},
                              {"arena_bytes", p.plan.arena_bytes},
                              {"arena_bytes_of_levels", levels_arena},
                              {"packed_bytes", p.plan.packed_bytes},
                              {"threads", p.plan.threads}};
  for (const auto& [key, value] : metadata) json["weights"][key] = value;
  for (int i = 0; i < p.plan.step_count; ++i) {
    const Step& step = p.plan.steps[i];
    const StepInfo info = describe_step(p.plan, ops, i);
    json["layers"].push_back(
        {{"name", step_name(network, step)},
         {"operation", step_text(info, step, ops[static_cast<std::size_t>(step.first_op)])},
         {"input_nhwc", extents_json(info.in)},
         {"output_nhwc", extents_json(info.out)},
         {"params", info.params},
         {"macs", info.macs},
         {"kernel", info.kernel},
         {"chain_steps", step.chain.steps},
         {"chain_rows", step.chain.rows}});
  }
  // Metadata is whatever a file says; what of it is not UTF-8 becomes U+FFFD rather than an exception.
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

/// What the command takes from a weight file, if there is one.
struct FileInfo {
  Metadata metadata;
  std::string model;
  InputSpec input;
  NetworkDefinition network;  ///< with the levels of an 8-bit file
};

Result<FileInfo> read_file_info(const std::string& path, const std::string& key, const std::string& name,
                                const Backend& backend) {
  const auto file = read_weight_file(path, key);
  if (!file) return file.status();
  const auto model = make_model(*file, name, backend);
  if (!model) return model.status();
  print_file_notes(path, model->notes());
  if (name.empty()) note_other_models(*file, model->spec());
  return FileInfo{file->metadata, model->spec().name, model->input(), model->network()};
}

int InfoCommand::run() {
  const auto fail = [](const Status& status) {
    print_error(status);
    return exit_usage;
  };
  const auto backend = backend_option(isa);
  if (!backend) return fail(backend.status());
  Metadata metadata;
  std::optional<NetworkDefinition> of_file;
  if (!weights.empty()) {
    auto file = read_file_info(weights, weights_key, model, **backend);
    if (!file) return fail(file.status());
    metadata = std::move(file->metadata);
    model = file->model;
    of_file = std::move(file->network);
    if (size.height == 0) size = {file->input.height, file->input.width};
  }
  if (model.empty()) model = tinyfqnet_m_spec.name;
  const ModelSpec* spec = find_model(model);
  if (spec == nullptr)
    return fail(
        Status::error(Errc::bad_argument, "no model is called '", model, "'; there are ", model_names()));
  const NetworkDefinition network = of_file ? std::move(*of_file) : spec->define();
  const Extents input{batch, size.height > 0 ? size.height : spec->input.height,
                      size.width > 0 ? size.width : spec->input.width, 0};
  const auto outputs = output_values(network);
  if (!outputs) return fail(outputs.status());
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {outputs->data(), outputs->size()};
  request.input = input;
  request.threads = threads;
  const bool reads_levels = network.ops[0].dtype == DType::u8;  // an 8-bit network, which reads nothing else
  if (reads_levels) request.levels = &spec->input.levels;
  const OwnedPlan p = make_owned_plan(request, **backend);
  if (!p.plan.ok())
    return fail(Status::error(Errc::bad_argument, model, ": ", plan_error_text(p.plan.problem, request.ops)));
  const std::size_t levels_arena = reads_levels ? 0 : arena_bytes_of_levels(request, *spec, **backend);
  if (json)
    print_json(*spec, network, p, levels_arena, **backend, metadata);
  else
    print_text(*spec, network, p, levels_arena, **backend);
  if (!json && !weights.empty()) print_metadata(metadata, weights);
  return exit_done;
}

}  // namespace

void add_info(const Command& app, int& exit_code) {
  auto command = std::make_shared<InfoCommand>();
  const Command sub = app.add_command(
      "info", "Show layers, shapes, parameters, multiply-adds, kernels and memory of a network");
  sub.add_option("--model", command->model,
                 model_names() + " (default: the network of --weights, or tinyfqnet_m)")
      .type_name("NAME");
  sub.add_option("--weights", command->weights,
                 "Show the network of this weight file and its metadata: calibration, bands, ...")
      .type_name("FILE");
  add_weights_key_option(sub, command->weights_key);
  add_size_option(sub, command->size);
  sub.add_option("--batch", command->batch, "Plan for this many images at a time")
      .range(1, 65536)
      .show_default();
  sub.add_option("--threads", command->threads, "Plan the memory for this many threads")
      .range(1, 1024)
      .show_default();
  sub.add_option("--isa", command->isa, "Instruction set (see --version)").type_name("NAME").show_default();
  sub.add_flag("--json", command->json, "Print JSON instead of a table");
  sub.footer(
      "Example:\n  tinyfiqa info --model mobilenet_v3_small --size 600x416\n  tinyfiqa info --weights "
      "weights/tinyfqnet.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
