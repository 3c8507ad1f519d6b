// The files that keep embeddings: one, or the parts that several machines computed.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "jobs/row_output.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The file itself if it exists; otherwise its parts, faces.1-of-8.npy to faces.8-of-8.npy; nothing if there is neither.
/// Errors: not_found if some of the parts are missing; bad_argument for parts of two divisions.
tinyfiqa::Result<std::vector<std::string>> embedding_files(const std::string& path);

/// The file that says which faces, and which recogniser, the embeddings of `path` are of.
std::string embedding_key_file(const std::string& path);

/// Embeddings that are being computed. They are appended to `path`.part: the key on one line, then rows of little-endian
/// floats. So an interrupted run can go on.
class UnfinishedEmbeddings {
 public:
  /// Opens the unfinished file of an earlier run with the same key, without the row that it may end in, or begins one.
  /// Errors: cannot_write.
  static tinyfiqa::Result<UnfinishedEmbeddings> open(const std::string& path, const std::string& key,
                                                     std::size_t dimension);

  /// The number of rows that an earlier run has written.
  std::size_t rows() const { return rows_; }
  /// Appends whole rows. False if they could not be written: finish() says why.
  bool append(const std::vector<float>& values);
  /// Makes the .npy file and its key, and removes the unfinished file. `rows` is the number of all rows. Errors:
  /// cannot_write, also of an earlier append().
  tinyfiqa::Status finish(std::size_t rows);

 private:
  UnfinishedEmbeddings(std::string path, const std::string& key, std::size_t dimension, std::size_t rows,
                       RowOutput output);

  std::string path_, head_;
  std::size_t dimension_, rows_;
  std::optional<RowOutput> output_;
  tinyfiqa::Status status_;
};
