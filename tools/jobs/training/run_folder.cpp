#include "jobs/training/run_folder.hpp"

#include <tinyfiqa/formats/write_file.hpp>

#include "jobs/file_lock.hpp"
#include "jobs/output_path.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

using tinyfiqa::Errc;
using tinyfiqa::Result;
using tinyfiqa::Status;

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

RunFolder& RunFolder::operator=(RunFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

RunFolder::~RunFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

namespace {

/// Removes what runs that were killed left in the folder: temporary files of any output, see write_file().
void sweep_folder(const std::string& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string file = entry->path().string();
    if (const std::size_t at = file.rfind(".tmp"); at != std::string::npos)
      tinyfiqa::detail::sweep_temporaries(file.substr(0, at));
  }
}

}  // namespace

Result<RunFolder> RunFolder::open(const std::string& path, const std::string& file) {
  if (Status s = make_output_folder(path, file); !s) return s;
  RunFolder folder;
  folder.path_ = path;
  folder.descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder.descriptor_ >= 0 && !lock_file(folder.descriptor_))
    return Status::error(Errc::cannot_write, path,
                         ": another run is training in this folder; wait for it, or choose another --out");
  sweep_folder(path);
  return folder;
}

Status RunFolder::check() const {
  struct stat opened, named;
  if (descriptor_ < 0 || ::fstat(descriptor_, &opened) != 0) return Status();
  if (::stat(path_.c_str(), &named) == 0 && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino)
    return Status();
  return Status::error(
      Errc::cannot_write, path_,
      ": the folder was removed or replaced during the training, and its state with it; start again");
}
