#include "decoders/isolated.hpp"

#include "decoders/sanitized.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

extern char** environ;

namespace {

bool isolated = false;

/// What both sides send first; the file, or the message and the pixels, follow. Both are the same program, so the
/// layouts agree.
struct Question {
  std::uint64_t bytes = 0;
  DecodeKind kind = DecodeKind::photo;
  Box box{};
  DecodeRequest request;
};
struct Answer {
  Errc code = Errc::ok;
  std::uint32_t message = 0;  // its length
  int image_width = 0, image_height = 0, width = 0, height = 0;
  double left = 0, top = 0, scale_x = 1, scale_y = 1;
};

bool send_all(int socket, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

/// False at the end of the stream, and on an error or when nothing comes in time (errno is EAGAIN then).
bool receive_all(int socket, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    errno = 0;
    const ssize_t got = ::recv(socket, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

/// A decoder process, from the side that asks.
class DecoderProcess {
 public:
  DecoderProcess() = default;
  DecoderProcess(const DecoderProcess&) = delete;
  DecoderProcess& operator=(const DecoderProcess&) = delete;
  ~DecoderProcess() { stop(SIGKILL); }

  Result<Photo> decode(const Question& question, Bytes file) {
    if (socket_ < 0)
      if (Status started = start(); !started) return started;
    Answer answer;
    const bool answered = send_all(socket_, &question, sizeof question) &&
                          send_all(socket_, file.data, file.size) &&
                          receive_all(socket_, &answer, sizeof answer);
    if (!answered) return failure();
    if (answer.message > detail::max_message) return failure();
    if (answer.code != Errc::ok) {
      std::string message(answer.message, '\0');
      return receive_all(socket_, message.data(), message.size()) ? Status::error(answer.code, message)
                                                                  : failure();
    }
    const auto pixels =
        static_cast<std::uint64_t>(answer.image_width) * static_cast<std::uint64_t>(answer.image_height);
    if (answer.image_width < 1 || answer.image_height < 1 || pixels > question.request.max_pixels)
      return failure();
    Photo photo{Image(answer.image_width, answer.image_height),
                answer.width,
                answer.height,
                answer.left,
                answer.top,
                answer.scale_x,
                answer.scale_y};
    if (!receive_all(socket_, photo.image.rgb.data(), photo.image.rgb.size())) return failure();
    return photo;
  }

 private:
  Status start() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return no_process(errno);
    const timeval limit{isolated_seconds, 0};
    ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    char program[] = "/proc/self/exe";
    std::string argument = decoder_process_argument;
    char* const arguments[] = {program, argument.data(), nullptr};
    const int error = ::posix_spawn(&process_, program, &actions, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    socket_ = ends[0];
    if (error == 0) return Status();
    process_ = -1;
    stop(SIGKILL);
    return no_process(error);
  }

  static Status no_process(int error) {
    return Status::error(Errc::unreadable,
                         "--isolate: no process can be started for the decoder: ", std::strerror(error));
  }

  /// Says why there was no answer, and ends the process: the next image gets another one.
  Status failure() {
    const bool late = errno == EAGAIN || errno == EWOULDBLOCK;
    const int status = stop(late ? SIGKILL : 0);
    if (late)
      return Status::error(Errc::too_large, "decoding took more than ", isolated_seconds,
                           " s and was stopped (--isolate); leave this image out");
    if (WIFSIGNALED(status))
      return Status::error(Errc::bad_format, "the decoder crashed on this image (signal ", WTERMSIG(status),
                           "); leave it out, and report it");
    return Status::error(Errc::bad_format, "the decoder ended on this image; leave it out, and report it");
  }

  /// Closes the connection, sends the signal, and waits for the process. Returns its status.
  int stop(int signal) {
    int status = 0;
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    if (process_ > 0) {
      if (signal != 0) ::kill(process_, signal);
      while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
      }
    }
    process_ = -1;
    return status;
  }

  int socket_ = -1;
  pid_t process_ = -1;
};

/// The decoder's own process has the same functions, not isolated.
Result<Photo> decode_here(const Question& question, Bytes file) {
  if (question.kind == DecodeKind::part) return decode_part(file, question.box, question.request);
  if (question.kind == DecodeKind::photo) return decode_photo(file, question.request);
  auto image = decode_training_image(file);
  if (!image) return image.status();
  const int width = image->width, height = image->height;
  return Photo{std::move(*image), width, height, 0, 0, 1, 1};
}

bool answer_question(int socket, const Question& question, Bytes file) {
  auto photo = decode_here(question, file);
  Answer answer;
  if (!photo) {
    const char* const message = photo.status().message();
    answer.code = photo.status().code();
    answer.message = static_cast<std::uint32_t>(std::strlen(message));
    return send_all(socket, &answer, sizeof answer) && send_all(socket, message, answer.message);
  }
  const Image& image = photo->image;
  answer.image_width = image.width;
  answer.image_height = image.height;
  answer.width = photo->width;
  answer.height = photo->height;
  answer.left = photo->left;
  answer.top = photo->top;
  answer.scale_x = photo->scale_x;
  answer.scale_y = photo->scale_y;
  return send_all(socket, &answer, sizeof answer) && send_all(socket, image.rgb.data(), image.rgb.size());
}

}  // namespace

bool decoding_is_isolated() { return isolated; }
void isolate_decoding() { isolated = true; }

Result<Photo> decode_isolated(DecodeKind kind, Bytes file, const std::optional<Box>& box,
                              const DecodeRequest& request) {
  static thread_local DecoderProcess process;
  Question question{file.size, kind, box.value_or(Box{}), request};
  return process.decode(question, file);
}

int run_decoder_process() {
  const rlimit memory{rlim_t{isolated_memory_mib} << 20u, rlim_t{isolated_memory_mib} << 20u};
  if (!is_sanitized) ::setrlimit(RLIMIT_AS, &memory);
  Question question;
  while (receive_all(STDIN_FILENO, &question, sizeof question)) {
    std::vector<unsigned char> file(question.bytes);
    if (!receive_all(STDIN_FILENO, file.data(), file.size())) return 1;
    set_max_photo_pixels(question.request.max_pixels);
    if (!answer_question(STDIN_FILENO, question, {file.data(), file.size()})) return 1;
  }
  return 0;
}
