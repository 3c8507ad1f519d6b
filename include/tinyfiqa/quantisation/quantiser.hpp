// Makes an 8-bit network of a trained one: ranges over images, weights of 7 bits, corrected biases, and how far each layer is
// from the floats.
#pragma once

#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quantisation/equalisation.hpp>
#include <tinyfiqa/quantisation/level_search.hpp>
#include <tinyfiqa/quantisation/ranges.hpp>
#include <tinyfiqa/quantisation/rounding.hpp>
#include <tinyfiqa/runtime/large_array.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// How far the levels of a value are from its floats, over all images.
struct ValueError {
  double signal = 0, noise = 0;  ///< sums of squares
  std::vector<double> shift;     ///< for each channel, the sum of what the levels are too small by
  long long pixels = 0;

  /// Decibels; the larger, the better.
  double signal_to_noise() const { return noise > 0 ? 10 * std::log10(signal / noise) : 200.0; }
};

struct QuantiseOptions {
  RangeRule rule = RangeRule::square_error;
  bool finer_channels = false;  ///< channels of small range get finer levels (equalising_factors())
  bool fit_rounding = true;     ///< false: each weight goes to its nearest step
  bool correct_biases = true;
  std::vector<std::string> float_layers;  ///< layers whose outputs stay floats, by PyTorch's names
  /// Called by quantise() after each layer whose rounding was fitted, which takes most of its time.
  std::function<void(int done, int all)> on_layer;
  /// The same for each value whose levels were searched (RangeRule::output_error), which happens before.
  std::function<void(int done, int all)> on_search;
};

/// Give it images with add(), all before the first quantise(). The model must outlive it.
class Quantiser {
 public:
  /// Errors: bad_argument for a network that reads no images of three channels, that has levels already, that keeps no
  /// parameters (Use::run), or that has no layer of a name; those of Session::create().
  static Result<Quantiser> create(const Model& model, int height, int width, QuantiseOptions options = {}) {
    Quantiser q(model, std::move(options));
    if (model.has_levels())
      return Status::error(Errc::bad_argument, model.spec().name,
                           " has 8-bit maps already; give the floats that it was made of");
    if (model.block().size == 0)
      return Status::error(Errc::bad_argument, model.spec().name,
                           " keeps no parameters; load it with Use::change");
    const NetworkDefinition& network = model.network();
    std::vector<bool> floats(network.ops.size());
    for (const std::string& layer : q.options_.float_layers) {
      bool found = false;
      for (std::size_t id = 0; id < floats.size(); ++id)
        if (operation_name(network, static_cast<int>(id)) == layer) floats[id] = found = true;
      if (!found) return Status::error(Errc::bad_argument, model.spec().name, " has no layer '", layer, "'");
    }
    const auto outputs = output_values(network);
    q.values_ =
        choose_levels(network.operations(), Span<const int>(outputs->data(), outputs->size()), floats);
    if (!q.values_.levels[0])
      return Status::error(Errc::bad_argument, model.spec().name,
                           " can't read images as levels: its first layer has no kernel for 8 bits");
    q.height_ = height;
    q.width_ = width;
    if (const Status status = q.floats_.plan(model, q.size(1)); !status) return status;
    return q;
  }

  /// Takes part in the ranges: levels [height, width, 3] of a face as the network sees it. An image of another size is left
  /// out, and quantise() then returns an error.
  void add(const std::vector<unsigned char>& levels) {
    if (levels.size() != image_bytes()) {
      wrong_size_ = true;
      return;
    }
    images_.insert(images_.end(), levels.begin(), levels.end());
  }
  int images() const { return static_cast<int>(images_.size() / image_bytes()); }

