// The result of `tinyfiqa verify-eval` as Markdown, CSV and charts.
#pragma once

#include <tinyfiqa/evaluation/verification.hpp>

#include <optional>
#include <string>
#include <vector>

/// Error versus discard at one false match rate: a curve for each method.
struct DiscardTable {
  double rate = 0;
  bool supported = false;  ///< true if there are enough impostor pairs
  std::vector<tinyfiqa::DiscardCurve> curves;
};

/// How discarding images by quality changes recognition errors, for each quality method.
struct VerifyReport {
  std::vector<std::string> methods;
  std::size_t images = 0, genuine = 0, impostors = 0;
  std::vector<DiscardTable> discard;

  std::optional<tinyfiqa::FoldAccuracy> accuracy;
  std::size_t pairs = 0;
  tinyfiqa::RocCurve roc;  ///< of the pairs; empty without pairs of both kinds

  std::size_t templates = 0;
  std::vector<double> template_rates;
  /// [method][rate] true positive rates on the best image of each template.
  std::vector<std::vector<tinyfiqa::RateEstimate>> template_results;
  std::size_t template_genuine = 0, template_impostors = 0;

  /// Gives areas relative to a useless order of the images, whose area is the rate without discarding times
  /// the discarded share: 1 is useless, lower is better.
  std::string markdown() const;
  /// Columns: protocol,method,rate,measure,value,low,high.
  std::string csv() const;
  /// One chart per false match rate, one for the templates, and the ROC of the pairs.
  std::string svg() const;
};

/// The area up to 30 % discarded, relative to a useless order, with its interval: "0.53 (0.22 to 0.89)".
std::string relative_area30(const tinyfiqa::DiscardCurve& curve);
/// A rate as a power of ten: "1e-3".
std::string rate_text(double rate);
