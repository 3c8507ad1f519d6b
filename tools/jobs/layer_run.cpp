#include "jobs/layer_run.hpp"

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/kernels/reference/forward.hpp>
#include <tinyfiqa/runtime/describe.hpp>
#include <tinyfiqa/runtime/pack.hpp>

#include <algorithm>
#include <cmath>

using namespace tinyfiqa;

namespace {

constexpr int most_weights = 1 << 28;

std::vector<float> random_floats(std::size_t count, Rng& rng) {
  std::vector<float> values(count);
  for (float& v : values) v = rng.uniform(-1, 1);
  return values;
}

/// The map as [N, H, W, C], whatever its layout is.
std::vector<float> by_channels(const std::vector<float>& map, const Operand& o) {
  if (!o.planar) return map;
  std::vector<float> to(map.size());
  const auto w = static_cast<std::size_t>(o.extents.w), c = static_cast<std::size_t>(o.extents.c);
  for (std::size_t row = 0; row < map.size(); row += w * c)
    for (std::size_t i = 0; i < w * c; ++i) to[row + i % w * c + i / w] = map[row + i];
  return to;
}

}  // namespace

Result<LayerRun> LayerRun::create(const Op& conv, const Extents& input, const Backend& backend, int threads) {
  if (conv.groups < 1 || conv.in_channels % conv.groups != 0 || conv.channels % conv.groups != 0)
    return Status::error(Errc::bad_argument, conv.in_channels, " and ", conv.channels,
                         " channels can't be split into ", conv.groups, " groups");
  LayerRun layer;
  Op image, op = conv;
  image.channels = conv.in_channels;
  op.kind = OpKind::conv;
  op.inputs[0] = 0;
  const ConvShape shape = conv_shape(op);
  const long long of_output = static_cast<long long>(shape.cin / shape.groups) * shape.window * shape.window;
  const long long all_weights = of_output * shape.cout;
  if (all_weights > most_weights)
    return Status::error(Errc::too_large, "a layer with ", all_weights, " weights; at most ", most_weights,
                         " are measured");
  const int weights = shape.cout * shape.depth();
  op.weight = 0;
  op.bias = weights;
  op.norm_weight = op.norm_bias = op.running_mean = op.running_var = op.slope = -1;
  op.fixed_slope = 0.25f;  // of PReLU
  layer.network_.ops = {image, op};
  layer.network_.outputs.add("output", Map<1>{1});
  layer.plan_ = make_owned_plan(layer.network_, input, backend, threads);
  const Plan& plan = layer.plan_.plan;
  if (plan.problem.error == PlanError::map_too_small)
    return Status::error(Errc::bad_argument, "a map of ", input.h, "x", input.w, " with ", op.padding,
                         " pixels of padding is smaller than a window of ", op.window, "x", op.window);
  if (!plan.ok())
    return Status::error(plan.problem.error == PlanError::too_large ? Errc::too_large : Errc::bad_argument,
                         plan_error_text(plan.problem, layer.network_.operations()));
  Rng rng(3);
  layer.params_ =
      random_floats(static_cast<std::size_t>(weights) + static_cast<std::size_t>(shape.cout), rng);
  layer.packed_.resize(plan.packed_bytes);
  std::vector<float> workspace(pack_workspace_floats(plan, layer.network_.operations()));
  pack_weights(plan, layer.network_.operations(), backend, layer.params_.data(), workspace.data(),
               layer.packed_.data());
  layer.arena_.resize(plan.arena_bytes);
  layer.x_ = random_floats(static_cast<std::size_t>(plan.input.floats()), rng);
  layer.y_.resize(static_cast<std::size_t>(plan.outputs[0].floats()));
  if (const Status status = layer.threads_.start(threads); !status) return status;
  return layer;
}

void LayerRun::run_as(const Step& step) {
  Step& own = plan_.steps[0];
  own.kernel = step.kernel;
  own.run = step.run;
  own.x.planar = step.x.planar;
  own.y.planar = step.y.planar;
}

void LayerRun::run() {
  Frame f;
  f.arena = arena_.data();
  f.packed = packed_.data();
  f.input = x_.data();
  void* const outputs[] = {y_.data()};
  f.outputs = outputs;
  f.team = threads_.team();
  tinyfiqa::run(plan_.plan, f);
}

long long LayerRun::macs() const { return describe_plan(plan_.plan, network_.operations()).macs; }

long long LayerRun::map_bytes() const {
  return static_cast<long long>(sizeof(float)) * static_cast<long long>(x_.size() + y_.size());
}

double LayerRun::largest_error() const {
  const Op& op = network_.ops[1];
  const Extents in = plan_.plan.input, out = plan_.plan.outputs[0];
  const std::vector<float> x = by_channels(x_, step().x), y = by_channels(y_, step().y);
  const std::vector<float> slopes(static_cast<std::size_t>(op.channels), op.fixed_slope);
  std::vector<float> expected(y_.size());
  reference::conv({in.n, in.h, in.w, in.c}, x.data(), {out.n, out.h, out.w, out.c}, expected.data(),
                  {op.window, op.stride, op.padding, op.groups}, params_.data(), params_.data() + op.bias,
                  op.act, slopes.data());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, static_cast<double>(std::fabs(y[i] - expected[i])));
  return worst;
}
