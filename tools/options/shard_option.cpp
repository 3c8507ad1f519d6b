#include "options/shard_option.hpp"

#include <cstdlib>
#include <filesystem>

namespace {

constexpr std::size_t most_shards = 1000000;

/// A whole number of 1 to most_shards without a sign or zeros in front.
std::optional<std::size_t> read_count(const std::string& text) {
  if (text.empty() || text.size() > 7 || text[0] == '0') return std::nullopt;
  if (text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  const auto number = static_cast<std::size_t>(std::strtoul(text.c_str(), nullptr, 10));
  return number <= most_shards ? std::optional<std::size_t>(number) : std::nullopt;
}

/// The numbers on both sides of `between`, the first one not above the second one.
std::optional<Shard> read_numbers(const std::string& text, const std::string& between) {
  const std::size_t at = text.find(between);
  if (at == std::string::npos) return std::nullopt;
  const auto number = read_count(text.substr(0, at)), count = read_count(text.substr(at + between.size()));
  if (!number || !count || *number > *count) return std::nullopt;
  return Shard{*number, *count};
}

}  // namespace

std::string read_shard(const std::string& text, std::optional<Shard>& shard) {
  shard = read_numbers(text, "/");
  return shard ? "" : "'" + text + "' is not I/N, such as 3/8: part 3 of 8, counted from 1";
}

std::string shard_file(const std::string& path, const Shard& shard) {
  std::filesystem::path file(path);
  const std::string extension = file.extension().string();
  file.replace_extension();
  return file.string() + "." + std::to_string(shard.number) + "-of-" + std::to_string(shard.count) +
         extension;
}

std::optional<ShardName> read_shard_file(const std::string& path) {
  std::filesystem::path file(path);
  const std::string extension = file.extension().string();
  file.replace_extension();
  const std::string numbers = file.extension().string();
  if (numbers.empty()) return std::nullopt;
  const auto shard = read_numbers(numbers.substr(1), "-of-");
  if (!shard) return std::nullopt;
  file.replace_extension();
  return ShardName{file.string() + extension, *shard};
}
