// Computes the embeddings of a data set's faces on several threads, and keeps them in a file.
#pragma once

#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "options/command_line.hpp"

#include <string>
#include <vector>

#include "options/data_options.hpp"

/// --recogniser, --embeddings, --isa and --threads.
struct EmbedOptions {
  std::string recogniser, embeddings, isa = "auto";
  int threads = 0;

  void add_to(const Command& command);
  /// Only --recogniser and --embeddings.
  void add_files_to(const Command& command);
  /// True if the file of --embeddings exists, so that no image is needed.
  bool saved() const;
  /// Checks that --embeddings can be written, if it is to be written. Errors: cannot_write.
  tinyfiqa::Status check_output() const;
};

/// One row per sample of the data set, in the same order.
struct FaceEmbeddings {
  std::size_t dimension = 0;
  std::vector<float> raw;             ///< [N, dimension], not normalised; NaN if a face has none
  std::vector<std::string> problems;  ///< [N] why a face has no embedding; empty if it has one
};

/// Reads --embeddings if that file exists. Otherwise runs the recogniser and writes the file, if it is named. If the
/// recogniser wants aligned faces, faces that the table (of `source`) does not give are found before. An interrupted
/// run continues where it stopped. Notes and progress go to stderr. Errors: bad_argument if neither option helps;
/// mismatch for embeddings of other faces or of another recogniser; those of find_table_faces(); cannot_write.
tinyfiqa::Result<FaceEmbeddings> embed_faces(const DataOptions& source, const EmbedOptions& options,
                                             DataTable& faces);
