// tinyfiqa forward: runs a tensor through a network, for comparison with another framework.
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "onnx/nchw.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <cstdio>

using namespace tinyfiqa;

namespace {

struct ForwardCommand {
  ModelOptions model;
  std::string input, output;
  std::vector<std::string> outputs;
  bool features = false;
  int threads = 1;
  NetworkChecks checks;

  int run() const;

 private:
  bool archive() const { return output.size() > 4 && output.substr(output.size() - 4) == ".npz"; }
  std::vector<std::string> wanted(const Model& net) const;
  Status forward() const;
};

/// The outputs to compute. An archive has all of them unless some are named.
std::vector<std::string> ForwardCommand::wanted(const Model& net) const {
  std::vector<std::string> names = outputs;
  if (features) names = {"features"};
  if (names.empty())
    for (const Output& o : net.network().outputs)
      if (archive() || !o.on_request) names.push_back(o.name);
  return names;
}

/// Runs the network; a batch of no images gives arrays of no elements.
Result<std::vector<NamedArray>> run_outputs(const Model& net, const ImageTensor& x,
                                            const SessionOptions& options) {
  const ImageTensor one{{1, net.input().height, net.input().width, 3}, {}};
  const Extents& size = x.size.n == 0 ? one.size : x.size;
  const std::vector<std::string>& names = options.outputs;
  auto session = Session::create(net, size.n, size.h, size.w, options);
  if (!session) return session.status();
  std::vector<std::vector<float>> results(names.size());
  std::vector<float*> pointers;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (x.size.n > 0) results[i].resize(session->output_floats(static_cast<int>(i)));
    pointers.push_back(results[i].data());
  }
  if (x.size.n > 0) session->run(x.nhwc.data(), Span<float* const>(pointers.data(), pointers.size()));
  if (!session->finite()) return session->finite();
  std::vector<NamedArray> arrays;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Extents extents = session->output_extents(static_cast<int>(i));
    extents.n = x.size.n;
    arrays.push_back(nchw_array(names[i].c_str(), extents, results[i]));
  }
  return arrays;
}

Status ForwardCommand::forward() const {
  if (const Status s = check_output_file(output); !s) return s;
  const auto x = read_image_tensor(input);
  if (!x) return x.status();
  const auto models = read_models(model, Use::run);
  if (!models) return models.status();
  if (models->size() != 1)
    return Status::error(Errc::bad_argument, "forward runs one network: give one --weights");
  const Model& net = *(*models)[0];
  const std::vector<std::string> names = wanted(net);
  if (!archive() && names.size() != 1)
    return Status::error(Errc::bad_argument, output, ": a .npy file holds one array and ", net.spec().name,
                         " has ", names.size(), " outputs; write a .npz file, or choose one by --outputs");
  SessionOptions options;
  options.threads = threads;
  options.outputs = names;
  options.check_finite = checks.check_finite;
  options.max_arena_mib = checks.max_arena_mib;
  const auto arrays = run_outputs(net, *x, options);
  if (!arrays) return arrays.status().prefixed(input, ": ");
  if (archive()) return write_npz(output, *arrays);
  return write_npy(output, arrays->front().shape,
                   {arrays->front().values.data(), arrays->front().values.size()});
}

int ForwardCommand::run() const {
  const Status status = forward();
  if (status.ok()) return exit_done;
  return report_failure(status, status.code() == Errc::bad_argument ? exit_usage : exit_some_failed);
}

}  // namespace

void add_forward(const Command& app, int& exit_code) {
  auto command = std::make_shared<ForwardCommand>();
  const Command sub = app.add_command("forward", "Run a tensor through a network: .npy in, .npy or .npz out");
  command->model.add_to(
      sub, "Use this network: " + model_names() + "; default: the one that the weight file names");
  sub.add_option("--input", command->input,
                 "Read this float array [N, 3, H, W], normalised for the network (.npy)")
      .type_name("FILE")
      .required();
  sub.add_option("--output", command->output,
                 "Write a .npy file (one output, [N, C] or [N, C, H, W]) or a .npz file (outputs by name)")
      .type_name("FILE")
      .required();
  const Option outputs = sub.add_option("--outputs", command->outputs,
                                        "Compute these outputs (tinyfiqa info lists them); default: all for "
                                        ".npz, the network's only one for .npy")
                             .type_name("NAME...");
  sub.add_flag("--features", command->features,
               "Write the pooled features of the backbone instead of the output")
      .excludes(outputs);
  sub.add_option("--threads", command->threads, "Use this many threads").range(1, 1024).show_default();
  command->checks.add_to(sub);
  sub.footer("Example:\n  tinyfiqa forward --input examples/arrays/images.npy --output /tmp/scores.npy");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
