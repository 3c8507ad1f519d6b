#include "jobs/training/baseline_training.hpp"

#include <tinyfiqa/baselines/rank_svm.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "decoders/photo.hpp"
#include "jobs/faces/table_faces.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/scoring/learned_baseline.hpp"
#include "options/model_options.hpp"

#include <libsvm/svm.h>

#include <algorithm>
#include <cmath>

using namespace tinyfiqa;

namespace {

using Options = BaselineTrainingOptions;

/// Prints how well the baseline ranks the faces that it was trained with.
void report_fit(const std::vector<double>& predicted, const std::vector<double>& labels) {
  const auto fit = compute_metrics({predicted.data(), predicted.size()}, {labels.data(), labels.size()});
  if (fit) print_note("Spearman correlation on the training faces: " + std::to_string(fit->srcc));
}

/// A problem in the format of libsvm: rows of (index from 1, value), each ended by index -1.
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

/// Fits embeddings x [N, columns] to their labels.
SvmQuality fit_svm(const std::vector<float>& x, std::size_t columns, std::vector<double> labels,
                   const Options& o) {
  svm_parameter p = {};
  p.svm_type = EPSILON_SVR;
  p.kernel_type = RBF;
  p.gamma = o.gamma;
  p.C = o.cost > 0 ? o.cost : 1;
  p.p = o.tube;
  p.eps = 1e-3;
  p.cache_size = 200;
  p.shrinking = 1;
  svm_set_print_string_function([](const char*) {});
  SvmRows rows(x, columns);
  const svm_problem problem = rows.problem(labels);
  svm_model* model = svm_train(&problem, &p);
  SvmQuality svm;
  svm.dimension = columns;
  svm.gamma = o.gamma;
  svm.bias = -model->rho[0];
  for (int i = 0; i < model->l; ++i) {
    svm.weights.push_back(static_cast<float>(model->sv_coef[0][i]));
    const float* row = x.data() + static_cast<std::size_t>(model->sv_indices[i] - 1) * columns;
    svm.vectors.insert(svm.vectors.end(), row, row + columns);
  }
  svm_free_and_destroy_model(&model);
  return svm;
}

/// Embeddings and labels of the usable faces.
struct SvmData {
  std::vector<float> x;  ///< [N, dimension], not normalised
  std::vector<double> labels;
  double mean_length = 0;  ///< of the embeddings
};

Result<SvmData> make_svm_data(const Dataset& set, const FaceEmbeddings& faces) {
  const std::size_t d = faces.rows.dimension();
  SvmData data;
  double length = 0;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    if (!faces.problem(set, i).empty()) continue;
    std::vector<float> row(d);
    faces.rows.read(i, row.data());
    data.x.insert(data.x.end(), row.begin(), row.end());
    length += normalise({row.data(), d});
    data.labels.push_back(set.samples[i].score);
  }
  if (data.labels.size() < 2 || !(length > 0))
    return Status::error(Errc::bad_argument, set.path, ": fewer than two faces with an embedding; add faces");
  data.mean_length = length / static_cast<double>(data.labels.size());
  return data;
}

Status train_svm(DataTable& table, const Options& o) {
  if (o.embed.recogniser.empty())
    return Status::error(Errc::bad_argument,
                         "--method svm needs a recogniser: --recogniser mobilefacenet.safetensors");
  const auto backend = backend_option(o.embed.isa);
  if (!backend) return backend.status();
  const auto file = read_tensors(o.embed.recogniser);
  if (!file) return file.status();
  const auto model = make_model(*file, "", **backend);
  if (!model) return model.status();
  const auto faces = embed_faces(o.data, o.embed, table);
  if (!faces) return faces.status();
  const Dataset& set = table.data;
  print_faceless(set);
  const auto data = make_svm_data(set, *faces);
  if (!data) return data.status();
  std::vector<float> scaled;  // the mean length is then 1
  for (const float v : data->x) scaled.push_back(static_cast<float>(double{v} / data->mean_length));
  SvmQuality svm = fit_svm(scaled, faces->rows.dimension(), data->labels, o);
  if (svm.weights.empty())
    return Status::error(Errc::bad_argument, set.path,
                         ": the labels differ by less than --tube, so there is nothing to learn");
  svm.scale = data->mean_length;
  std::vector<double> predicted;
  for (std::size_t i = 0; i < data->labels.size(); ++i)
    predicted.push_back(svm(data->x.data() + i * faces->rows.dimension()));
  print_note(std::to_string(svm.weights.size()) + " of " + std::to_string(data->labels.size()) +
             " faces are support vectors");
  report_fit(predicted, data->labels);
  return write_svm(o.out, svm, *file, model->spec().name);
}

