// Turns any bytes into a small network of random operations and sizes, plans it for every instruction set, runs it in
// memory that is poisoned, and compares with the formulas of kernels/reference. Some networks don't fit together: then
// every instruction set must refuse them with the same error, and the tape too.
#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>

#include "input.hpp"
#include "planned.hpp"
#include "ref_run.hpp"

using namespace tinyfiqa;

namespace {

constexpr int most_ops = 14;
constexpr int most_channels = 80;
constexpr double most_work = 5e5;  ///< multiply-adds of a network, so that thousands run in a second

/// The multiply-adds of an operation, roughly.
double work_of(const Op& op, const Extents& out) {
  const double reach = op.kind == OpKind::conv       ? op.in_channels / op.groups * op.window * op.window
                       : op.kind == OpKind::max_pool ? op.window * op.window
                                                     : 1;
  return static_cast<double>(out.floats()) * reach;
}

/// Writes a network from bytes, operation by operation. It knows the size of every value, so that most operations fit.
class NetworkWriter {
 public:
  explicit NetworkWriter(Input& input) : in_(input) {
    Op op;
    op.channels = image_ = in_.flip() ? 3 : in_.between(1, 40);
    size_ = {in_.between(1, 3), in_.between(1, 40), in_.between(1, 40), 0};
    definition.ops.clear();
    definition.ops.push_back(op);
    sizes_.push_back({size_.n, size_.h, size_.w, op.channels});
    const int count = in_.between(1, most_ops);
    while (static_cast<int>(definition.ops.size()) <= count && work_ < most_work) append();
    fill_params();
  }

  planned::Definition definition;
  Extents size() const { return size_; }
  /// Whether all operations fit their inputs.
  bool fits() const { return fits_; }

 private:
  void append() {
    Op op;
    op.kind = in_.one_of({OpKind::conv, OpKind::conv, OpKind::conv, OpKind::conv, OpKind::activation,
                          OpKind::max_pool, OpKind::mean_hw, OpKind::add, OpKind::scale, OpKind::concat,
                          OpKind::slice, OpKind::shuffle, OpKind::dropout, OpKind::upsample,
                          OpKind::add_upsampled});
    choose_inputs(op);
    const Extents& x = sizes_[static_cast<std::size_t>(op.inputs[0])];
    op.in_channels = op.channels = x.c;
    if (op.kind == OpKind::conv) make_conv(op);
    if (op.kind == OpKind::activation) op.act = in_.one_of(acts);
    if (op.kind == OpKind::max_pool) {
      op.window = in_.between(1, 4);
      op.stride = in_.between(1, 3);
      op.padding = in_.below(op.window / 2 + 1);
    }
    if (op.kind == OpKind::concat) {
      op.channels = 0;
      for (int i = 0; i < op.input_count(); ++i)
        op.channels += sizes_[static_cast<std::size_t>(op.inputs[i])].c;
    }
    if (op.kind == OpKind::slice) {
      op.first_channel = in_.below(x.c);
      op.channels = in_.between(1, x.c - op.first_channel);
    }
    if (op.kind == OpKind::shuffle) op.shuffle_groups = divisor_of(x.c);
    if (op.kind == OpKind::dropout) op.drop_probability = 0.5f;
    if (op.kind == OpKind::upsample) op.factor = in_.between(1, 3);
    take(op);
  }

