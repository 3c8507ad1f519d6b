#include "jobs/path_reader.hpp"

#include <tinyfiqa/image/format.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

using tinyfiqa::Bytes;
using tinyfiqa::Errc;
using tinyfiqa::Status;

namespace {

/// The longest path that systems take, in bytes.
constexpr std::size_t longest_path = 4096;

constexpr const char* input_name = "standard input";

bool starts_with(const std::string& text, const char* begin) {
  return text.compare(0, std::strlen(begin), begin) == 0;
}

}  // namespace

bool PathReader::read_more() {
  char buffer[65536];
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, buffer, sizeof buffer);
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    problem_ = Status::error(Errc::unreadable, input_name, ": can't be read: ", std::strerror(errno),
                             "; give a list of paths");
  if (got > 0) text_.append(buffer, static_cast<std::size_t>(got));
  ended_ = got <= 0;
  return got > 0;
}

/// Looks at the first bytes. Removes a byte order mark.
Status PathReader::check_begin() {
  if (starts_with(text_, "\xEF\xBB\xBF")) text_.erase(0, 3);
  const Bytes bytes(reinterpret_cast<const unsigned char*>(text_.data()), text_.size());
  const char* const foreign = tinyfiqa::detail::foreign_format(bytes);
  if (foreign != nullptr || tinyfiqa::detail::image_format(bytes) != tinyfiqa::detail::ImageFormat::other)
    return Status::error(Errc::bad_format, input_name, ": is ", foreign != nullptr ? foreign : "a picture",
                         ", not a list of paths; to score it, name "
                         "/dev/stdin instead of -");
  if (starts_with(text_, "\xFF\xFE") || starts_with(text_, "\xFE\xFF"))
    return Status::error(Errc::bad_format, input_name, ": the list is UTF-16; write it as UTF-8");
  return Status();
}

std::optional<InputItem> PathReader::wrong(Status status) {
  ended_ = true;
  text_.clear();
  return InputItem{input_name, std::move(status)};
}

std::optional<InputItem> PathReader::next() {
  if (!begun_) {
    begun_ = true;
    while (text_.size() < 16 && text_.find('\n') == std::string::npos && read_more()) {
    }
    if (text_.find('\0') != std::string::npos) separator_ = '\0';
    if (Status not_a_list = check_begin(); !not_a_list) return wrong(std::move(not_a_list));
  }
  for (std::size_t searched = 0;;) {
    const std::size_t end = text_.find(separator_, searched);
    if (end == std::string::npos && text_.size() <= longest_path && !ended_) {
      searched = text_.size();
      read_more();
      continue;
    }
    std::string path = text_.substr(0, end);
    text_.erase(0, end == std::string::npos ? end : end + 1);
    searched = 0;
    if (path.size() > longest_path)
      return wrong(Status::error(Errc::bad_format, input_name, ": more than ", longest_path,
                                 " bytes without an end of line; give one path on each line"));
    if (separator_ == '\n' && !path.empty() && path.back() == '\r') path.pop_back();
    if (path.find('\0') != std::string::npos)
      return wrong(Status::error(Errc::bad_format, input_name,
                                 ": the list mixes lines and NUL characters; separate all paths alike"));
    if (!path.empty()) return InputItem{std::move(path), Status()};
    if (end != std::string::npos) continue;
    if (!problem_.ok()) return wrong(std::exchange(problem_, Status()));
    return std::nullopt;
  }
}
