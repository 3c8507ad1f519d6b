// The run of `merge`: joins the files of `score --shard` or `label --shard` to the file of one run.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <string>
#include <vector>

/// A file on its way: `path` with this behind it. It gets its name when it is whole.
extern const char* const unfinished_file;
/// Gives an unfinished file its name. Errors: cannot_write.
tinyfiqa::Status finish_file(const std::string& path);

struct MergedShards {
  std::size_t shards = 0, images = 0;
};

/// Writes the rows of all shards, in the order of the whole list, to `out`, or to standard output if that is empty.
/// Errors: bad_argument for names that are no shards of one file; not_found for missing ones; mismatch for other columns
/// or other numbers of images; those of RowFile and RowOutput.
tinyfiqa::Result<MergedShards> merge_shards(const std::vector<std::string>& files, const std::string& out);
