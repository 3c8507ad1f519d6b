// Embeddings of a data set's faces: made by a recogniser on several threads, kept in a file, taken up again.
#pragma once

#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "options/command_line.hpp"

#include <string>
#include <vector>

#include "jobs/identities.hpp"
#include "options/data_options.hpp"

/// --recogniser, --embeddings, --isa, --threads.
struct EmbedOptions {
  std::string recogniser, embeddings, isa = "auto";
  int threads = 0;

  void add_to(const Command& command);
  /// The first two of them.
  void add_files_to(const Command& command);
  /// True if --embeddings is there, so that no picture needs to be.
  bool saved() const;
  /// The number of threads that --threads means.
  int thread_count() const;
};

/// One row for each sample of the data set, in its order.
struct FaceEmbeddings {
  std::size_t dimension = 0;
  std::vector<float> raw;             ///< [N, dimension], not normalised; not a number where there is none
  std::vector<std::string> problems;  ///< [N] why there is none; empty where there is
};

/// Reads --embeddings if that file is there, else makes the embeddings and, if it is named, writes it. Work
/// that was cut short is taken up where it ended. Notes and progress go to stderr. Errors: bad_argument when
/// neither option helps; mismatch for embeddings of other faces or of another recogniser.
tinyfiqa::Result<FaceEmbeddings> embed_faces(const tinyfiqa::Dataset& data, const EmbedOptions& options);

/// A CSV's faces, who they show, and their embeddings: what several commands begin with.
struct KnownFaces {
  tinyfiqa::CsvTable table;
  tinyfiqa::Dataset data;  ///< without paths that were there before
  Identities people;
  FaceEmbeddings embedded;
};

/// Errors: those of reading the CSV, of find_identities() and of embed_faces().
tinyfiqa::Result<KnownFaces> read_known_faces(DataOptions data, bool folder_identities,
                                              const EmbedOptions& embed);
