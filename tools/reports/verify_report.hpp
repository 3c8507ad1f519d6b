// What `tinyfiqa verify-eval` found, as Markdown, CSV and pictures.
#pragma once

#include <tinyfiqa/evaluation/verification.hpp>

#include <optional>
#include <string>
#include <vector>

/// One false match rate of the error-versus-discard protocol: a curve for each method.
struct DiscardTable {
  double rate = 0;
  bool supported = false;  ///< there are impostor pairs enough
  std::vector<tinyfiqa::DiscardCurve> curves;
};

struct VerifyReport {
  std::vector<std::string> methods;
  std::size_t images = 0, genuine = 0, impostors = 0;
  std::vector<DiscardTable> discard;

  std::optional<tinyfiqa::FoldAccuracy> accuracy;
  std::size_t pairs = 0;

  std::size_t templates = 0;
  std::vector<double> template_rates;
  /// For each method: genuine and impostor pairs of its selected images, and a rate for each of the rates.
  std::vector<std::vector<tinyfiqa::RateEstimate>> template_results;
  std::size_t template_genuine = 0, template_impostors = 0;

  /// Areas are divided by what a useless order of the images gives (the rate without discarding times the
  /// share): 1 is useless, lower is better.
  std::string markdown() const;
  /// protocol,method,rate,measure,value,low,high
  std::string csv() const;
  /// One chart for each false match rate and one of the templates.
  std::string svg() const;
};

/// The area to 30 % divided by that of a useless order, with its interval: "0.53 (0.22 to 0.89)".
std::string relative_area30(const tinyfiqa::DiscardCurve& curve);
