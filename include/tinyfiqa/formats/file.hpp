// Reads whole files, mapped into memory where the system can do so, and writes files atomically: a crash
// never leaves half of a file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#define TINYFIQA_POSIX_FILES 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

TINYFIQA_BEGIN

/// The bytes of a file, and its name for messages. `owner` keeps the bytes alive; it is
/// null if the caller keeps them.
struct FileBytes {
  std::string path;
  Bytes bytes;
  std::shared_ptr<const void> owner;

  /// Wraps bytes of the caller. They must outlive everything that is read from them.
  static FileBytes from_memory(Bytes bytes, std::string name) { return {std::move(name), bytes, nullptr}; }
};

/// How a file gets into memory: mapped, or copied into a buffer.
enum class FileAccess : unsigned char { map, copy };

/// A pipe or device does not tell its size, so at most this many bytes are read from it.
constexpr std::size_t max_stream_bytes = std::size_t{1} << 30u;

namespace detail {
inline Status open_error(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return Status::error(Errc::not_found, path, ": no such file; check the path");
  }
  if (error == EACCES)
    return Status::error(Errc::unreadable, path, ": permission denied; make it readable (chmod +r)");
  return Status::error(Errc::unreadable, path, ": can't be opened: ", std::strerror(error),
                       "; check the path");
}

inline Status empty_error(const std::string& path) {
  return Status::error(Errc::bad_format, path, ": the file is empty; copy or download it again");
}

inline Result<FileBytes> owned_bytes(const std::string& path, std::vector<unsigned char> data) {
  if (data.empty()) return empty_error(path);
  const auto owner = std::make_shared<const std::vector<unsigned char>>(std::move(data));
  return FileBytes{path, Bytes(owner->data(), owner->size()), owner};
}
}  // namespace detail

#if defined(TINYFIQA_POSIX_FILES)

namespace detail {
struct FileDescriptor {
  int fd;
  explicit FileDescriptor(int descriptor) : fd(descriptor) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// `expected`: the size that the file reports; 0 if it reports none.
inline Result<FileBytes> read_descriptor(const std::string& path, int fd, std::size_t expected) {
  std::vector<unsigned char> data;
  data.reserve(expected + 1);  // one byte more, so that the end is found without another allocation
  for (;;) {
    const std::size_t have = data.size();
    if (have == data.capacity()) data.reserve(have < 32768 ? 65536 : 2 * have);
    data.resize(data.capacity());
    const ssize_t got = ::read(fd, data.data() + have, data.size() - have);
    data.resize(have + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return owned_bytes(path, std::move(data));
    if (got < 0 && errno != EINTR) {
      return Status::error(Errc::unreadable, path, ": reading failed: ", std::strerror(errno),
                           "; check the disk or copy the file again");
    }
    if (data.size() > max_stream_bytes) {
      return Status::error(Errc::too_large, path,
                           ": more than 1 GiB from a pipe or device; use a regular file");
    }
  }
}
}  // namespace detail

/// Reads a whole file. FileAccess::map loads only the pages that are used. Nobody may truncate a mapped file
/// (reading it then raises SIGBUS): replace files by renaming, as write_file() does, and use
/// FileAccess::copy for files that others may write. Errors: not_found, unreadable, bad_format (an empty
/// file), too_large (a pipe).
inline Result<FileBytes> read_file(const std::string& path, FileAccess access = FileAccess::map) {
  const detail::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return detail::open_error(path, errno);
  struct stat info;
  if (::fstat(file.fd, &info) != 0) return detail::open_error(path, errno);
  if (S_ISDIR(info.st_mode)) {
    return Status::error(Errc::unreadable, path, ": is a folder; name a file in it");
  }
  if (!S_ISREG(info.st_mode)) return detail::read_descriptor(path, file.fd, 0);
  const auto size = info.st_size <= 0 ? 0 : static_cast<std::size_t>(info.st_size);
  // Empty files, and files in /proc, which report size 0, can't be mapped.
  if (access == FileAccess::copy || size == 0) return detail::read_descriptor(path, file.fd, size);
  void* const map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (map == MAP_FAILED) return detail::read_descriptor(path, file.fd, size);
  std::shared_ptr<const void> owner(map, [size](void* start) { ::munmap(start, size); });
  return FileBytes{path, Bytes(static_cast<const unsigned char*>(map), size), std::move(owner)};
}

namespace detail {
inline bool write_all(int fd, Bytes bytes) {
  std::size_t done = 0;
  while (done < bytes.size) {
    const ssize_t wrote = ::write(fd, bytes.data + done, bytes.size - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}
/// Writes the parts and waits until they are on the disk. On failure, errno has the reason.
inline bool write_synced(const std::string& path, Span<const Bytes> parts) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.fd < 0) return false;
  for (const Bytes part : parts) {
    if (!write_all(file.fd, part)) return false;
  }
  return ::fsync(file.fd) == 0;
}
inline std::string temporary_name(const std::string& path) {
  return path + ".tmp" + std::to_string(::getpid());
}
}  // namespace detail

#else

/// Reads a whole file. Without POSIX, it is always copied.
inline Result<FileBytes> read_file(const std::string& path, FileAccess = FileAccess::map) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return detail::open_error(path, errno);
  std::vector<unsigned char> data;
  for (std::size_t got = 1; got != 0;) {
    const std::size_t have = data.size(), piece = have < 65536 ? 65536 : have;
    data.resize(have + piece);
    got = std::fread(data.data() + have, 1, piece, file);
    data.resize(have + got);
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return Status::error(Errc::unreadable, path, ": reading failed; name a file, not a folder");
  return detail::owned_bytes(path, std::move(data));
}

namespace detail {
inline bool write_synced(const std::string& path, Span<const Bytes> parts) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  bool good = true;
  for (const Bytes part : parts) good = good && std::fwrite(part.data, 1, part.size, file) == part.size;
  return std::fclose(file) == 0 && good;
}
inline std::string temporary_name(const std::string& path) { return path + ".tmp"; }
}  // namespace detail

#endif

namespace detail {
inline Status write_error(const std::string& path, int error) {
  return Status::error(Errc::cannot_write, path, ": can't be written: ", std::strerror(error),
                       "; check the folder, its permissions and the free space");
}
}  // namespace detail

/// Checks that write_file() could write to `path`. Call it before long work whose result goes there.
/// Errors: cannot_write.
inline Status check_writable(const std::string& path) {
  const std::string temporary = detail::temporary_name(path);
  const bool written = detail::write_synced(temporary, {});
  const int error = errno;
  std::remove(temporary.c_str());
  return written ? Status() : detail::write_error(path, error);
}

/// Writes the parts one after the other into a temporary file beside `path`, and then renames that file to
/// `path`. Readers see the old file or the whole new one, never a part of it. Errors: cannot_write.
inline Status write_file(const std::string& path, Span<const Bytes> parts) {
  const std::string temporary = detail::temporary_name(path);
  if (detail::write_synced(temporary, parts)) {
#if !defined(TINYFIQA_POSIX_FILES)
    std::remove(path.c_str());  // outside POSIX, rename() does not replace a file
#endif
    if (std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  }
  const int error = errno;
  std::remove(temporary.c_str());
  return detail::write_error(path, error);
}

TINYFIQA_END

#undef TINYFIQA_POSIX_FILES
