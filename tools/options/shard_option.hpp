// --shard I/N: one of N parts of a list, and the names of the files of such parts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

/// Part `number` of `count`, from 1 on. Usually items go round, as cards are dealt: parts differ by one item at most, and
/// the list need not be counted before. Where rows belong together, they are cut into ranges.
struct Shard {
  std::size_t number = 1, count = 1;

  /// `index` counts the items of the whole list from 0 on.
  bool has(std::size_t index) const { return index % count == number - 1; }
  /// The part as items that follow each other, from the first to the one behind the last.
  std::pair<std::size_t, std::size_t> range(std::size_t items) const {
    return {items * (number - 1) / count, items * number / count};
  }
};

/// Reads "3/8". Returns what is wrong with the text; empty if nothing is.
std::string read_shard(const std::string& text, std::optional<Shard>& shard);

/// "scores.csv" is "scores.3-of-8.csv" for part 3 of 8.
std::string shard_file(const std::string& path, const Shard& shard);

/// What shard_file() made a name of.
struct ShardName {
  std::string path;  ///< scores.csv
  Shard shard;
};
/// Nothing for other names.
std::optional<ShardName> read_shard_file(const std::string& path);
