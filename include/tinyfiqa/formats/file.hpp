// Reads whole files, mapped into memory where the system can do so.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#define TINYFIQA_POSIX_FILES 1
#include <fcntl.h>
#include <poll.h>
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
constexpr std::size_t max_stream_bytes = std::size_t{1} << 28u;

/// A pipe or device that gives nothing for this long is an error.
constexpr int stream_timeout_ms = 10000;
/// A pipe that no program opens for writing for this long is an error.
constexpr int writer_timeout_ms = 2000;

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

inline Status size_error(const std::string& path, std::size_t size, std::size_t limit) {
  return Status::error(Errc::too_large, path, ": ", size >> 20u, " MiB; at most ", limit >> 20u,
                       " MiB are read; use a smaller file");
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

inline Status read_error(const std::string& path, int error) {
  return Status::error(Errc::unreadable, path, ": reading failed: ", std::strerror(error),
                       "; check the disk or copy the file again");
}

/// Room for `size` bytes, or none if there is no memory.
inline std::shared_ptr<unsigned char> file_buffer(std::size_t size) {
  auto* const bytes = static_cast<unsigned char*>(std::malloc(size));
  return bytes == nullptr ? nullptr : std::shared_ptr<unsigned char>(bytes, std::free);
}

inline Status no_memory_error(const std::string& path) {
  return Status::error(Errc::out_of_memory, path, ": no memory to read this file; close other programs, or ",
                       "use fewer threads");
}

/// Reads what `fd` has at once, up to `size` bytes. Returns the count; 0 at the end; negative on an error (errno).
inline ssize_t read_some(int fd, unsigned char* to, std::size_t size) {
  ssize_t got = 0;
  do {
    got = ::read(fd, to, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

/// Copies a regular file of `size` bytes. If it becomes shorter meanwhile, the result is as short.
inline Result<FileBytes> copy_regular(const std::string& path, int fd, std::size_t size) {
  const auto data = file_buffer(size);
  if (data == nullptr) return no_memory_error(path);
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = read_some(fd, data.get() + have, size - have);
    if (got < 0) return read_error(path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have == 0) return empty_error(path);
  return FileBytes{path, Bytes(data.get(), have), data};
}

/// Reads a pipe, a device or another file that doesn't tell its size. `fd` is opened with O_NONBLOCK, so that a pipe that
/// nobody writes to is an error after writer_timeout_ms, and one that gives nothing after stream_timeout_ms.
inline Result<FileBytes> read_stream(const std::string& path, int fd, bool is_pipe) {
  std::vector<unsigned char> data;
  int waited_ms = 0;  // for a writer
  for (;;) {
    const std::size_t have = data.size();
    if (have >= max_stream_bytes)
      return Status::error(Errc::too_large, path, ": more than ", max_stream_bytes >> 20u,
                           " MiB from a pipe or device; use a regular file");
    data.resize(have + (have < 65536 ? 65536 : std::min(have, max_stream_bytes - have)));
    const ssize_t got = read_some(fd, data.data() + have, data.size() - have);
    const int error = errno;
    data.resize(have + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && error != EAGAIN) return read_error(path, error);
    // Without a writer, a pipe is at its end: it may still come.
    if (got == 0 && is_pipe && data.empty() && waited_ms < writer_timeout_ms) {
      waited_ms += 20;
      ::poll(nullptr, 0, 20);
    } else if (got == 0) {
      if (!data.empty() || !is_pipe) return owned_bytes(path, std::move(data));
      return Status::error(Errc::unreadable, path, ": no program writes to this pipe; start it first");
    }
    pollfd wait{fd, POLLIN, 0};
    if (got < 0 && ::poll(&wait, 1, stream_timeout_ms) == 0)
      return Status::error(Errc::unreadable, path, ": nothing came from this pipe or device for ",
                           stream_timeout_ms / 1000, " s; check the program that writes to it");
  }
}
}  // namespace detail

/// Reads a whole file. FileAccess::map loads only the pages that are used. Nobody may truncate a mapped file
/// (reading it then raises SIGBUS): replace files by renaming, as write_file() does, and use
/// FileAccess::copy for files that others may write. `max_bytes` limits the size of the file. Errors: not_found,
/// unreadable (a pipe that gives nothing for stream_timeout_ms too), bad_format (an empty file), too_large,
/// out_of_memory.
inline Result<FileBytes> read_file(const std::string& path, FileAccess access = FileAccess::map,
                                   std::size_t max_bytes = static_cast<std::size_t>(-1)) {
  const detail::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return detail::open_error(path, errno);
  struct stat info;
  if (::fstat(file.fd, &info) != 0) return detail::open_error(path, errno);
  if (S_ISDIR(info.st_mode)) {
    return Status::error(Errc::unreadable, path, ": is a folder; name a file in it");
  }
  // Files in /proc are regular and report size 0.
  if (!S_ISREG(info.st_mode) || info.st_size <= 0)
    return detail::read_stream(path, file.fd, S_ISFIFO(info.st_mode));
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_bytes) return detail::size_error(path, size, max_bytes);
  if (access == FileAccess::copy) return detail::copy_regular(path, file.fd, size);
  void* const map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (map == MAP_FAILED) return detail::copy_regular(path, file.fd, size);
  std::shared_ptr<const void> owner(map, [size](void* start) { ::munmap(start, size); });
  return FileBytes{path, Bytes(static_cast<const unsigned char*>(map), size), std::move(owner)};
}

#else

/// Reads a whole file. Without POSIX, it is always copied.
inline Result<FileBytes> read_file(const std::string& path, FileAccess = FileAccess::map,
                                   std::size_t max_bytes = static_cast<std::size_t>(-1)) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return detail::open_error(path, errno);
  std::vector<unsigned char> data;
  for (std::size_t got = 1; got != 0;) {
    const std::size_t have = data.size(), piece = have < 65536 ? 65536 : have;
    data.resize(have + piece);
    got = std::fread(data.data() + have, 1, piece, file);
    data.resize(have + got);
    if (data.size() > max_bytes) break;
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return Status::error(Errc::unreadable, path, ": reading failed; name a file, not a folder");
  if (data.size() > max_bytes) return detail::size_error(path, data.size(), max_bytes);
  return detail::owned_bytes(path, std::move(data));
}

#endif

TINYFIQA_END

#undef TINYFIQA_POSIX_FILES
