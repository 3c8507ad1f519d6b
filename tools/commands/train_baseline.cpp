// tinyfiqa train-baseline: the learned baselines of P2 from labelled faces.
#include "commands/commands.hpp"
#include "jobs/embed_run.hpp"
#include "jobs/learned_baseline.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/progress.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/baselines/rank_svm.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/formats/weights.hpp>

#include <libsvm/svm.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace tinyfiqa;

namespace {

struct TrainBaselineCommand {
  DataOptions data;
  EmbedOptions embed;
  std::string method, out;
  double cost = 0, gamma = 1, tube = 0.05, gap = 0.1;
  std::size_t pairs = 20000;
  std::uint64_t seed = 1;

  int run();

 private:
  Status train_svm(const Dataset& set);
  Status train_rqs(const Dataset& set);
  LinearRank rank(const std::vector<float>& x, std::size_t columns, const std::vector<double>& labels,
                  std::uint64_t stream) const;
};

void report_fit(const std::vector<double>& predicted, const std::vector<double>& labels) {
  const auto fit = compute_metrics({predicted.data(), predicted.size()}, {labels.data(), labels.size()});
  if (fit) print_note("Spearman on the faces it was trained with: " + std::to_string(fit->srcc));
}

/// libsvm's own form of a problem: rows of (index from 1, value), closed by index -1.
class SvmRows {
 public:
  SvmRows(const std::vector<float>& x, std::size_t columns) : nodes_(x.size() / columns * (columns + 1)) {
    for (std::size_t row = 0; row < x.size() / columns; ++row) {
      svm_node* to = nodes_.data() + row * (columns + 1);
      for (std::size_t k = 0; k < columns; ++k)
        to[k] = {static_cast<int>(k + 1), double{x[row * columns + k]}};
      to[columns] = {-1, 0};
      rows_.push_back(to);
    }
  }
  svm_problem problem(std::vector<double>& labels) {
    return {static_cast<int>(rows_.size()), labels.data(), rows_.data()};
  }