  /// The 8-bit network. Errors: bad_argument without images or for one of a wrong size; those of Session::create().
  Result<Model> quantise() {
    if (images_.empty())
      return Status::error(Errc::bad_argument, model_->spec().name, ": no images to measure ranges with");
    if (wrong_size_)
      return Status::error(Errc::bad_argument, model_->spec().name, ": an image does not have ", height_, "x",
                           width_, " pixels of three levels");
    const NetworkDefinition& network = model_->network();
    Model whole(*model_);
    ChannelNumbers factors;
    if (options_.finer_channels) {
      ChannelNumbers maxima(network.ops.size());
      if (const Status status =
              run_floats([&](const Plan& p, const Frame& f) { record_maxima(p, f, maxima); });
          !status)
        return status;
      factors = equalising_factors(network, values_, maxima, model_->block());
    }
    std::vector<ValueHistogram> histograms(network.ops.size());
    if (const Status status =
            run_floats([&](const Plan& p, const Frame& f) { record_values(p, f, histograms, factors); });
        !status)
      return status;
    LevelChoice choice{levels_of_values(network.operations(), values_, histograms, options_.rule), factors};
    if (options_.rule == RangeRule::output_error)
      if (const Status status = search_levels(choice); !status) return status;
    if (options_.finer_channels) {
      whole.add_level_factors();
      for (std::size_t id = 0; id < choice.factors.size(); ++id)
        std::copy(choice.factors[id].begin(), choice.factors[id].end(),
                  whole.block().data + whole.network().ops[id].level_factors);
    }
    set_levels(whole.operations(), values_, choice.levels);
    if (const Status status = fit_layers(whole); !status) return status;
    round_weights(whole.network(), whole.input().levels, whole.block());  // of layers that were not fitted
    if (options_.correct_biases)
      if (const Status status = correct_output(whole); !status) return status;
    whole.pack();
    if (const Status status = measure(whole); !status) return status;
    return whole;
  }
  /// Measures errors() with a network of quantise() whose weights changed since then. Errors: those of Session::create().
  Status measure(const Model& whole) {
    if (const Status status = floats_.plan(*model_, size(1)); !status) return status;
    if (const Status status = whole_.plan(whole, size(1)); !status) return status;
    errors_.assign(model_->network().ops.size(), ValueError());
    for (int i = 0; i < images(); ++i)
      run_both(image(i), [&](const Step& s, const Frame& frame, const Step& f, const float* floats) {
        add_error(s, frame.read<std::uint8_t>(s.y), factors_of(whole, s.op), floats, f.y.pixel_stride,
                  errors_[static_cast<std::size_t>(s.op)]);
      });
    return {};
  }
  /// The errors of the last quantise() or measure(), by operation; without pixels where there are none to compare.
  const std::vector<ValueError>& errors() const { return errors_; }

 private:
  /// A plan in which every value is in memory after its step.
  struct Planned {
    OwnedPlan owned;
    LargeArray<unsigned char> arena, packed;
    std::vector<float> workspace;
    std::vector<std::vector<float>> outputs;  ///< of all that need no request
    const Model* model = nullptr;

    Status plan(const Model& of, Extents size) {
      model = &of;
      const auto values = output_values(of.network());
      PlanRequest request;
      request.ops = of.network().operations();
      request.outputs = Span<const int>(values->data(), values->size());
      request.input = size;
      request.levels = &of.input().levels;
      request.chains = request.fuse = false;
      remake_plan(request, of.backend(), owned);
      if (!owned.plan.ok())
        return Status::error(Errc::bad_argument, of.spec().name, ": ",
                             plan_error_text(owned.plan.problem, request.ops));
      arena = LargeArray<unsigned char>(owned.plan.arena_bytes);
      packed = LargeArray<unsigned char>(owned.plan.packed_bytes);
      workspace.resize(pack_workspace_floats(owned.plan, request.ops));
      pack_weights(owned.plan, request.ops, of.backend(), of.block().data, workspace.data(), packed.data());
      outputs.resize(values->size());
      for (std::size_t i = 0; i < outputs.size(); ++i)
        outputs[i].resize(static_cast<std::size_t>(owned.plan.outputs[i].floats()));
      return {};
    }
    /// Packs a step again, after a change of the model's parameters.
    void pack(const Step& s) {
      BlockParams source(model->block().data);
      pack_step(s, model->network().operations(), model->backend(), source, workspace.data(), packed.data());
    }
    template <class Body>
    void run(const unsigned char* levels, const Body& body) {
      const FlushSubnormals flush;
      std::vector<void*> pointers;
      for (std::vector<float>& output : outputs) pointers.push_back(output.data());
      Frame f;
      f.arena = arena.data();
      f.packed = packed.data();
      f.input = levels;
      f.outputs = pointers.data();
      body(owned.plan, f);
    }
  };

  Quantiser(const Model& model, QuantiseOptions options) : model_(&model), options_(std::move(options)) {}

  const unsigned char* image(int i) const {
    return images_.data() + static_cast<std::size_t>(i) * image_bytes();
  }
  Extents size(int n) const { return {n, height_, width_, 0}; }
  std::size_t image_bytes() const {
    return static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * 3;
  }

  /// Calls body(plan, frame) for each image with the plan of the floats.
  template <class Body>
  Status run_floats(const Body& body) {
    if (const Status status = floats_.plan(*model_, size(1)); !status) return status;
    for (int i = 0; i < images(); ++i) floats_.run(image(i), body);
    return {};
  }

