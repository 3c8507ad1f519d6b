#include "jobs/scoring/merge_shards.hpp"

#include "jobs/output_path.hpp"
#include "jobs/row_output.hpp"
#include "jobs/scoring/row_file.hpp"
#include "options/shard_option.hpp"
#include "reports/label_columns.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

using namespace tinyfiqa;

const char* const unfinished_file = ".part";

Status finish_file(const std::string& path) {
  if (std::rename((path + unfinished_file).c_str(), path.c_str()) == 0) return Status();
  return Status::error(Errc::cannot_write, path, ": can't be written: ", std::strerror(errno), "; rename ",
                       path, unfinished_file, " to it");
}

namespace {

constexpr std::size_t write_bytes = std::size_t{1} << 20u;

/// The files by the number of their shard. Errors: bad_argument.
Result<std::map<std::size_t, std::string>> by_number(const std::vector<std::string>& files,
                                                     ShardName& whole) {
  std::map<std::size_t, std::string> all;
  for (const std::string& file : files) {
    const auto name = read_shard_file(file);
    if (!name)
      return Status::error(Errc::bad_argument, file,
                           ": is no shard; their names are as in scores.3-of-8.csv");
    if (all.empty()) whole = *name;
    if (name->path != whole.path || name->shard.count != whole.shard.count)
      return Status::error(Errc::bad_argument, file, ": is no shard of the same run as ", files[0]);
    if (!all.emplace(name->shard.number, file).second)
      return Status::error(Errc::bad_argument, file, ": is given twice");
  }
  return all;
}

Status check_complete(const std::map<std::size_t, std::string>& files, const ShardName& whole) {
  for (std::size_t number = 1; number <= whole.shard.count; ++number) {
    if (files.count(number) != 0) continue;
    const std::string name = shard_file(whole.path, Shard{number, whole.shard.count});
    std::error_code ignored;
    const bool begun = std::filesystem::exists(name + unfinished_file, ignored);
    return Status::error(Errc::not_found, name, ": is missing",
                         begun ? "; that run did not finish: go on by score --resume " + whole.path : "",
                         " (", files.size(), " of ", whole.shard.count, " shards are given)");
  }
  return Status();
}

/// Gives the rows of a shard, image by image.
class ShardReader {
 public:
  static Result<ShardReader> open(const std::string& path, TableFormat format) {
    std::error_code ignored;
    ShardReader reader;
    if (format == TableFormat::jsonl && std::filesystem::file_size(path, ignored) == 0 && !ignored)
      return reader;  // a shard without images
    auto file = RowFile::open(path, format);
    if (!file) return file.status();
    if (file->bytes().size != std::filesystem::file_size(path, ignored))
      return Status::error(Errc::bad_format, path, ": ends in the middle of a row; score this shard again");
    reader.at_ = file->begin();
    reader.file_.emplace(std::move(*file));
    return reader;
  }

  std::string header() const { return file_ ? file_->header() : ""; }
  std::size_t images() const { return images_; }
  bool at_end() const { return !file_ || at_ >= file_->bytes().size; }

  /// Adds the rows of the next image to `text`. False if there is none. Errors: bad_format.
  Result<bool> next(std::string& text) {
    const std::size_t begin = at_;
    for (;;) {
      const auto row = file_ ? file_->row(at_) : Result<std::optional<RowFile::Row>>(std::nullopt);
      if (!row) return row.status();
      if (!*row || ((*row)->is_first && at_ != begin)) break;
      at_ = (*row)->end;
    }
    if (at_ == begin) return false;
    const unsigned char* const data = file_->bytes().data;
    text.append(data + begin, data + at_);
    ++images_;
    return true;
  }

 private:
  std::optional<RowFile> file_;
  std::size_t at_ = 0, images_ = 0;
};

Result<std::vector<ShardReader>> open_shards(const std::map<std::size_t, std::string>& files,
                                             TableFormat format) {
  std::vector<ShardReader> shards;
  for (const auto& [number, path] : files) {
    auto shard = ShardReader::open(path, format);
    if (!shard) return shard.status();
    if (!shards.empty() && shard->header() != shards[0].header())
      return Status::error(Errc::mismatch, path, ": its columns are not those of ", files.begin()->second,
                           "; make all shards with the same options");
    shards.push_back(std::move(*shard));
  }
  return shards;
}

/// Writes the images of the shards, which choose(images) gives one after the other; null at the end.
template <class Choose>
Result<std::size_t> write_images(const std::string& header, RowOutput& output, const Choose& choose) {
  std::string text = header.empty() ? "" : header + "\n";
  std::size_t images = 0;
  for (;; ++images) {
    ShardReader* const shard = choose(images);
    const auto more = shard == nullptr ? Result<bool>(false) : shard->next(text);
    if (!more) return more.status();
    if (*more && text.size() < write_bytes) continue;
    if (Status written = output.write(text); !written) return written;
    text.clear();
    if (!*more) return images;
  }
}

/// Writes an image of each shard in turn: those of `score`.
Result<std::size_t> write_in_turn(std::vector<ShardReader>& shards, RowOutput& output) {
  return write_images(shards[0].header(), output,
                      [&](std::size_t images) { return &shards[images % shards.size()]; });
}

/// Writes one shard after the other: those of `label`.
Result<std::size_t> write_in_order(std::vector<ShardReader>& shards, RowOutput& output) {
  std::size_t shard = 0;
  return write_images(shards[0].header(), output, [&](std::size_t) {
    while (shard < shards.size() && shards[shard].at_end()) ++shard;
    return shard < shards.size() ? &shards[shard] : nullptr;
  });
}

/// Whether the shards are those of one list: the first ones may have an image more. Errors: mismatch.
Status check_counts(std::vector<ShardReader>& shards, std::size_t images, const ShardName& whole) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    std::string rest;
    const auto more = shards[i].next(rest);
    if (!more) return more.status();
    if (*more)
      return Status::error(Errc::mismatch,
                           shard_file(whole.path, Shard{images % shards.size() + 1, shards.size()}),
                           ": has only ", shards[images % shards.size()].images(), " images, but ",
                           shard_file(whole.path, Shard{i + 1, shards.size()}),
                           " has more; score all shards of the same list of images");
  }
  return Status();
}

}  // namespace

Result<MergedShards> merge_shards(const std::vector<std::string>& files, const std::string& out) {
  ShardName whole;
  const auto numbered = by_number(files, whole);
  if (!numbered) return numbered.status();
  if (Status complete = check_complete(*numbered, whole); !complete) return complete;
  const std::string extension = small_extension(whole.path);
  const TableFormat format = table_format(extension.empty() ? "" : extension.substr(1));
  if (format == TableFormat::text)
    return Status::error(Errc::bad_argument, files[0], ": is neither .csv nor .jsonl");
  auto shards = open_shards(*numbered, format);
  if (!shards) return shards.status();
  auto output = out.empty() ? Result<RowOutput>(RowOutput()) : RowOutput::open(out + unfinished_file, 0);
  if (!output) return output.status();
  const bool in_order = is_label_table((*shards)[0].header());
  const auto images = in_order ? write_in_order(*shards, *output) : write_in_turn(*shards, *output);
  Status done = images && !in_order ? check_counts(*shards, *images, whole) : images.status();
  if (done.ok() && !out.empty()) done = finish_file(out);
  std::error_code ignored;
  if (!done && !out.empty()) std::filesystem::remove(out + unfinished_file, ignored);
  if (!done) return done;
  return MergedShards{shards->size(), *images};
}
