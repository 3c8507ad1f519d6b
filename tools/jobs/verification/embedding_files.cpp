#include "jobs/verification/embedding_files.hpp"

#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/formats/npy.hpp>

#include "jobs/text_file.hpp"
#include "options/shard_option.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

std::string unfinished(const std::string& path) { return path + ".part"; }

/// The numbers of the parts that exist. Errors: bad_argument for parts of two divisions.
Result<std::set<std::size_t>> find_parts(const std::string& path, std::size_t& count) {
  std::set<std::size_t> numbers;
  const fs::path folder = fs::path(path).parent_path();
  std::error_code ignored;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const auto name = read_shard_file((folder / entry->path().filename()).string());
    if (!name || name->path != path) continue;
    if (!numbers.empty() && name->shard.count != count)
      return Status::error(Errc::bad_argument, path, ": there are parts of ",
                           std::min(count, name->shard.count), " and parts of ",
                           std::max(count, name->shard.count), "; remove the ones that are not wanted");
    count = name->shard.count;
    numbers.insert(name->shard.number);
  }
  return numbers;
}

/// The rows of an unfinished file that begins with `head`.
std::size_t whole_rows(const std::string& path, const std::string& head, std::size_t dimension) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return 0;
  std::string begin(head.size(), '\0');
  const bool same = std::fread(begin.data(), 1, begin.size(), file) == begin.size() && begin == head;
  std::fclose(file);
  std::error_code error;
  const auto bytes = same ? fs::file_size(path, error) : 0;
  return same && !error ? (bytes - head.size()) / (dimension * sizeof(float)) : 0;
}

}  // namespace

Result<std::vector<std::string>> embedding_files(const std::string& path) {
  std::error_code ignored;
  if (fs::exists(path, ignored)) return std::vector<std::string>{path};
  std::size_t count = 0;
  const auto numbers = find_parts(path, count);
  if (!numbers) return numbers.status();
  std::vector<std::string> files;
  for (std::size_t number = 1; !numbers->empty() && number <= count; ++number) {
    files.push_back(shard_file(path, Shard{number, count}));
    if (numbers->count(number) != 0) continue;
    return Status::error(Errc::not_found, files.back(), ": is missing; there are ", numbers->size(), " of ",
                         count, " parts of ", path, "; compute it with label --embed-only --shard ", number,
                         "/", count);
  }
  return files;
}

std::string embedding_key_file(const std::string& path) { return path + ".key"; }

UnfinishedEmbeddings::UnfinishedEmbeddings(std::string path, const std::string& key, std::size_t dimension,
                                           std::size_t rows, RowOutput output)
    : path_(std::move(path)), head_(key + "\n"), dimension_(dimension), rows_(rows) {
  output_.emplace(std::move(output));
}

Result<UnfinishedEmbeddings> UnfinishedEmbeddings::open(const std::string& path, const std::string& key,
                                                        std::size_t dimension) {
  const std::string head = key + "\n";
  const std::size_t rows = whole_rows(unfinished(path), head, dimension);
  const std::size_t keep = rows > 0 ? head.size() + rows * dimension * sizeof(float) : 0;
  auto output = RowOutput::open(unfinished(path), keep);
  if (!output) return output.status();
  if (keep == 0)
    if (const Status s = output->write(head); !s) return s;
  return UnfinishedEmbeddings(path, key, dimension, rows, std::move(*output));
}

bool UnfinishedEmbeddings::append(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  auto* to = reinterpret_cast<unsigned char*>(bytes.data());
  for (const float value : values) {
    detail::store_le(to, detail::float_bits(value), sizeof(float));
    to += sizeof(float);
  }
  status_ = output_->write(bytes);
  return status_.ok();
}

Status UnfinishedEmbeddings::finish(std::size_t rows) {
  if (!status_) return status_;
  output_.reset();
  const auto header = npy_header({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(dimension_)});
  if (!header) return header.status();
  const auto part = read_file(unfinished(path_));
  if (!part) return part.status();
  const std::size_t bytes = rows * dimension_ * sizeof(float);
  if (part->bytes.size < head_.size() + bytes)
    return Status::error(Errc::unreadable, unfinished(path_),
                         ": became shorter while it was written; remove it and start again");
  const Bytes parts[] = {Bytes(*header), Bytes(part->bytes.data + head_.size(), bytes)};
  Status status = write_text(embedding_key_file(path_), head_);
  if (status) status = write_file(path_, Span<const Bytes>(parts, 2));
  if (status) std::remove(unfinished(path_).c_str());
  return status;
}
