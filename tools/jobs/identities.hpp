// Who is on which image of a data set.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// People, numbered in the order of their names' bytes.
struct Identities {
  std::vector<std::string> names;
  std::vector<std::uint32_t> of;  ///< the person on each sample
};

/// Takes names as they are, byte for byte; those that differ in case alone are two people and get a note.
/// With `from_folders` the folder that an image is in names the person. Errors: bad_format for a sample
/// without a name, with its line.
tinyfiqa::Result<Identities> find_identities(tinyfiqa::Dataset& data, bool from_folders);

/// Leaves out every sample whose path was there before.
void drop_repeated_paths(tinyfiqa::Dataset& data);
