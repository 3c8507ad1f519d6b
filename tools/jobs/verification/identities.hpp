// Identities: which person each image of a data set shows.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// People, numbered in the byte order of their names.
struct Identities {
  std::vector<std::string> names;
  std::vector<std::uint32_t> of;  ///< [N] the number of the person on each sample
};

/// Compares names byte by byte. Prints a note if names differ only in case. With `from_folders`, the folder
/// of an image names the person. Errors: bad_format for a sample without a name, with its line.
tinyfiqa::Result<Identities> find_identities(tinyfiqa::Dataset& data, bool from_folders);

/// Removes every sample whose path occurs earlier in the data set.
void drop_repeated_paths(tinyfiqa::Dataset& data);
