#include "jobs/row_output.hpp"

#include "jobs/file_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

using tinyfiqa::Errc;
using tinyfiqa::Result;
using tinyfiqa::Status;

Result<RowOutput> RowOutput::open(const std::string& path, std::size_t keep) {
  RowOutput output;
  output.name_ = path;
  output.file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  const auto failed = [&] {
    return Status::error(Errc::cannot_write, path, ": can't be written: ", std::strerror(errno),
                         "; check the folder, its permissions and the free space");
  };
  if (output.file_ < 0) return failed();
  if (!lock_file(output.file_))
    return Status::error(Errc::cannot_write, path,
                         ": another run is writing this file; wait for it, or name another file");
  struct stat info;
  if (::fstat(output.file_, &info) != 0) return failed();
  const bool regular = S_ISREG(info.st_mode);  // pipes and devices are written to as they are
  if (regular &&
      (::ftruncate(output.file_, static_cast<off_t>(keep)) != 0 || ::lseek(output.file_, 0, SEEK_END) < 0))
    return failed();
  return output;
}

RowOutput::RowOutput(RowOutput&& other) noexcept
    : name_(std::move(other.name_)), file_(std::exchange(other.file_, -1)) {}

RowOutput::~RowOutput() {
  if (file_ > 1) ::close(file_);
}

Status RowOutput::write(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t wrote = ::write(file_, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0)
      return Status::error(Errc::cannot_write, name_, ": can't be written: ", std::strerror(errno),
                           "; the run ends here");
    done += static_cast<std::size_t>(wrote);
  }
  return Status();
}