 private:
  std::vector<svm_node> nodes_;
  std::vector<svm_node*> rows_;
};

SvmQuality fit_svm(const std::vector<float>& x, std::size_t columns, std::vector<double> labels, double cost,
                   double gamma, double tube) {
  svm_parameter p = {};
  p.svm_type = EPSILON_SVR;
  p.kernel_type = RBF;
  p.gamma = gamma;
  p.C = cost;
  p.p = tube;
  p.eps = 1e-3;
  p.cache_size = 200;
  p.shrinking = 1;
  svm_set_print_string_function([](const char*) {});
  SvmRows rows(x, columns);
  const svm_problem problem = rows.problem(labels);
  svm_model* model = svm_train(&problem, &p);
  SvmQuality svm;
  svm.dimension = columns;
  svm.gamma = gamma;
  svm.bias = -model->rho[0];
  for (int i = 0; i < model->l; ++i) {
    svm.weights.push_back(static_cast<float>(model->sv_coef[0][i]));
    const float* row = x.data() + static_cast<std::size_t>(model->sv_indices[i] - 1) * columns;
    svm.vectors.insert(svm.vectors.end(), row, row + columns);
  }
  svm_free_and_destroy_model(&model);
  return svm;
}

Status TrainBaselineCommand::train_svm(const Dataset& set) {
  if (embed.recogniser.empty())
    return Status::error(Errc::bad_argument,
                         "--method svm needs a recogniser: --recogniser mobilefacenet.safetensors");
  const auto backend = backend_option(embed.isa);
  if (!backend) return backend.status();
  const auto file = read_tensors(embed.recogniser);
  if (!file) return file.status();
  const auto model = make_model(*file, "", **backend);
  if (!model) return model.status();
  const auto faces = embed_faces(set, embed);
  if (!faces) return faces.status();
  const std::size_t d = faces->dimension;
  std::vector<float> x;
  std::vector<double> labels;
  double length = 0;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    if (!faces->problems[i].empty()) continue;
    std::vector<float> row(faces->raw.begin() + static_cast<std::ptrdiff_t>(i * d),
                           faces->raw.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
    x.insert(x.end(), row.begin(), row.end());
    length += normalise({row.data(), d});
    labels.push_back(set.samples[i].score);
  }
  if (labels.size() < 2 || !(length > 0))
    return Status::error(Errc::bad_argument, data.csv, ": fewer than two faces with an embedding");
  const double scale = length / static_cast<double>(labels.size());  // lengths are then about 1
  std::vector<float> scaled;
  for (const float v : x) scaled.push_back(static_cast<float>(double{v} / scale));
  SvmQuality svm = fit_svm(scaled, d, labels, cost > 0 ? cost : 1, gamma, tube);
  if (svm.weights.empty())
    return Status::error(Errc::bad_argument, data.csv,
                         ": the labels differ by less than --tube, so there is nothing to learn");
  svm.scale = scale;
  std::vector<double> predicted;
  for (std::size_t i = 0; i < labels.size(); ++i) predicted.push_back(svm(x.data() + i * d));
  print_note(std::to_string(svm.weights.size()) + " of " + std::to_string(labels.size()) +
             " faces are support vectors");
  report_fit(predicted, labels);
  return write_svm(out, svm, *file, model->spec().name);
}

/// Each column to mean 0 and deviation 1 over the root of their number, so that rows have about length 1.
LinearRank standardise(std::vector<float>& x, std::size_t columns) {
  const std::size_t rows = x.size() / columns;
  LinearRank rank{std::vector<float>(columns), std::vector<float>(columns), std::vector<float>(columns)};
  for (std::size_t k = 0; k < columns; ++k) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += double{x[i * columns + k]};
    const double mean = sum / static_cast<double>(rows);
    for (std::size_t i = 0; i < rows; ++i)
      squares += (double{x[i * columns + k]} - mean) * (double{x[i * columns + k]} - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(rows));
    rank.mean[k] = static_cast<float>(mean);
    // A column that (nearly) never changes says nothing, and would say much of noise if it were stretched.
    rank.scale[k] = deviation > 1e-6
                        ? static_cast<float>(1 / (deviation * std::sqrt(static_cast<double>(columns))))
                        : 0.0f;
    for (std::size_t i = 0; i < rows; ++i)
      x[i * columns + k] = (x[i * columns + k] - rank.mean[k]) * rank.scale[k];
  }
  return rank;
}

LinearRank TrainBaselineCommand::rank(const std::vector<float>& x, std::size_t columns,
                                      const std::vector<double>& labels, std::uint64_t stream) const {
  std::vector<float> standard = x;
  LinearRank result = standardise(standard, columns);
  RankOptions options;
  options.cost = cost > 0 ? cost : 300;
  options.seed = seed;
  const auto w =
      train_rank_svm(standard, columns, draw_rank_pairs(labels, pairs, gap, Rng(seed, stream)), options);
  std::transform(w.begin(), w.end(), result.weight.begin(), [](double v) { return static_cast<float>(v); });
  return result;
}

/// Per face, the four features one after the other; empty where the picture can't be used.
std::vector<std::vector<float>> all_features(const Dataset& set, int threads) {
  std::vector<std::vector<float>> all;
  std::vector<SpectralDescriptors> workers(static_cast<std::size_t>(threads));
  Progress progress(set.samples.size(), "faces");
  const auto work = [&](SpectralDescriptors& spectral, std::size_t i) {
    std::vector<float> features;
    const auto image = read_image(set.samples[i].file);
    if (!image) return features;
    const auto grey = descriptor_face(*image, set.samples[i].crop);
    if (!grey) return features;
    for (std::size_t f = 0; f < rqs_features.size(); ++f) {
      const auto part = rqs_feature(f, *grey, spectral);
      features.insert(features.end(), part.begin(), part.end());
    }
    return features;
  };
  OrderedRun<std::vector<float>>(set.samples.size())
      .start(workers, work, [&](std::size_t i, std::vector<float> row) {
        all.push_back(std::move(row));
        progress.show(i + 1);
      });
  return all;
}