  /// RangeRule::output_error: improves the levels and factors that the other rules found.
  Status search_levels(LevelChoice& choice) {
    const NetworkDefinition& network = model_->network();
    ChannelExtremes extremes{ChannelNumbers(network.ops.size()), ChannelNumbers(network.ops.size())};
    if (const Status status =
            run_floats([&](const Plan& p, const Frame& f) { record_extremes(p, f, extremes); });
        !status)
      return status;
    std::vector<std::vector<int>> free;
    if (options_.finer_channels) free = free_factors(network, values_);
    std::vector<float> outputs;
    const auto run = [&](const LevelSearch::Change& change, const auto& take) {
      const int n = std::min(images(), most_searched);
      for (int i = 0; i < n; ++i) {
        floats_.run(image(static_cast<int>(static_cast<long long>(i) * images() / n)),
                    [&](const Plan& plan, const Frame& frame) {
                      for (int k = 0; k < plan.step_count; ++k) {
                        const Step& s = plan.steps[k];
                        s.run(s, frame);
                        if (change && values_.levels[static_cast<std::size_t>(s.op)])
                          change(s, frame.write<float>(s.y));
                      }
                    });
        outputs.clear();
        for (const std::vector<float>& output : floats_.outputs)
          outputs.insert(outputs.end(), output.begin(), output.end());
        if (!take(Span<const float>(outputs.data(), outputs.size()))) return;
      }
    };
    LevelSearch(network, values_, extremes, std::move(free), run).improve(choice, options_.on_search);
    return {};
  }

  /// Runs the steps of both plans in turns, so that the values of an operation are in memory at the same time, and calls
  /// body(step, frame, float step, floats) for each value that is levels.
  template <class Body>
  void run_both(const unsigned char* images, const Body& body) {
    floats_.run(images, [&](const Plan& floats, const Frame& ff) {
      whole_.run(images, [&](const Plan& whole, const Frame& wf) {
        int at = 0;
        for (int i = 0; i < whole.step_count; ++i) {
          const Step& s = whole.steps[i];
          s.run(s, wf);
          if (s.y.dtype != DType::u8) continue;
          while (at < floats.step_count && floats.steps[at].op < s.op)
            floats.steps[at].run(floats.steps[at], ff), ++at;
          if (at == floats.step_count || floats.steps[at].op != s.op) continue;
          const Step& f = floats.steps[at++];
          f.run(f, ff);
          body(s, wf, f, ff.read<float>(f.y));
        }
      });
    });
  }
  /// Null for ones.
  static const float* factors_of(const Model& whole, int id) {
    const int at = whole.network().ops[static_cast<std::size_t>(id)].level_factors;
    return at < 0 ? nullptr : whole.block().data + at;
  }
  static void add_error(const Step& s, const std::uint8_t* levels, const float* factors, const float* floats,
                        int stride, ValueError& e) {
    const int c = s.y.extents.c;
    e.shift.resize(static_cast<std::size_t>(c));
    e.pixels += s.y.extents.pixels();
    for (long long p = 0; p < s.y.extents.pixels(); ++p)
      for (int i = 0; i < c; ++i) {
        const double x = static_cast<double>(floats[p * stride + i]);
        const double scale = static_cast<double>(s.y.quant.scale) *
                             (factors == nullptr ? 1.0 : static_cast<double>(factors[i]));
        const double d = x - scale * (levels[p * s.y.pixel_stride + i] - s.y.quant.zero);
        e.signal += x * x;
        e.noise += d * d;
        e.shift[static_cast<std::size_t>(i)] += d;
      }
  }

  /// Layer by layer over a batch of images, each behind the finished ones: rounds a convolution's weights so that its results
  /// change least, and adds what each channel is too small by on average to its bias (Nagel et al. 2019, section 4.2, measured
  /// on images). The biases of gates are left alone: their slope is not 1.
  Status fit_layers(Model& whole) {
    const std::size_t arena = std::max<std::size_t>(1, floats_.owned.plan.arena_bytes);
    const int most_images = static_cast<int>(std::max<std::size_t>(1, most_batch_bytes / arena));
    const int n = std::min(images(), std::min(most_images, 64));
    if (const Status status = floats_.plan(*model_, size(n)); !status) return status;
    if (const Status status = whole_.plan(whole, size(n)); !status) return status;
    const NetworkDefinition& network = whole.network();
    const auto fitted = [&](const Op& op) {
      return options_.fit_rounding && op.dtype == DType::u8 && detail::has_whole_weights(network, op);
    };
    const auto layers = static_cast<int>(std::count_if(network.ops.begin(), network.ops.end(), fitted));
    int done = 0;
    run_both(images_.data(), [&](const Step& s, const Frame& frame, const Step& f, const float* floats) {
      const Op& op = network.ops[static_cast<std::size_t>(s.op)];
      if (!detail::has_whole_weights(network, op)) return;
      if (options_.fit_rounding) {
        round_layer(whole, s, frame.read<std::uint8_t>(s.x));
        whole_.pack(s);
        s.run(s, frame);
        if (options_.on_layer) options_.on_layer(++done, layers);
      }
      const int bias = op.has_norm() ? op.norm_bias : op.bias;
      if (!options_.correct_biases || bias < 0 || op.act == Act::hsigmoid) return;
      ValueError e;
      add_error(s, frame.read<std::uint8_t>(s.y), factors_of(whole, s.op), floats, f.y.pixel_stride, e);
      for (int o = 0; o < op.channels; ++o)
        whole.block().data[bias + o] +=
            static_cast<float>(e.shift[static_cast<std::size_t>(o)] / static_cast<double>(e.pixels));
      whole_.pack(s);
      s.run(s, frame);
    });
    return {};
  }

