// tinyfiqa gradients: one training step's gradients, for comparing with another framework.
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "onnx/nchw.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/optim/losses.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct GradientsCommand {
  ModelOptions model;
  std::string input, target, output, loss = "mse";
  double alpha = 1;
  int threads = 1;

  int run() const;

 private:
  Status write() const;
};

/// Gradients under the parameters' names, and the running statistics after the forward pass.
std::vector<FloatTensor> result_tensors(const Model& model, const std::vector<float>& block,
                                        const std::vector<float>& gradient) {
  std::vector<FloatTensor> tensors;
  for (const NamedParam& p : model.params()) {
    const std::vector<float>& from = is_trainable(p.param.kind) ? gradient : block;
    tensors.push_back({p.name,
                       {p.param.extents, p.param.extents + p.param.rank},
                       {from.data() + p.param.offset, static_cast<std::size_t>(p.param.size())}});
  }
  return tensors;
}

Status GradientsCommand::write() const {
  const auto x = read_image_tensor(input);
  if (!x) return x.status();
  const auto labels = read_npy(target);
  if (!labels) return labels.status();
  const auto models = read_models(model);
  if (!models) return models.status();
  if (models->size() != 1)
    return Status::error(Errc::bad_argument, "gradients runs one network: give one --weights");
  const Model& net = *(*models)[0];
  if (labels->values.size() != static_cast<std::size_t>(x->size.n))
    return Status::error(Errc::mismatch, target, ": ", labels->values.size(), " labels for ", x->size.n,
                         " images");
  std::vector<Op> ops = net.network().ops;
  for (Op& op : ops) op.drop_probability = 0;
  Tape<float> tape({ops.data(), ops.size()}, net.network().outputs.main(), threads,
                   *choose_training_backend(net.backend().isa)->tape);
  std::vector<float> block(net.block().begin(), net.block().end()), gradient(block.size());
  Rng unused(1);
  if (const Status s = tape.forward(block.data(), x->nhwc.data(), x->size, TapeMode::train, unused); !s)
    return s.prefixed(input, ": ");
  std::vector<float> d(tape.output().size);
  const auto value = score_loss<float>(loss_of_name(loss), alpha, tape.output(), labels->values, d);
  if (!value) return value.status().prefixed(target, ": ");
  tape.backward(block.data(), d.data(), gradient.data());
  std::printf("%.9g\n", *value);
  return write_safetensors(output, result_tensors(net, block, gradient),
                           {{"loss", std::to_string(*value)}, {"made_by", "tinyfiqa " TINYFIQA_VERSION}});
}

int GradientsCommand::run() const {
  const Status status = write();
  if (status.ok()) return exit_done;
  return report_failure(status, status.code() == Errc::bad_argument ? exit_usage : exit_some_failed);
}

}  // namespace

void add_gradients(const Command& app, int& exit_code) {
  auto command = std::make_shared<GradientsCommand>();
  const Command sub = app.add_command("gradients", "Compute the gradients of one training step");
  command->model.add_to(
      sub, "Use this network: " + model_names() + "; default: the one that the weight file names");
  sub.add_option("--input", command->input,
                 "Read this float array [N, 3, H, W], normalised for the network (.npy)")
      .type_name("FILE")
      .required();
  sub.add_option("--target", command->target, "Read N labels (.npy)").type_name("FILE").required();
  sub.add_option("--loss", command->loss, "Use this loss: mse, msecorr, l2norm or smooth_l1")
      .one_of({"mse", "msecorr", "l2norm", "smooth_l1"})
      .show_default();
  sub.add_option("--alpha", command->alpha, "Weight the correlation term of msecorr by this").show_default();
  sub.add_option("--threads", command->threads, "Use this many threads").range(1, 1024).show_default();
  sub.add_option(
         "--output", command->output,
         "Write the gradients by parameter name, and the running statistics after the pass (.safetensors)")
      .type_name("FILE")
      .required();
  sub.footer(
      "Batch norm uses the statistics of the batch, and dropout is off. Prints the loss.\n\n"
      "Example:\n  tinyfiqa gradients --input examples/arrays/images.npy --target examples/arrays/labels.npy "
      "--output "
      "/tmp/gradients.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