Status TrainBaselineCommand::train_rqs(const Dataset& set) {
  const auto all = all_features(set, embed.thread_count());
  std::vector<double> labels;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].empty()) labels.push_back(set.samples[i].score);
  if (draw_rank_pairs(labels, 1, gap, Rng(seed)).empty())
    return Status::error(Errc::bad_argument, data.csv, ": no two faces whose labels differ by --gap or more");
  RqsQuality rqs;
  SpectralDescriptors spectral;
  const std::vector<float> black(descriptor_side * descriptor_side);
  std::vector<std::array<double, rqs_features.size()>> ranks(labels.size());
  std::size_t first = 0;
  for (std::size_t f = 0; f < rqs_features.size(); ++f) {
    const std::size_t columns = rqs_feature(f, black, spectral).size();
    std::vector<float> x;
    for (const auto& row : all)
      if (!row.empty()) x.insert(x.end(), row.data() + first, row.data() + first + columns);
    rqs.first[f] = rank(x, columns, labels, f);
    for (std::size_t i = 0; i < labels.size(); ++i) ranks[i][f] = rqs.first[f](x.data() + i * columns);
    first += columns;
  }
  std::vector<float> x;
  for (const auto& r : ranks) {
    const auto row = second_level(r);
    x.insert(x.end(), row.begin(), row.end());
  }
  rqs.second = rank(x, second_level({}).size(), labels, rqs_features.size());
  std::vector<double> predicted;
  for (const auto& r : ranks) predicted.push_back(rqs.second(second_level(r).data()));
  report_fit(predicted, labels);
  std::sort(predicted.begin(), predicted.end());
  rqs.low = predicted[predicted.size() / 100];
  rqs.high = predicted[predicted.size() - 1 - predicted.size() / 100];
  if (!(rqs.high > rqs.low))
    return Status::error(Errc::bad_argument, data.csv,
                         ": all faces get the same rank; are they one picture?");
  return write_rqs(out, rqs);
}

int TrainBaselineCommand::run() {
  const auto set = read_data(data);
  Status status = set.status();
  if (status) status = check_writable(out);
  if (status) status = method == "svm" ? train_svm(*set) : train_rqs(*set);
  if (status) return exit_done;
  print_error(status);
  return status.code() == Errc::cannot_write ? exit_some_failed : exit_usage;
}

}  // namespace

void add_train_baseline(const Command& app, int& exit_code) {
  auto command = std::make_shared<TrainBaselineCommand>();
  const Command sub =
      app.add_command("train-baseline", "The learned baselines SVM and RQS, from labelled faces");
  sub.add_option(
         "--method", command->method,
         "svm: support vector regression on a recogniser's embedding; rqs: ranking by HoG, LBP, Gabor "
         "and Gist")
      .one_of({"svm", "rqs"})
      .required();
  command->data.add_to(sub);
  command->embed.add_to(sub);
  sub.add_option("--out", command->out, "The file, for --weights and verify-eval --quality")
      .type_name("FILE.safetensors")
      .required();
  sub.add_option("--cost", command->cost, "Price of errors; default: svm 1, rqs 300").range(1e-6, 1e9);
  sub.add_option("--gamma", command->gamma, "svm: of its radial kernel, for embeddings of mean length 1")
      .range(1e-6, 1e6)
      .show_default();
  sub.add_option("--tube", command->tube, "svm: errors up to this are none").range(0.0, 1e6).show_default();
  sub.add_option("--pairs", command->pairs, "rqs: pairs to learn from, for each level")
      .range(1, 10'000'000)
      .show_default();
  sub.add_option("--gap", command->gap, "rqs: a pair's labels differ by this or more")
      .range(0.0, 1e6)
      .show_default();
  sub.add_option("--seed", command->seed, "rqs: of the pairs and their order").show_default();
  sub.footer(
      "The file of an svm holds the recogniser and embeddings of faces it was trained with: keep it as you "
      "keep\n"
      "them.\n"
      "Exit status: 0 done, 1 nothing could be written, 2 wrong usage or unusable data.\n\n"
      "Example:\n  tinyfiqa train-baseline --method rqs --data examples/faces/labels.csv --out "
      "/tmp/rqs.safetensors\n"
      "  tinyfiqa score examples/faces --weights /tmp/rqs.safetensors");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
