// Scoring many images on several threads, for every command that does.
#pragma once

#include <tinyfiqa/fiqa/scorer.hpp>

#include "model_options.hpp"
#include "ordered_run.hpp"
#include "score_table.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// --size and --tta.
struct ViewOptions {
  SizeOption size;
  std::string tta;

  void add_to(CLI::App& command);
};

/// Views and input size as the options have them; an ensemble sees flips unless told otherwise.
tinyfiqa::Result<tinyfiqa::ScoreOptions> score_options(const ViewOptions& options, const std::string& model);

/// As many scorers as threads are worth having; one that uses all of them when there is a single image.
/// `threads` below 1: one for each core.
tinyfiqa::Result<std::vector<tinyfiqa::Scorer>> make_scorers(
    const std::vector<std::shared_ptr<const tinyfiqa::Model>>& models, tinyfiqa::ScoreOptions options,
    int threads, std::size_t images);

/// One file's row; a status that is an error already is passed on.
ScoreRow score_file(tinyfiqa::Scorer& scorer, const std::string& path, const tinyfiqa::Crop& crop,
                    const tinyfiqa::Status& status = {});

/// Scores many images on several threads, each with a scorer of its own.
using ScoreRun = OrderedRun<ScoreRow>;
