// Writes files atomically: readers see the old file or the whole new one, and a crash never leaves half of a file.
//
// - The new file is written beside the old one under another name, and then renamed. It keeps the old file's permissions.
// - Nothing is written through a link that somebody planted under that other name: it must not exist.
// - A link is followed: the file that it points at is replaced. Pipes and character devices are written to.
// - What a killed program left behind is removed by the next check_writable() for the same file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#define TINYFIQA_POSIX_FILES 1
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

TINYFIQA_BEGIN

namespace detail {
inline Status write_error(const std::string& path, int error) {
  return Status::error(Errc::cannot_write, path, ": can't be written: ", std::strerror(error),
                       "; check the folder, its permissions and the free space");
}
}  // namespace detail

#if defined(TINYFIQA_POSIX_FILES)

namespace detail {

/// Where an output goes.
struct OutputTarget {
  std::string path;        ///< the file to replace: links are resolved
  bool is_stream = false;  ///< a pipe or character device: written to, not replaced
  bool exists = false;
  struct stat info = {};
};

/// Errors: cannot_write for folders, disks, and links that point at nothing.
inline Result<OutputTarget> output_target(const std::string& path) {
  OutputTarget target{path, false, false, {}};
  struct stat link;
  const bool is_link = ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode);
  target.exists = ::stat(path.c_str(), &target.info) == 0;
  if (!target.exists && is_link)
    return Status::error(Errc::cannot_write, path, ": is a link to a file that does not exist; remove it");
  if (!target.exists) return target;
  const mode_t mode = target.info.st_mode;
  if (S_ISDIR(mode)) return Status::error(Errc::cannot_write, path, ": is a folder; name a file in it");
  target.is_stream = S_ISFIFO(mode) || S_ISCHR(mode);
  if (!target.is_stream && !S_ISREG(mode))
    return Status::error(Errc::cannot_write, path, ": is neither a file nor a pipe; name another file");
  if (is_link && !target.is_stream) {
    char* const resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return write_error(path, errno);
    target.path = resolved;
    std::free(resolved);
  }
  return target;
}

/// All bytes of all parts. On failure, errno has the reason.
inline bool write_all(int fd, Span<const Bytes> parts) {
  for (const Bytes part : parts) {
    for (std::size_t done = 0; done < part.size;) {
      const ssize_t wrote = ::write(fd, part.data + done, part.size - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return false;
      done += static_cast<std::size_t>(wrote);
    }
  }
  return true;
}

inline bool write_stream(const std::string& path, Span<const Bytes> parts) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool good = write_all(fd, parts);
  const int error = errno;
  ::close(fd);
  errno = error;
  return good;
}

/// A new file beside the target: FILE.tmpPROCESS-NUMBER. It is removed unless it became the target.
class TemporaryFile {
 public:
  explicit TemporaryFile(const OutputTarget& target) {
    const std::string begin = target.path + ".tmp" + std::to_string(::getpid()) + "-";
    for (int number = 0; number < 100 && fd_ < 0; ++number) {
      path_ = begin + std::to_string(number);
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (fd_ < 0 && errno != EEXIST) break;
    }
    error_ = fd_ < 0 ? errno : 0;
    if (fd_ < 0 || !target.exists) return;
    // Only root can give a file away: for others, the new file is theirs.
    [[maybe_unused]] const int ignored = ::fchown(fd_, target.info.st_uid, target.info.st_gid);
    if (::fchmod(fd_, target.info.st_mode & 07777u) != 0) error_ = errno;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!renamed_) ::unlink(path_.c_str());
  }

  /// Writes the parts and waits until they are on the disk. All functions: false on failure, see error().
  bool write(Span<const Bytes> parts) {
    return error_ == 0 && note(write_all(fd_, parts)) && note(::fsync(fd_) == 0);
  }
  bool rename_to(const std::string& path) {
    renamed_ = error_ == 0 && note(std::rename(path_.c_str(), path.c_str()) == 0);
    return renamed_;
  }
  bool made() const { return error_ == 0; }
  int error() const { return error_; }

 private:
  bool note(bool good) {
    if (!good) error_ = errno;
    return good;
  }

  std::string path_;
  int fd_ = -1, error_ = 0;
  bool renamed_ = false;
};

/// Removes the temporary files of a target whose processes have ended.
inline void sweep_temporaries(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string begin = path.substr(slash == std::string::npos ? 0 : slash + 1) + ".tmp";
  DIR* const entries = ::opendir(folder.c_str());
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    if (name.compare(0, begin.size(), begin) != 0) continue;
    char* end = nullptr;
    const long process = std::strtol(name.c_str() + begin.size(), &end, 10);
    const bool ours =
        process > 0 && *end == '-' && std::strspn(end + 1, "0123456789") == std::strlen(end + 1);
    if (ours && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH)
      ::unlink((folder + "/" + name).c_str());
  }
  ::closedir(entries);
}
}  // namespace detail

/// Checks that write_file() could write to `path`. Call it before long work whose result goes there.
/// Errors: cannot_write.
inline Status check_writable(const std::string& path) {
  const auto target = detail::output_target(path);
  if (!target) return target.status();
  if (target->is_stream)
    return ::access(path.c_str(), W_OK) == 0 ? Status() : detail::write_error(path, errno);
  detail::sweep_temporaries(target->path);
  const detail::TemporaryFile trial(*target);
  return trial.made() ? Status() : detail::write_error(path, trial.error());
}

/// Writes the parts one after the other: see the head of this file. Errors: cannot_write.
inline Status write_file(const std::string& path, Span<const Bytes> parts) {
  const auto target = detail::output_target(path);
  if (!target) return target.status();
  if (target->is_stream)
    return detail::write_stream(path, parts) ? Status() : detail::write_error(path, errno);
  detail::TemporaryFile file(*target);
  if (file.write(parts) && file.rename_to(target->path)) return Status();
  return detail::write_error(path, file.error());
}

#else

namespace detail {
inline bool write_parts(const std::string& path, Span<const Bytes> parts) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  bool good = true;
  for (const Bytes part : parts) good = good && std::fwrite(part.data, 1, part.size, file) == part.size;
  return std::fclose(file) == 0 && good;
}
}  // namespace detail

/// Checks that write_file() could write to `path`. Errors: cannot_write.
inline Status check_writable(const std::string& path) {
  const std::string temporary = path + ".tmp";
  const bool written = detail::write_parts(temporary, {});
  const int error = errno;
  std::remove(temporary.c_str());
  return written ? Status() : detail::write_error(path, error);
}

/// Writes the parts one after the other into a file beside `path`, which then replaces it. Errors: cannot_write.
inline Status write_file(const std::string& path, Span<const Bytes> parts) {
  const std::string temporary = path + ".tmp";
  if (detail::write_parts(temporary, parts)) {
    std::remove(path.c_str());  // outside POSIX, rename() does not replace a file
    if (std::rename(temporary.c_str(), path.c_str()) == 0) return Status();
  }
  const int error = errno;
  std::remove(temporary.c_str());
  return detail::write_error(path, error);
}

#endif

TINYFIQA_END

#undef TINYFIQA_POSIX_FILES
