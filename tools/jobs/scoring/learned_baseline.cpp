#include "jobs/scoring/learned_baseline.hpp"

#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

using namespace tinyfiqa;

double SvmQuality::operator()(const float* embedding) const {
  double q = bias;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    double squares = 0;
    for (std::size_t k = 0; k < dimension; ++k) {
      const double d = double{embedding[k]} / scale - double{vectors[i * dimension + k]};
      squares += d * d;
    }
    q += double{weights[i]} * std::exp(-gamma * squares);
  }
  return q;
}

std::vector<float> rqs_feature(std::size_t which, const std::vector<float>& grey,
                               SpectralDescriptors& spectral) {
  switch (which) {
    case 0:
      return hog_features(grey);
    case 1:
      return lbp_features(grey);
    case 2:
      return spectral.gabor(grey);
    default:
      return spectral.gist(grey);
  }
}

double LinearRank::operator()(const float* x) const {
  double sum = 0;
  for (std::size_t k = 0; k < weight.size(); ++k)
    sum += double{weight[k]} * (double{x[k]} - double{mean[k]}) * double{scale[k]};
  return sum;
}

std::vector<float> second_level(const std::array<double, rqs_features.size()>& ranks) {
  std::vector<float> x;
  for (const double r : ranks) x.push_back(static_cast<float>(r));
  for (std::size_t i = 0; i < ranks.size(); ++i)
    for (std::size_t j = i; j < ranks.size(); ++j)
      x.push_back(static_cast<float>(ranks[i] * ranks[j] * (i == j ? 1.0 : std::sqrt(2.0))));
  return x;
}

double RqsQuality::operator()(const std::vector<float>& grey, SpectralDescriptors& spectral) const {
  std::array<double, rqs_features.size()> ranks = {};
  for (std::size_t f = 0; f < ranks.size(); ++f) ranks[f] = first[f](rqs_feature(f, grey, spectral).data());
  return 100 * (second(second_level(ranks).data()) - low) / (high - low);
}

Result<std::vector<float>> descriptor_face(const ImageView& image, const Crop& crop) {
  constexpr int side = static_cast<int>(descriptor_side);
  const auto face = crop_and_resize(image, crop, FaceCrop::aligned, side, side);
  if (!face) return face.status();
  return grey_levels(*face);
}

namespace {

constexpr const char* recogniser_prefix = "recogniser.";

/// The value of a key, or an empty text.
std::string metadata_of(const TensorFile& file, const char* key) {
  const std::string* value = find_metadata(file.metadata, key);
  return value == nullptr ? "" : *value;
}

/// Reads tensors by name and checks their sizes. Keeps the first error.
class TensorReader {
 public:
  explicit TensorReader(const TensorFile& file) : file_(file) {}
  Status status;

  /// Reads `count` numbers; 0 means any number of them.
  std::vector<float> floats(const std::string& name, std::size_t count = 0) {
    const TensorEntry* entry = file_.find(name);
    if (entry == nullptr) return fail(name, "is missing");
    auto values = read_floats(*entry);
    if (!values) return fail(name, values.status().message());
    if (values->empty() || (count != 0 && values->size() != count)) return fail(name, "has the wrong size");
    if (!std::all_of(values->begin(), values->end(), [](float v) { return std::isfinite(v); }))
      return fail(name, "holds a value that is not finite");
    return std::move(*values);
  }

 private:
  std::vector<float> fail(const std::string& name, const std::string& why) {
    if (status.ok())
      status = Status::error(Errc::mismatch, file_.path, ": damaged baseline: ", in_quotes(name), " ", why,
                             "; train it again");
    return {};
  }
  const TensorFile& file_;
};

LinearRank read_rank(TensorReader& reader, const std::string& name, std::size_t count) {
  return {reader.floats(name + ".mean", count), reader.floats(name + ".scale", count),
          reader.floats(name + ".weight", count)};
}

Result<RqsQuality> read_rqs(const TensorFile& file) {
  TensorReader reader(file);
  RqsQuality rqs;
  SpectralDescriptors spectral;
  const std::vector<float> grey(descriptor_side * descriptor_side);
  for (std::size_t f = 0; f < rqs_features.size(); ++f)
    rqs.first[f] = read_rank(reader, rqs_features[f], rqs_feature(f, grey, spectral).size());
  rqs.second = read_rank(reader, "second", second_level({}).size());
  const std::vector<float> range = reader.floats("range", 2);
  if (!reader.status.ok()) return reader.status;
  rqs.low = double{range[0]}, rqs.high = double{range[1]};
  if (!(rqs.high > rqs.low))
    return Status::error(Errc::mismatch, file.path, ": damaged baseline: its range is empty; train it again");
  return rqs;
}

Result<SvmQuality> read_svm(const TensorFile& file, std::size_t dimension) {
  TensorReader reader(file);
  SvmQuality svm;
  svm.dimension = dimension;
  svm.weights = reader.floats("svm.weights");
  svm.vectors = reader.floats("svm.vectors", svm.weights.size() * dimension);
  const std::vector<float> numbers = reader.floats("svm.scale_gamma_bias", 3);
  if (!reader.status.ok()) return reader.status;
  svm.scale = double{numbers[0]}, svm.gamma = double{numbers[1]}, svm.bias = double{numbers[2]};
  return svm;
}

/// The recogniser in the file, whose tensors have a prefix.
Result<Model> read_inner_recogniser(const TensorFile& file, const Backend& backend) {
  TensorFile inner;
  inner.path = file.path;
  for (const auto& owner : file.owners()) inner.keep(owner);
  const std::string prefix = recogniser_prefix;
  for (TensorEntry entry : file.entries()) {
    if (entry.name.compare(0, prefix.size(), prefix) != 0) continue;
    entry.name.erase(0, prefix.size());
    if (const Status s = inner.add(std::move(entry)); !s) return s;
  }
  return make_model(inner, metadata_of(file, "recogniser"), backend);
}

class SvmJudge : public FaceJudge {
 public:
  SvmJudge(Embedder embedder, std::shared_ptr<const SvmQuality> svm)
      : embedder_(std::move(embedder)), svm_(std::move(svm)) {}
  Result<Score> judge(const FaceInput& face) override {
    if (const Status s = embedder_.set(0, face.image, face.crop); !s) return s;
    return single_score("svm", (*svm_)(embedder_.run().data));
  }

