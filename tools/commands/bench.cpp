// tinyfiqa bench: measures the speed of networks or of one layer, and compares it to the multiply-add peak of
// the machine.
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "commands/commands.hpp"
#include "jobs/fma_peak.hpp"
#include "jobs/kernel_bench.hpp"
#include "jobs/label_bench.hpp"
#include "jobs/speed.hpp"
#include "options/model_options.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

using namespace tinyfiqa;

namespace {

/// One run: its input and its speed.
struct BenchRow {
  std::string model;
  int batch = 1, height = 0, width = 0, threads = 1;
  Speed speed;
};

struct BenchCommand {
  std::string model, isa = "auto";
  SizeOption size;
  int batch = 1, threads = 1;
  std::optional<double> seconds;
  bool json = false;
  std::size_t label = 0;
  KernelShape kernel;

  int run() const;
  Status run_labelling(const Backend& backend) const;
  Status run_kernel(const Backend& backend) const;
  Status run_networks(const Backend& backend) const;
  std::vector<BenchRow> rows() const;
};

/// The run of --model, or without it the networks and sizes of docs/performance.md.
std::vector<BenchRow> BenchCommand::rows() const {
  std::vector<BenchRow> rows;
  const auto add = [&](const std::string& name, int n, int h, int w) {
    rows.push_back({name, n, h, w, threads, {}});
  };
  if (!model.empty()) {
    const ModelSpec* spec = find_model(model);
    if (spec != nullptr)
      add(model, batch, size.height > 0 ? size.height : spec->input.height,
          size.width > 0 ? size.width : spec->input.width);
    return rows;
  }
  for (const char* name : {"mobilenet_v3_small", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"})
    for (const auto& [h, w] : {std::pair{600, 416}, std::pair{224, 224}}) add(name, batch, h, w);
  add("tinyfqnet_m", batch, 64, 64);
  add("tinyfqnet", batch, 64, 64);
  add("tinyfqnet", 16 * batch, 64, 64);
  return rows;
}

std::string row_size(const BenchRow& r) { return std::to_string(r.height) + "x" + std::to_string(r.width); }

Status BenchCommand::run_labelling(const Backend& backend) const {
  const auto found = model_option(model.empty() ? "mobilefacenet" : model);
  if (!found) return found.status();
  const ModelSpec* spec = *found;
  const auto times = measure_labelling(std::make_shared<const Model>(*spec, backend), label, threads);
  if (!times) return times.status();
  const double total = times->embed_s + times->label_s, rate = static_cast<double>(label) / total;
  const nlohmann::ordered_json row = {{"model", spec->name},       {"faces", label},
                                      {"threads", threads},        {"isa", backend.isa},
                                      {"embed_s", times->embed_s}, {"label_s", times->label_s},
                                      {"faces_per_s", rate},       {"mean_quality", times->mean_quality}};
  if (json)
    std::printf("%s\n", row.dump(2).c_str());
  else
    std::printf(
        "%s, %zu aligned faces, %d threads, %s: %.1f s (embedding %.1f, labelling %.2f), %.0f faces/s; "
        "mean label %.4f\n",
        spec->name, label, threads, backend.isa, total, times->embed_s, times->label_s, rate,
        times->mean_quality);
  return {};
}

nlohmann::ordered_json row_json(const BenchRow& r, const char* isa, double peak_share) {
  return {{"model", r.model},
          {"size", row_size(r)},
          {"batch", r.batch},
          {"threads", r.threads},
          {"isa", isa},
          {"median_us", r.speed.median_us},
          {"min_us", r.speed.min_us},
          {"spread", r.speed.spread},
          {"gmac_per_s", r.speed.gmac_per_s()},
          {"peak_share", peak_share}};
}

void print_row(const BenchRow& r, double peak_share) {
  std::printf("%-20s %-9s %5d %7d %11.1f %11.1f %6.1f%% %8.1f %6.0f%%\n", r.model.c_str(),
              row_size(r).c_str(), r.batch, r.threads, r.speed.median_us, r.speed.min_us,
              100 * r.speed.spread, r.speed.gmac_per_s(), 100 * peak_share);
  std::fflush(stdout);
}

/// Measures and prints all rows.
Status BenchCommand::run_networks(const Backend& backend) const {
  std::vector<BenchRow> all = rows();
  if (all.empty()) return model_option(model).status();
  const double peak = bench::fma_peak_gmac_per_s();
  auto list = nlohmann::ordered_json::array();
  if (!json) {
    std::printf("peak of one thread: %.1f GMAC/s (multiply-adds on registers only); kernels: %s; float32\n",
                peak, backend.isa);
    std::printf("%-20s %-9s %5s %7s %11s %11s %7s %8s %7s\n", "model", "size", "batch", "threads",
                "median, us", "min, us", "spread", "GMAC/s", "of peak");
  }
  for (BenchRow& r : all) {
    const Model network(*find_model(r.model), backend);
    const double row_seconds = seconds.value_or(60) / static_cast<double>(all.size());
    const auto speed = measure_speed(network, r.batch, r.height, r.width, r.threads, row_seconds);
    if (!speed) return speed.status();
    r.speed = *speed;
    const double share = peak > 0 ? r.speed.gmac_per_s() / (peak * r.threads) : 0;
    if (json)
      list.push_back(row_json(r, backend.isa, share));
    else
      print_row(r, share);
  }
  if (json) std::printf("%s\n", list.dump(2).c_str());
  return {};
}

nlohmann::ordered_json kernel_json(const KernelRow& r, int threads, double peak_share) {
  return {{"kernel", r.kernel},       {"threads", threads},       {"median_us", r.times.median_us},
          {"min_us", r.times.min_us}, {"spread", r.times.spread}, {"gmac_per_s", r.gmac_per_s()},
          {"peak_share", peak_share}, {"gb_per_s", r.gb_per_s()}, {"largest_error", r.largest_error}};
}

/// Measures the layer of --kernel with the chosen instruction set or, with --isa auto, with each that the machine has.
Status BenchCommand::run_kernel(const Backend& chosen) const {
  if (kernel.height == 0)
    return Status::error(Errc::bad_argument, "--kernel needs --shape HxWxC, the map that the layer reads");
  std::vector<const Backend*> backends = {&chosen};
  if (isa == "auto") {
    backends.clear();
    for (const Backend* b : compiled_backends())
      if (b->base == nullptr && cpu_can_run(b->isa)) backends.push_back(b);  // the layers are of floats
  }
  KernelShape shape = kernel;
  shape.batch = batch;
  const auto rows = measure_kernels(shape, backends, threads, seconds.value_or(4));
  if (!rows) return rows.status();
  const double peak = bench::fma_peak_gmac_per_s();
  auto list = nlohmann::ordered_json::array();
  if (!json) {
    std::printf(
        "peak of one thread: %.1f GMAC/s (multiply-adds on registers only); %lld multiply-adds; threads: "
        "%d\n",
        peak, rows->front().macs, threads);
    std::printf("%-32s %11s %11s %7s %8s %7s %7s %14s\n", "kernel", "median, us", "min, us", "spread",
                "GMAC/s", "of peak", "GB/s", "largest error");
  }
  for (const KernelRow& r : *rows) {
    const double share = peak > 0 ? r.gmac_per_s() / (peak * threads) : 0;
    if (json)
      list.push_back(kernel_json(r, threads, share));
    else
      std::printf("%-32s %11.2f %11.2f %6.1f%% %8.1f %6.0f%% %7.1f %14.1e\n", r.kernel.c_str(),
                  r.times.median_us, r.times.min_us, 100 * r.times.spread, r.gmac_per_s(), 100 * share,
                  r.gb_per_s(), r.largest_error);
  }
  if (json) std::printf("%s\n", list.dump(2).c_str());
  return {};
}

int BenchCommand::run() const {
  const auto backend = backend_option(isa);
  if (!backend) return report_failure(backend.status());
  const Status status = label > 0               ? run_labelling(**backend)
                        : kernel.kernel.empty() ? run_networks(**backend)
                                                : run_kernel(**backend);
  return status ? exit_done : report_failure(status);
}

/// "HxWxC", each from 1 to 65536. Returns what is wrong, or nothing.
std::string read_shape(const std::string& text, KernelShape& shape) {
  const char *at = text.data(), *const end = at + text.size();
  bool right = true;
  for (int* const extent : {&shape.height, &shape.width, &shape.channels}) {
    if (extent != &shape.height) right = right && at != end && *at++ == 'x';
    const auto [next, error] = std::from_chars(at, end, *extent);
    right = right && error == std::errc() && *extent >= 1 && *extent <= 65536;
    at = next;
  }
  return right && at == end ? "" : "'" + text + "' is not HEIGHTxWIDTHxCHANNELS, such as 38x26x40";
}

void add_kernel_options(const Command& sub, KernelShape& shape) {
  const Option kernel =
      sub.add_option("--kernel", shape.kernel,
                     "Measure one layer instead, with each instruction set that this machine has (or that of "
                     "--isa): gemm (1x1 convolution, or linear layer of 1x1 maps), depthwise, or conv")
          .one_of({"gemm", "depthwise", "conv"});
  sub.add_option(
         "--shape", [&shape](const std::string& text) { return read_shape(text, shape); },
         "The map that the layer reads")
      .type_name("HxWxC")
      .needs(kernel);
  sub.add_option("--out", shape.out, "Output channels (default: as many as the map's)")
      .range(1, 65536)
      .needs(kernel);
  sub.add_option("--window", shape.window, "Side of the window (default: 1 of gemm, 3 of the others)")
      .range(1, 31)
      .needs(kernel);
  sub.add_option("--stride", shape.stride, "Stride").range(1, 16).show_default().needs(kernel);
  sub.add_option("--padding", shape.padding,
                 "Rows and columns of zeros at each border (default: half the window)")
      .range(0, 30)
      .needs(kernel);
  sub.add_option("--groups", shape.groups, "Groups of conv").range(1, 65536).show_default().needs(kernel);
  sub.add_option("--act", shape.act, "Activation at the end of the layer")
      .one_of(act_names())
      .show_default()
      .needs(kernel);
}

}  // namespace

void add_bench(const Command& app, int& exit_code) {
  auto command = std::make_shared<BenchCommand>();
  const Command sub = app.add_command(
      "bench", "Measure the speed of networks or of one layer, as a share of this machine's peak");
  sub.add_option("--model", command->model, "Measure this network: " + model_names() + " (default: several)")
      .type_name("NAME");
  add_size_option(sub, command->size);
  sub.add_option("--batch", command->batch, "Run this many images at a time").range(1, 65536).show_default();
  sub.add_option("--threads", command->threads, "Run each network on this many threads")
      .range(1, 1024)
      .show_default();
  add_isa_option(sub, command->isa);
  sub.add_option("--seconds", command->seconds,
                 "Measure for this many seconds, all rows together (default: 60, of --kernel 4)")
      .range(0.0, 86400.0);
  sub.add_option("--label", command->label,
                 "Measure `label` instead: embed and label this many aligned faces, without reading images")
      .type_name("FACES")
      .range(std::size_t{1}, std::size_t{100'000'000});
  add_kernel_options(sub, command->kernel);
  sub.add_flag("--json", command->json, "Print a JSON array of rows instead of a table");
  sub.footer(
      "The weights are random, which does not change the time.\n\n"
      "Example:\n"
      "  tinyfiqa bench --model tinyfqnet --seconds 2\n"
      "  tinyfiqa bench --label 10000 --threads 2\n"
      "  tinyfiqa bench --kernel gemm --shape 38x26x40 --out 240 --act hswish\n"
      "  tinyfiqa bench --kernel depthwise --shape 75x52x72 --window 5 --stride 2");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
