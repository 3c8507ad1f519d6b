// The learned baselines of Peng et al. and their files: SVM, support vector regression on the embedding of a
// recogniser (Best-Rowden and Jain 2018), and RQS, a ranking by hand-crafted features (Chen et al. 2015).
#pragma once

#include <tinyfiqa/baselines/descriptors.hpp>
#include <tinyfiqa/quality/model.hpp>

#include "jobs/scoring/face_judge.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

/// Support vector regression with a radial kernel:
///   q(x) = sum_i weight_i exp(-gamma |x / scale - v_i|^2) + bias
/// where x is an embedding as the network gives it, not normalised.
struct SvmQuality {
  std::size_t dimension = 0;
  std::vector<float> vectors, weights;  ///< [n, dimension], [n]
  double scale = 1, gamma = 1, bias = 0;

  double operator()(const float* embedding) const;
};

/// The features of RQS, computed from a grey face [descriptor_side, descriptor_side].
inline constexpr std::array<const char*, 4> rqs_features = {"hog", "lbp", "gabor", "gist"};
std::vector<float> rqs_feature(std::size_t which, const std::vector<float>& grey,
                               tinyfiqa::SpectralDescriptors& spectral);

/// x -> sum_k weight_k (x_k - mean_k) * scale_k
struct LinearRank {
  std::vector<float> mean, scale, weight;

  double operator()(const float* x) const;
};

/// A ranking in two levels: a rank by each feature, then a rank by those four, their squares and products.
/// The 1st and 99th percentile of the training faces become 0 and 100.
struct RqsQuality {
  std::array<LinearRank, rqs_features.size()> first;
  LinearRank second;
  double low = 0, high = 1;

  double operator()(const std::vector<float>& grey, tinyfiqa::SpectralDescriptors& spectral) const;
};
/// (s1 .. s4) -> (s1 .. s4, s1^2, sqrt 2 s1 s2, .., s4^2): the feature map of a polynomial kernel of
/// degree 2.
std::vector<float> second_level(const std::array<double, rqs_features.size()>& ranks);
/// The grey face from which the features are computed. Errors: those of crop_and_resize().
tinyfiqa::Result<std::vector<float>> descriptor_face(const tinyfiqa::ImageView& image,
                                                     const tinyfiqa::Crop& crop);

/// "svm" or "rqs" if the file is a learned baseline, otherwise an empty text.
std::string learned_kind(const tinyfiqa::TensorFile& file);

/// A learned baseline as read from its file.
class LearnedBaseline {
 public:
  /// Errors: mismatch for tensors that are missing or have the wrong shape.
  static tinyfiqa::Result<LearnedBaseline> read(const tinyfiqa::TensorFile& file,
                                                const tinyfiqa::Backend& backend);
  const std::string& kind() const { return kind_; }
  bool wants_aligned_faces() const {
    return recogniser_ == nullptr || recogniser_->input().crop == tinyfiqa::FaceCrop::aligned;
  }
  tinyfiqa::Result<std::unique_ptr<FaceJudge>> judge(int threads) const;

 private:
  std::string kind_;
  std::shared_ptr<const SvmQuality> svm_;
  std::shared_ptr<const RqsQuality> rqs_;
  std::shared_ptr<const tinyfiqa::Model> recogniser_;
};

/// Writes the recogniser's tensors too, so that no other file is needed. Errors: cannot_write.
tinyfiqa::Status write_svm(const std::string& path, const SvmQuality& svm,
                           const tinyfiqa::TensorFile& recogniser, const std::string& recogniser_name);
tinyfiqa::Status write_rqs(const std::string& path, const RqsQuality& rqs);
