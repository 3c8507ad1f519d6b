// Notices images that were replaced between two runs of a training.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include <string>

/// A hash of the bytes of all image files, as 16 hexadecimal digits. Files that can't be read count as empty. Reads every
/// file once, on this many threads.
std::string contents_digest(const tinyfiqa::Dataset& data, int threads);
