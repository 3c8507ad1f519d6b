// The comparisons that `tinyfiqa verify-eval` makes: which images with which.
#pragma once

#include <tinyfiqa/evaluation/verification.hpp>

#include "jobs/embed_run.hpp"
#include "jobs/identities.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Faces that take part, with normalised embeddings.
struct VerifyFaces {
  const tinyfiqa::Dataset* data = nullptr;
  const Identities* people = nullptr;
  std::vector<float> embeddings;  ///< [N, dimension] of length 1
  std::size_t dimension = 0;
  std::vector<bool> active;  ///< [N] has an embedding and was not excluded

  float cosine(std::uint32_t a, std::uint32_t b) const;
  /// Numbers of the faces that take part.
  std::vector<std::uint32_t> list() const;
};

/// Those of `known` that have an embedding; refers to `known`.
VerifyFaces verify_faces(const KnownFaces& known);

/// A pairs file: "path1 path2 label [fold]" on each line, or a CSV (*.csv) with columns path1, path2, same
/// and maybe fold; label 1 is one person, 0 or -1 are two. Without folds of its own, `folds` equal blocks in
/// the file's order.
struct PairsFile {
  std::vector<tinyfiqa::LabelledPair> pairs;
  std::vector<tinyfiqa::ComparedPair> genuine;
  std::size_t left_out = 0;  ///< pairs with a face that takes no part
};

/// `root` stands before each path. Errors: bad_format with the line for a path that is not in the data.
tinyfiqa::Result<PairsFile> read_pairs(const std::string& path, const std::string& root, int folds,
                                       const VerifyFaces& faces);

/// Every pair of two of `chosen` that show one person.
std::vector<tinyfiqa::ComparedPair> genuine_pairs(const VerifyFaces& faces,
                                                  const std::vector<std::uint32_t>& chosen);

/// Scores of pairs that show two people, highest first: all of them, or `most` drawn at random.
std::vector<float> impostor_scores(const VerifyFaces& faces, const std::vector<std::uint32_t>& chosen,
                                   std::size_t most, std::uint64_t seed);
