// tinyfiqa forward: a tensor through a network, for comparing with another framework.
#include "commands/commands.hpp"
#include "onnx/nchw.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct ForwardCommand {
  ModelOptions model;
  std::string input, output;
  bool features = false;
  int threads = 1;

  int run() const;

 private:
  Status forward() const;
};

Status ForwardCommand::forward() const {
  const auto x = read_image_tensor(input);
  if (!x) return x.status();
  const auto models = read_models(model, Use::run);
  if (!models) return models.status();
  if (models->size() != 1)
    return Status::error(Errc::bad_argument, "forward runs one network: give one --weights");
  const Model& net = *(*models)[0];
  std::vector<float> result;
  int channels = 1;
  if (x->size.n == 0) {  // a batch of nothing has results of nothing
    const Outputs& outputs = net.network().outputs;
    channels =
        net.network().ops[static_cast<std::size_t>(features ? outputs.features : outputs.output)].channels;
  } else {
    auto session = Session::create(net, x->size.n, x->size.h, x->size.w, threads,
                                   features ? Want::features : Want::output);
    if (!session) return session.status().prefixed(input, ": ");
    channels = session->plan().output.c;
    result.resize(session->output_floats());
    session->run(x->nhwc.data(), result.data());
  }
  return write_npy(output, {x->size.n, channels}, {result.data(), result.size()});
}

int ForwardCommand::run() const {
  const Status status = forward();
  if (status.ok()) return exit_done;
  print_error(status);
  return status.code() == Errc::bad_argument ? exit_usage : exit_some_failed;
}

}  // namespace

void add_forward(const Command& app, int& exit_code) {
  auto command = std::make_shared<ForwardCommand>();
  const Command sub = app.add_command("forward", "Run a tensor through a network: .npy in, .npy out");
  command->model.add_to(sub, model_names() + "; default: what the weight file says");
  sub.add_option("--input", command->input,
                 "Float array [N, 3, H, W], normalised as the network wants it (.npy)")
      .type_name("FILE")
      .required();
  sub.add_option("--output", command->output, "Result [N, C] to write (.npy)").type_name("FILE").required();
  sub.add_flag("--features", command->features, "Pooled backbone features instead of the output");
  sub.add_option("--threads", command->threads, "Threads").range(1, 1024).show_default();
  sub.footer("Example:\n  tinyfiqa forward --input examples/arrays/images.npy --output /tmp/scores.npy");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