  /// Adds to the bias of the last layer, which is in floats, what its outputs are too small by on average. For networks with
  /// one output of single numbers: the cells of a detector's maps are nearly all without a face, and must not change the others.
  Status correct_output(Model& whole) {
    const NetworkDefinition& network = whole.network();
    const Op& op = network.ops[static_cast<std::size_t>(network.outputs.main())];
    const bool straight = op.act == Act::none || op.act == Act::sigmoid;
    if (op.kind != OpKind::conv || op.dtype != DType::f32 || op.bias < 0 || op.has_norm() || !straight)
      return {};
    if (const Status status = floats_.plan(*model_, size(1)); !status) return status;
    if (const Status status = whole_.plan(whole, size(1)); !status) return status;
    const std::vector<float>&before = floats_.outputs[0], &after = whole_.outputs[0];
    if (floats_.outputs.size() != 1 || before.size() != static_cast<std::size_t>(op.channels)) return {};
    const auto run_all = [](const Plan& plan, const Frame& frame) {
      for (int i = 0; i < plan.step_count; ++i) plan.steps[i].run(plan.steps[i], frame);
    };
    std::vector<double> shift(before.size()), slope(before.size());
    for (int i = 0; i < images(); ++i) {
      floats_.run(image(i), run_all);
      whole_.run(image(i), run_all);
      for (std::size_t o = 0; o < shift.size(); ++o) {
        const auto y = static_cast<double>(before[o]);
        shift[o] += y - static_cast<double>(after[o]);
        slope[o] += op.act == Act::sigmoid ? y * (1 - y) : 1.0;
      }
    }
    for (std::size_t o = 0; o < shift.size(); ++o)
      if (slope[o] > 0)
        whole.block().data[static_cast<std::size_t>(op.bias) + o] += static_cast<float>(shift[o] / slope[o]);
    return {};
  }

  static void round_layer(Model& whole, const Step& s, const std::uint8_t* x) {
    const Op& op = whole.network().ops[static_cast<std::size_t>(s.first_op)];
    const Span<float> block = whole.block();
    detail::FoldedLayer layer = detail::fold_layer(
        whole.network(), s.first_op, Span<const float>(block.data, block.size), whole.input().levels);
    const auto depth = static_cast<std::size_t>(layer.depth);
    const int per_group = op.channels / op.groups;
    std::vector<double> moments, wanted(depth);
    std::vector<std::int8_t> rounded(depth);
    for (int o = 0; o < op.channels; ++o) {
      if (o % per_group == 0) moments = window_moments(s, x, o / per_group, most_windows);
      float* const weight = layer.weight.data() + static_cast<std::size_t>(o) * depth;
      const double scale = static_cast<double>(detail::short_scale(layer.scale[static_cast<std::size_t>(o)]));
      for (std::size_t i = 0; i < depth; ++i)
        wanted[i] = static_cast<double>(weight[i]) * layer.by(static_cast<int>(i)) / scale;
      round_by_moments(moments, wanted, rounded.data());
      for (std::size_t i = 0; i < depth; ++i)
        weight[i] = static_cast<float>(rounded[i] * scale / layer.by(static_cast<int>(i)));
    }
    detail::unfold_layer(whole.network(), op, layer, block);
  }

  static constexpr int most_windows = 2048, most_searched = 256;
  static constexpr std::size_t most_batch_bytes = std::size_t{400} << 20u;

  const Model* model_;
  QuantiseOptions options_;
  ValueLevels values_;
  Planned floats_, whole_;
  std::vector<unsigned char> images_;  ///< one behind the other
  int height_ = 0, width_ = 0;
  bool wrong_size_ = false;
  std::vector<ValueError> errors_;
};

TINYFIQA_END