  /// Mostly the last value; for a second input one of a suitable size, if there is one.
  void choose_inputs(Op& op) {
    const int last = static_cast<int>(sizes_.size()) - 1;
    op.inputs[0] = in_.below(3) > 0 ? last : in_.below(last + 1);
    const OpInfo& info = op_info(op.kind);
    const int inputs = op.kind == OpKind::concat ? in_.between(2, 4) : info.most_inputs;
    for (int i = 1; i < inputs; ++i) {
      const int first = in_.below(last + 1);
      const bool any = in_.below(64) == 0;  // now and then one that does not fit
      op.inputs[i] = first;
      for (int k = 0; k <= last && !any; ++k) {
        op.inputs[i] = (first + k) % (last + 1);
        if (goes_with(op, i)) break;
      }
    }
  }
  bool goes_with(const Op& op, int i) const {
    const Extents &a = sizes_[static_cast<std::size_t>(op.inputs[0])],
                  &b = sizes_[static_cast<std::size_t>(op.inputs[i])];
    const bool pixels = a.n == b.n && a.h == b.h && a.w == b.w;
    if (op.kind == OpKind::concat) return pixels && a.c + b.c <= most_channels;
    if (op.kind == OpKind::scale) return a.n == b.n && b.h == 1 && b.w == 1 && a.c == b.c;
    if (op.kind == OpKind::add_upsampled) return a.n == b.n && a.c == b.c && b.h <= a.h && b.w <= a.w;
    return pixels && a.c == b.c;
  }

  void make_conv(Op& op) {
    const int kind = in_.below(4);
    op.window = kind == 0 ? 1 : in_.one_of({1, 2, 3, 3, 3, 5, 7});
    op.stride = kind == 0 ? 1 : in_.one_of({1, 1, 2, 3});
    op.padding = kind == 0 ? 0 : in_.below(op.window / 2 + 1);
    op.channels = in_.between(1, in_.flip() ? 16 : most_channels);
    if (kind == 1) op.groups = op.channels = op.in_channels;
    if (kind == 2) {
      op.groups = divisor_of(op.in_channels);
      op.channels = op.groups * in_.between(1, std::max(1, 32 / op.groups));
    }
    op.weight = floats(op.channels * op.in_channels / op.groups * op.window * op.window);
    if (in_.flip()) {
      op.norm_weight = floats(op.channels);
      op.norm_bias = floats(op.channels);
      op.running_mean = floats(op.channels);
      op.running_var = floats(op.channels);
      op.norm_eps = 1e-5f;
    } else if (in_.flip()) {
      op.bias = floats(op.channels);
    }
    op.act = in_.one_of(acts);
    if (in_.below(8) == 0) {
      op.act = Act::prelu;
      op.fixed_slope = 0.1f;
      if (in_.flip()) op.slope = floats(op.channels);
    }
  }

  int divisor_of(int c) {
    int d = in_.between(1, c);
    while (c % d != 0) --d;
    return d;
  }
  int floats(int count) {
    const int offset = params_;
    params_ += count;
    return offset;
  }

  /// Appends the operation if it is small enough. Its size is known if it fits its inputs.
  void take(const Op& op) {
    Extents in[max_op_inputs];
    bool good = true;
    for (int i = 0; i < op.input_count(); ++i) {
      in[i] = sizes_[static_cast<std::size_t>(op.inputs[i])];
      good = good && (i == 0 || goes_with(op, i) || op.kind == OpKind::concat);
      if (op.kind == OpKind::concat)
        good = good && in[i].n == in[0].n && in[i].h == in[0].h && in[i].w == in[0].w;
    }
    const Extents out = good ? op_info(op.kind).shape(op, in) : Extents();
    good = good && out.n > 0;
    if (good && (out.c > most_channels || work_of(op, out) > most_work)) return void(work_ += most_work / 8);
    definition.ops.push_back(op);
    if (!good) {
      fits_ = false;
      work_ = most_work;  // the end
    }
    sizes_.push_back(out);
    work_ += good ? work_of(op, out) : 0;
  }

  void fill_params() {
    Rng rng(in_.byte());
    definition.params.resize(static_cast<std::size_t>(params_) + 1);
    for (float& v : definition.params) v = 0.2f * rng.normal();
    const auto around_one = [&](int offset, int count) {
      for (int i = 0; offset >= 0 && i < count; ++i)
        definition.params[static_cast<std::size_t>(offset + i)] = rng.uniform(0.5f, 1.5f);
    };
    for (const Op& op : definition.ops) {
      around_one(op.norm_weight, op.channels);
      around_one(op.running_var, op.channels);
      if (op.weight < 0) continue;
      const int reach = op.in_channels / op.groups * op.window * op.window;
      const float spread = std::sqrt(1.6f / static_cast<float>(reach));
      for (int i = 0; i < op.channels * reach; ++i)
        definition.params[static_cast<std::size_t>(op.weight + i)] = spread * rng.normal();
    }
  }

