// Finds the faces of tables that do not say where they are, for networks that want aligned faces.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include "options/data_options.hpp"

#include <cstddef>
#include <string>

/// How a table is searched.
struct TableSearch {
  const DataOptions& options;  ///< --detector and the like, --whole-image, --save-faces
  std::string isa = "auto";
  int threads = 0;        ///< below 1: one per core
  std::string copy = {};  ///< one more file to write the table to if something was searched; empty: none
};

/// True if find_table_faces() would search: if the network wants aligned faces (`wanted`), some row gives none, and
/// --whole-image is not given.
bool will_search(const DataOptions& options, bool wanted, const tinyfiqa::Dataset& data);
/// The same for a table of the samples first .. last - 1.
bool will_search(const DataOptions& options, bool wanted, const tinyfiqa::Dataset& data, std::size_t first,
                 std::size_t last);

/// Finds the largest face in the image of each sample whose row gives no face. Does nothing with --whole-image, or if
/// the network does not want aligned faces (`wanted` is false).
///
/// Samples become what they are if the table is read with the columns that `detect --data` adds: with landmarks, or
/// with the whole image as an aligned face. A sample without a face gets a status (no_face, or why its image can't be
/// read) and is not searched again. The table gets these columns; rows that have the wrong number of fields are left out of it. It is then written to
/// --save-faces. Notes and progress go to stderr. Errors: those of reading the detector's weights; cannot_write.
tinyfiqa::Status find_table_faces(const TableSearch& search, bool wanted, tinyfiqa::CsvTable& table,
                                  tinyfiqa::Dataset& data);

/// Prints the first ten samples in whose images no face was found, and a note that such samples are left out. Returns
/// their number.
std::size_t print_faceless(const tinyfiqa::Dataset& data);
/// Prints these samples and removes them. Errors: no_face if none is left.
tinyfiqa::Status leave_out_faceless(tinyfiqa::Dataset& data);
