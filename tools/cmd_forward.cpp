// tinyfiqa forward: a tensor through a network, for comparing with another framework.
#include "commands.hpp"
#include "model_options.hpp"

#include <tinyfiqa/fiqa/session.hpp>
#include <tinyfiqa/io/npy.hpp>

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

/// [N, C, H, W] -> [N, H, W, C]
std::vector<float> to_nhwc(const std::vector<float>& x, int n, int c, int h, int w) {
  std::vector<float> y(x.size());
  const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(h) * w;
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < c; ++k)
      for (std::ptrdiff_t p = 0; p < pixels; ++p)
        y[static_cast<std::size_t>((i * pixels + p) * c + k)] =
            x[static_cast<std::size_t>((static_cast<std::ptrdiff_t>(i) * c + k) * pixels + p)];
  return y;
}

Status ForwardCommand::forward() const {
  const auto array = read_npy(input);
  if (!array) return array.status();
  const auto& shape = array->shape;
  if (shape.size() != 4 || shape[1] != 3)
    return Status::error(Errc::mismatch, input, ": the network wants [N, 3, H, W], this array is ",
                         shape_text(shape));
  const auto models = read_models(model);
  if (!models) return models.status();
  if (models->size() != 1)
    return Status::error(Errc::bad_argument, "forward runs one network: give one --weights");
  for (const std::int64_t extent : shape)
    if (extent > 1 << 30)
      return Status::error(Errc::too_large, input, ": ", shape_text(shape), " is too large");
  const int n = static_cast<int>(shape[0]), h = static_cast<int>(shape[2]), w = static_cast<int>(shape[3]);
  std::vector<float> result;
  int channels = 1;
  if (n == 0) {  // a batch of nothing has results of nothing
    const Outputs& outputs = (*models)[0]->network().outputs;
    channels = (*models)[0]
                   ->network()
                   .ops[static_cast<std::size_t>(features ? outputs.features : outputs.output)]
                   .channels;
  } else {
    auto session = Session::create(*(*models)[0], n, h, w, threads, features ? Want::features : Want::output);
    if (!session) return session.status().prefixed(input, ": ");
    channels = session->plan().output.c;
    result.resize(session->output_floats());
    session->run(to_nhwc(array->values, n, 3, h, w).data(), result.data());
  }
  return write_npy(output, {n, channels}, {result.data(), result.size()});
}

int ForwardCommand::run() const {
  const Status status = forward();
  if (status.ok()) return exit_done;
  print_error(status);
  return status.code() == Errc::bad_argument ? exit_usage : exit_some_failed;
}

}  // namespace

void add_forward(CLI::App& app, int& exit_code) {
  auto command = std::make_shared<ForwardCommand>();
  CLI::App* sub = app.add_subcommand("forward", "Run a tensor through a network: .npy in, .npy out");
  command->model.add_to(*sub, model_names() + "; default: what the weight file says");
  sub->add_option("--input", command->input,
                  "Float array [N, 3, H, W], normalised as the network wants it (.npy)")
      ->type_name("FILE")
      ->required();
  sub->add_option("--output", command->output, "Result [N, C] to write (.npy)")
      ->type_name("FILE")
      ->required();
  sub->add_flag("--features", command->features, "Pooled backbone features instead of the output");
  sub->add_option("--threads", command->threads, "Threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  sub->footer("Example:\n  tinyfiqa forward --weights net.pth --input x.npy --output y.npy");
  sub->callback([command, &exit_code] { exit_code = command->run(); });
}
