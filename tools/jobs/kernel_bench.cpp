#include "jobs/kernel_bench.hpp"

#include "jobs/layer_run.hpp"

using namespace tinyfiqa;

std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (int act = 0; act <= static_cast<int>(Act::prelu); ++act)
    names.emplace_back(act_name(static_cast<Act>(act)));
  return names;
}

Result<Op> KernelShape::layer() const {
  const bool gemm = kernel == "gemm", depthwise = kernel == "depthwise";
  if (depthwise && (out || groups != 1))
    return Status::error(Errc::bad_argument,
                         "a depthwise convolution has as many outputs and groups as input channels; leave "
                         "--out and --groups out");
  if (gemm && (window.value_or(1) != 1 || padding.value_or(0) != 0 || stride != 1 || groups != 1))
    return Status::error(Errc::bad_argument,
                         "gemm is a convolution of 1x1 windows; take --kernel conv for --window, --stride, "
                         "--padding and --groups");
  Op op;
  op.kind = OpKind::conv;
  op.in_channels = channels;
  op.channels = out.value_or(channels);
  op.window = window.value_or(gemm ? 1 : 3);
  op.padding = padding.value_or(op.window / 2);
  op.stride = stride;
  op.groups = depthwise ? channels : groups;
  for (int value = 0; value <= static_cast<int>(Act::prelu); ++value)
    if (act == act_name(static_cast<Act>(value))) op.act = static_cast<Act>(value);
  return op;
}

Result<std::vector<KernelRow>> measure_kernels(const KernelShape& shape,
                                               const std::vector<const Backend*>& backends, int threads,
                                               double seconds) {
  const auto layer = shape.layer();
  if (!layer) return layer.status();
  std::vector<KernelRow> rows;
  for (const Backend* backend : backends) {
    auto run =
        LayerRun::create(*layer, {shape.batch, shape.height, shape.width, shape.channels}, *backend, threads);
    if (!run) return run.status();
    KernelRow row;
    row.kernel = run->kernel();
    row.times = time_runs([&] { run->run(); }, seconds / static_cast<double>(backends.size()));
    row.macs = run->macs();
    row.map_bytes = run->map_bytes();
    row.largest_error = run->largest_error();
    rows.push_back(row);
  }
  return rows;
}