  static constexpr Act acts[] = {Act::none,     Act::relu,    Act::relu, Act::hswish,
                                 Act::hsigmoid, Act::sigmoid, Act::silu};
  Input& in_;
  std::vector<Extents> sizes_;
  Extents size_;
  int image_ = 3, params_ = 0;
  double work_ = 0;
  bool fits_ = true;
};

/// All values by the formulas, and the largest number among them.
std::vector<ref_run::Tensor> by_formulas(const planned::Definition& d, const ref_run::Tensor& input,
                                         double& largest) {
  std::vector<ref_run::Tensor> values;
  for (const Op& op : d.ops) {
    values.push_back(op.kind == OpKind::input ? input : ref_run::step(op, values, d.params.data()));
    for (const float v : values.back().floats) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  }
  return values;
}

/// The last value, and others.
std::vector<int> choose_outputs(Input& input, int count) {
  std::set<int> chosen{count - 1};
  for (int i = input.below(4); i > 0; --i) chosen.insert(input.below(count));
  return {chosen.begin(), chosen.end()};
}

Status tape_status(const planned::Definition& d, const std::vector<int>& outputs, Extents size) {
  Tape<double> tape(d.ops, outputs, 1, formulas::table<double>);
  return tape.prepare(size);
}

void check_refused(const planned::Definition& d, const std::vector<int>& outputs, Extents size) {
  PlanRequest request;
  request.ops = d.ops;
  request.outputs = outputs;
  request.input = size;
  for (const Backend* backend : compiled_backends()) {
    const PlanProblem problem = make_owned_plan(request, *backend).plan.problem;
    require(problem.error != PlanError::none && problem.op == static_cast<int>(d.ops.size()) - 1);
    require(!plan_error_text(problem, d.ops).empty());
  }
  require(!tape_status(d, outputs, size).ok());
}

void check_close(const std::vector<float>& got, const std::vector<float>& want, double largest) {
  require(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    require(std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i])) <= 1e-4 * largest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const NetworkWriter network(input);
  const planned::Definition& d = network.definition;
  const auto outputs = choose_outputs(input, static_cast<int>(d.ops.size()));
  const int threads = input.between(1, 3);
  if (!network.fits()) {
    check_refused(d, outputs, network.size());
    return 0;
  }
  Extents extents = network.size();
  extents.c = d.ops[0].channels;
  const std::uint64_t seed = input.byte();
  const bool from_levels = extents.c == 3 && input.flip();  // then the first steps run a few rows at a time
  auto x = planned::random_input(extents, seed);
  std::vector<unsigned char> levels(x.size());
  const LevelScale scale{{127.5f, 120.0f, 100.25f}, {1 / 64.0f, 1 / 60.0f, 1 / 50.0f}};
  Rng rng(seed);
  for (std::size_t i = 0; from_levels && i < x.size(); ++i) {
    levels[i] = static_cast<unsigned char>(rng.below(256));
    x[i] = (static_cast<float>(levels[i]) - scale.mean[i % 3]) * scale.scale[i % 3];
  }
  double largest = 1;
  const auto expected = by_formulas(d, {{extents.n, extents.h, extents.w, extents.c}, x}, largest);
  if (!(largest < 1e6)) return 0;
  for (const Backend* backend : compiled_backends()) {
    if (!cpu_can_run(backend->isa)) continue;
    planned::Planned p;
    planned::make(p, d, outputs, network.size(), *backend, threads, from_levels ? &scale : nullptr);
    require(p.plan.problem.error == PlanError::none);
    const auto results =
        from_levels ? planned::execute_all(p, levels, threads) : planned::execute_all(p, x, threads);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      check_close(results[i], expected[static_cast<std::size_t>(outputs[i])].floats, largest);
  }
  return 0;
}