/// Shifts and scales each column to mean 0 and standard deviation 1 / sqrt(columns), so that rows have a
/// length of about 1. Returns the shifts and scales.
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
    // Scaling a column that hardly varies would amplify its noise.
    rank.scale[k] = deviation > 1e-6
                        ? static_cast<float>(1 / (deviation * std::sqrt(static_cast<double>(columns))))
                        : 0.0f;
    for (std::size_t i = 0; i < rows; ++i)
      x[i * columns + k] = (x[i * columns + k] - rank.mean[k]) * rank.scale[k];
  }
  return rank;
}

/// Learns a ranking of the rows of x [N, columns]. `stream` selects the random numbers that draw the pairs.
LinearRank learn_rank(const std::vector<float>& x, std::size_t columns, const std::vector<double>& labels,
                      std::uint64_t stream, const Options& o) {
  std::vector<float> standard = x;
  LinearRank result = standardise(standard, columns);
  RankOptions options;
  options.cost = o.cost > 0 ? o.cost : 300;
  options.seed = o.seed;
  const auto pairs = draw_rank_pairs(labels, o.pairs, o.gap, Rng(o.seed, stream));
  const auto w = train_rank_svm(standard, columns, pairs, options);
  std::transform(w.begin(), w.end(), result.weight.begin(), [](double v) { return static_cast<float>(v); });
  return result;
}

/// For each face, the four features one after the other; empty if the image can't be used.
std::vector<std::vector<float>> all_features(const Dataset& set, int threads) {
  std::vector<std::vector<float>> all;
  std::vector<SpectralDescriptors> workers(static_cast<std::size_t>(threads));
  Progress progress(set.samples.size(), "faces");
  const auto work = [&](SpectralDescriptors& spectral, std::size_t i) {
    std::vector<float> features;
    const auto image = read_photo(set.samples[i].file);
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

/// Sets the range 0..100 to the 1st and 99th percentile of the predictions. Errors: bad_argument if it
/// is empty.
Status set_range(RqsQuality& rqs, std::vector<double> predicted, const std::string& path) {
  std::sort(predicted.begin(), predicted.end());
  rqs.low = predicted[predicted.size() / 100];
  rqs.high = predicted[predicted.size() - 1 - predicted.size() / 100];
  if (rqs.high > rqs.low) return {};
  return Status::error(Errc::bad_argument, path, ": all faces get the same rank; give different images");
}

Status train_rqs(DataTable& table, const Options& o) {
  const TableSearch search{o.data, o.embed.isa, o.embed.threads};
  if (const Status s = find_table_faces(search, true, table.table, table.data); !s) return s;
  if (const Status s = leave_out_faceless(table.data); !s) return s;
  const Dataset& set = table.data;
  const auto all = all_features(set, thread_count(o.embed.threads));
  std::vector<double> labels;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].empty()) labels.push_back(set.samples[i].score);
  if (draw_rank_pairs(labels, 1, o.gap, Rng(o.seed)).empty())
    return Status::error(Errc::bad_argument, set.path,
                         ": no two faces have labels that differ by --gap or more");
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
    rqs.first[f] = learn_rank(x, columns, labels, f, o);
    for (std::size_t i = 0; i < labels.size(); ++i) ranks[i][f] = rqs.first[f](x.data() + i * columns);
    first += columns;
  }
  std::vector<float> x;
  for (const auto& r : ranks) {
    const auto row = second_level(r);
    x.insert(x.end(), row.begin(), row.end());
  }
  rqs.second = learn_rank(x, second_level({}).size(), labels, rqs_features.size(), o);
  std::vector<double> predicted;
  for (const auto& r : ranks) predicted.push_back(rqs.second(second_level(r).data()));
  report_fit(predicted, labels);
  if (const Status s = set_range(rqs, std::move(predicted), set.path); !s) return s;
  return write_rqs(o.out, rqs);
}

}  // namespace

Status train_baseline(const BaselineTrainingOptions& options) {
  if (const Status s = check_output_file(options.out); !s) return s;
  const bool svm = options.method == "svm";
  if (const Status s = svm ? options.embed.check_output() : Status(); !s) return s;
  auto set = read_data(options.data);
  if (!set) return set.status();
  return svm ? train_svm(*set, options) : train_rqs(*set, options);
}
