#include "jobs/folder_walk.hpp"

#include "decoders/photo.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <utility>

namespace fs = std::filesystem;
using tinyfiqa::Errc;
using tinyfiqa::Status;

namespace {

/// Extensions of pictures and videos that are not read. Other files in a folder are no business of this program.
constexpr const char* foreign_extensions[] = {
    ".jxl", ".jp2", ".j2k", ".jpx", ".psd", ".svg", ".tga", ".exr", ".hdr", ".ico", ".raw", ".dng", ".cr2",
    ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".mp4", ".mov", ".avi", ".mkv", ".webm"};

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

template <std::size_t Count>
bool is_one_of(const std::string& extension, const char* const (&known)[Count]) {
  return std::find(std::begin(known), std::end(known), extension) != std::end(known);
}

std::string known_extensions() {
  std::string all;
  for (const char* extension : photo_extensions)
    all += (all.empty() ? "" : ", ") + std::string(extension + 1);
  return all;
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.back() == '/' ? folder + name : folder + "/" + name;
}

}  // namespace

bool is_image_name(const std::string& path) { return is_one_of(lower_extension(path), photo_extensions); }

FolderWalk::FolderWalk(const std::string& folder, LeftOut& left_out) : top_(folder), left_out_(left_out) {
  first_error_ = enter(folder);
}

Status FolderWalk::enter(const std::string& folder) {
  Level level{folder, {}, 0};
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string(), extension = lower_extension(name);
    const bool is_link = it->is_symlink(ignored);
    if (it->is_directory(ignored)) {
      if (is_link)
        ++left_out_["links to folders"];
      else
        level.names.push_back(name + "/");
    } else if (name.compare(0, 2, "._") == 0) {
      left_out_["._* of macOS"] += is_one_of(extension, photo_extensions);
    } else if (is_one_of(extension, foreign_extensions)) {
      ++left_out_[extension];
    } else if (is_one_of(extension, photo_extensions) && it->is_regular_file(ignored)) {
      level.names.push_back(name);
    }
  }
  if (error) {
    return Status::error(Errc::unreadable, folder, ": ", error.message(),
                         " while listing the folder; its images are missing here");
  }
  std::sort(level.names.begin(), level.names.end());  // as the sorted paths would be: / is below all letters
  levels_.push_back(std::move(level));
  return Status();
}

std::optional<InputItem> FolderWalk::next() {
  if (!first_error_.ok()) {
    ended_ = true;
    return InputItem{top_, std::exchange(first_error_, Status())};
  }
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      levels_.pop_back();
      continue;
    }
    const std::string name = level.names[level.next++];
    const std::string path = joined(level.folder, name);
    if (name.back() != '/') {
      found_ = true;
      return InputItem{path, {}};
    }
    const std::string folder = path.substr(0, path.size() - 1);
    if (Status problem = enter(folder); !problem) {
      found_ = true;
      return InputItem{folder, std::move(problem)};
    }
  }
  if (found_ || std::exchange(ended_, true)) return std::nullopt;
  return InputItem{
      top_, Status::error(Errc::not_found, top_, ": no image in this folder (", known_extensions(), ")")};
}
