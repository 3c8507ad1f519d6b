// The learned baselines of P2, in files of their own: SVM on a recogniser's features (Best-Rowden, Jain 2018)
// and RQS, a ranking of hand-crafted ones (Chen, Deng, Bai, Su 2015).
#pragma once

#include <tinyfiqa/baselines/descriptors.hpp>
#include <tinyfiqa/quality/model.hpp>

#include "jobs/face_judge.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

/// Support vector regression with a radial kernel:  q(x) = sum_i weight_i exp(-gamma |x / scale - v_i|^2) +
/// bias, where x is an embedding as the network gives it.
struct SvmQuality {
  std::size_t dimension = 0;
  std::vector<float> vectors, weights;  ///< [n, dimension], [n]
  double scale = 1, gamma = 1, bias = 0;

  double operator()(const float* embedding) const;
};

/// The features that RQS looks at, of a grey face of descriptor_side.
inline constexpr std::array<const char*, 4> rqs_features = {"hog", "lbp", "gabor", "gist"};
std::vector<float> rqs_feature(std::size_t which, const std::vector<float>& grey,
                               tinyfiqa::SpectralDescriptors& spectral);

/// x -> sum_k weight_k (x_k - mean_k) * scale_k
struct LinearRank {
  std::vector<float> mean, scale, weight;

  double operator()(const float* x) const;
};

/// Two levels: a rank by each feature, then a rank by those four, their squares and products; 0..100 between
/// the 1st and 99th percentile of the faces it was trained with.
struct RqsQuality {
  std::array<LinearRank, rqs_features.size()> first;
  LinearRank second;
  double low = 0, high = 1;

  double operator()(const std::vector<float>& grey, tinyfiqa::SpectralDescriptors& spectral) const;
};
/// (s1 .. s4) -> (s1 .. s4, s1^2, sqrt 2 s1 s2, .., s4^2): what a polynomial kernel of degree 2 sees.
std::vector<float> second_level(const std::array<double, rqs_features.size()>& ranks);
/// The face as the features want it. Errors: those of crop_and_resize().
tinyfiqa::Result<std::vector<float>> descriptor_face(const tinyfiqa::ImageView& image,
                                                     const tinyfiqa::Crop& crop);

/// "svm" or "rqs" if the file is a learned baseline, else empty.
std::string learned_kind(const tinyfiqa::TensorFile& file);

/// What the file says, for judges. Errors: mismatch for missing or misshapen tensors.
class LearnedBaseline {
 public:
  static tinyfiqa::Result<LearnedBaseline> read(const tinyfiqa::TensorFile& file,
                                                const tinyfiqa::Backend& backend);
  const std::string& kind() const { return kind_; }
  tinyfiqa::Result<std::unique_ptr<FaceJudge>> judge(int threads) const;

 private:
  std::string kind_;
  std::shared_ptr<const SvmQuality> svm_;
  std::shared_ptr<const RqsQuality> rqs_;
  std::shared_ptr<const tinyfiqa::Model> recogniser_;
};

/// With the recogniser's tensors, so that the file is all that is needed. Errors: cannot_write.
tinyfiqa::Status write_svm(const std::string& path, const SvmQuality& svm,
                           const tinyfiqa::TensorFile& recogniser, const std::string& recogniser_name);
tinyfiqa::Status write_rqs(const std::string& path, const RqsQuality& rqs);
