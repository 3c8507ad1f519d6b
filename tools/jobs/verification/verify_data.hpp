// The pairs of images that `tinyfiqa verify-eval` compares.
#pragma once

#include <tinyfiqa/evaluation/verification.hpp>

#include "jobs/verification/identities.hpp"
#include "jobs/verification/known_faces.hpp"
#include "jobs/verification/unit_rows.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The faces that take part, with their embeddings. For one thread.
struct VerifyFaces {
  const tinyfiqa::Dataset* data = nullptr;
  const Identities* people = nullptr;
  mutable UnitRows embeddings;
  std::vector<bool> active;  ///< [N] true for faces that have an embedding and are not excluded

  float cosine(std::uint32_t a, std::uint32_t b) const { return embeddings.cosine(a, b); }
  /// The numbers of the faces that take part.
  std::vector<std::uint32_t> list() const;
};

/// The faces that have an embedding. The result refers to `known`.
VerifyFaces verify_faces(const KnownFaces& known);

/// The pairs of a file: "path1 path2 label [fold]" on each line, or a CSV (*.csv) with columns path1, path2,
/// same and optionally fold. Label 1 means one person, 0 or -1 two people. Without folds in the file, the
/// pairs form equal folds in the order of the file.
struct PairsFile {
  std::vector<tinyfiqa::LabelledPair> pairs;
  std::vector<tinyfiqa::ComparedPair> genuine;
  std::size_t left_out = 0;  ///< pairs with a face that does not take part
};

/// Puts `root` before each path. `folds` is the number of equal folds. Errors: bad_format, with the line, for
/// a path that is not in the data.
tinyfiqa::Result<PairsFile> read_pairs(const std::string& path, const std::string& root, int folds,
                                       const VerifyFaces& faces);

/// The pairs of two of the chosen faces that show the same person: all of them, or `most` drawn at random if there are
/// more, which a note says.
std::vector<tinyfiqa::ComparedPair> genuine_pairs(const VerifyFaces& faces,
                                                  const std::vector<std::uint32_t>& chosen, std::size_t most,
                                                  std::uint64_t seed);

/// The scores of pairs of the chosen faces that show two people, highest first: all pairs, or `most` pairs
/// drawn at random if there are more.
std::vector<float> impostor_scores(const VerifyFaces& faces, const std::vector<std::uint32_t>& chosen,
                                   std::size_t most, std::uint64_t seed);
