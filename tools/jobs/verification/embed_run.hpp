// Computes the embeddings of a data set's faces on several threads, and keeps them in a file.
#pragma once

#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/recognition/embedding_rows.hpp>

#include "options/command_line.hpp"
#include "options/data_options.hpp"

#include <cstddef>
#include <map>
#include <string>

/// --recogniser, --embeddings, --isa and --threads.
struct EmbedOptions {
  std::string recogniser, embeddings, isa = "auto";
  int threads = 0;

  void add_to(const Command& command);
  /// Only --recogniser and --embeddings.
  void add_files_to(const Command& command);
  /// True if the file of --embeddings, or a part of it, exists, so that no image is needed.
  bool saved() const;
  /// Checks that --embeddings can be written, if it is to be written. Errors: cannot_write; those of embedding_files().
  tinyfiqa::Status check_output() const;
};

/// One row per sample of the data set, in the same order.
struct FaceEmbeddings {
  tinyfiqa::EmbeddingRows rows;                 ///< not normalised; NaN if a face has none
  std::map<std::size_t, std::string> problems;  ///< why faces have none, if this run found it out

  /// Why face i has no embedding; empty if it has one.
  std::string problem(const tinyfiqa::Dataset& data, std::size_t i) const;
};

/// Opens --embeddings if that file exists, or all of its parts. Otherwise runs the recogniser and writes the file, if it is
/// named; if not, embeddings are in memory. If the recogniser wants aligned faces, faces that the table (of `source`) does
/// not give are found before. An interrupted run continues where it stopped. Notes and progress go to stderr. Errors:
/// bad_argument if neither option helps; mismatch for embeddings of other faces or of another recogniser; those of
/// embedding_files() and find_table_faces(); cannot_write.
tinyfiqa::Result<FaceEmbeddings> embed_faces(const DataOptions& source, const EmbedOptions& options,
                                             DataTable& faces);