 private:
  Embedder embedder_;
  std::shared_ptr<const SvmQuality> svm_;
};

class RqsJudge : public FaceJudge {
 public:
  explicit RqsJudge(std::shared_ptr<const RqsQuality> rqs) : rqs_(std::move(rqs)) {}
  Result<Score> judge(const FaceInput& face) override {
    const auto grey = descriptor_face(face.image, face.crop);
    if (!grey) return grey.status();
    return single_score("rqs", (*rqs_)(*grey, spectral_));
  }

 private:
  std::shared_ptr<const RqsQuality> rqs_;
  SpectralDescriptors spectral_;
};

FloatTensor tensor(const std::string& name, const std::vector<float>& values, std::int64_t columns = 0) {
  const auto count = static_cast<std::int64_t>(values.size());
  if (columns == 0) return {name, {count}, {values.data(), values.size()}};
  return {name, {count / columns, columns}, {values.data(), values.size()}};
}

}  // namespace

std::string learned_kind(const TensorFile& file) {
  const std::string kind = metadata_of(file, "baseline");
  return kind == "svm" || kind == "rqs" ? kind : "";
}

Result<LearnedBaseline> LearnedBaseline::read(const TensorFile& file, const Backend& backend) {
  LearnedBaseline baseline;
  baseline.kind_ = learned_kind(file);
  if (baseline.kind_ == "rqs") {
    auto rqs = read_rqs(file);
    if (!rqs) return rqs.status();
    baseline.rqs_ = std::make_shared<const RqsQuality>(std::move(*rqs));
    return baseline;
  }
  auto recogniser = read_inner_recogniser(file, backend);
  if (!recogniser) return recogniser.status();
  baseline.recogniser_ = std::make_shared<const Model>(std::move(*recogniser));
  const auto embedder = Embedder::create(baseline.recogniser_);
  if (!embedder) return embedder.status();
  auto svm = read_svm(file, embedder->dimension());
  if (!svm) return svm.status();
  baseline.svm_ = std::make_shared<const SvmQuality>(std::move(*svm));
  return baseline;
}

Result<std::unique_ptr<FaceJudge>> LearnedBaseline::judge(int threads) const {
  if (rqs_ != nullptr) return std::unique_ptr<FaceJudge>(std::make_unique<RqsJudge>(rqs_));
  auto embedder = Embedder::create(recogniser_, 1, threads);
  if (!embedder) return embedder.status();
  return std::unique_ptr<FaceJudge>(std::make_unique<SvmJudge>(std::move(*embedder), svm_));
}

Status write_svm(const std::string& path, const SvmQuality& svm, const TensorFile& recogniser,
                 const std::string& recogniser_name) {
  const std::vector<float> numbers = {static_cast<float>(svm.scale), static_cast<float>(svm.gamma),
                                      static_cast<float>(svm.bias)};
  std::vector<FloatTensor> tensors = {
      tensor("svm.vectors", svm.vectors, static_cast<std::int64_t>(svm.dimension)),
      tensor("svm.weights", svm.weights), tensor("svm.scale_gamma_bias", numbers)};
  std::vector<std::vector<float>> kept;
  kept.reserve(recogniser.entries().size());
  for (const TensorEntry& entry : recogniser.entries()) {
    auto values = read_floats(entry);
    if (!values) return values.status().prefixed(recogniser.path, ": ");
    kept.push_back(std::move(*values));
    tensors.push_back(
        {recogniser_prefix + entry.name, entry.shape, {kept.back().data(), kept.back().size()}});
  }
  return write_safetensors(path, tensors, {{"baseline", "svm"}, {"recogniser", recogniser_name}});
}

Status write_rqs(const std::string& path, const RqsQuality& rqs) {
  const std::vector<float> range = {static_cast<float>(rqs.low), static_cast<float>(rqs.high)};
  std::vector<FloatTensor> tensors = {tensor("range", range)};
  const auto add = [&](const std::string& name, const LinearRank& rank) {
    tensors.push_back(tensor(name + ".mean", rank.mean));
    tensors.push_back(tensor(name + ".scale", rank.scale));
    tensors.push_back(tensor(name + ".weight", rank.weight));
  };
  for (std::size_t f = 0; f < rqs_features.size(); ++f) add(rqs_features[f], rqs.first[f]);
  add("second", rqs.second);
  return write_safetensors(path, tensors, {{"baseline", "rqs"}});
}
