#include "jobs/input_list.hpp"

#include "jobs/path_reader.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

namespace fs = std::filesystem;
using tinyfiqa::Errc;
using tinyfiqa::Status;

namespace {

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// True if there is such a file, readable or not. A link that leads nowhere is one: opening it tells what is wrong.
bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

bool is_pattern(const std::string& argument) { return argument.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> matches_of(const std::string& pattern) {
  glob_t matches = {};
  std::vector<std::string> all;
  if (glob(pattern.c_str(), 0, nullptr, &matches) == 0)
    all.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  globfree(&matches);
  return all;
}

}  // namespace

InputList::InputList(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
// cppcheck-suppress passedByValue ; its elements are moved
InputList::InputList(std::vector<InputItem> items)
    : ready_(std::make_move_iterator(items.begin()), std::make_move_iterator(items.end())),
      given_(ready_.size()) {}
InputList::InputList(InputList&&) noexcept = default;
InputList& InputList::operator=(InputList&&) noexcept = default;
InputList::~InputList() = default;

std::optional<InputItem> InputList::next() {
  if (ready_.empty()) return make_next();
  InputItem item = std::move(ready_.front());
  ready_.pop_front();
  return item;
}

std::optional<InputItem> InputList::make_next() {
  for (;;) {
    if (folder_ != nullptr) {
      if (auto item = folder_->next()) return item;
      folder_.reset();
    } else if (!names_.empty()) {
      const std::string name = std::move(names_.front());
      names_.pop_front();
      if (!is_folder(name)) return InputItem{name, Status()};
      folder_ = std::make_unique<FolderWalk>(name, left_out_);
    } else if (paths_ != nullptr) {
      auto item = paths_->next();
      if (!item)
        paths_.reset();
      else if (!item->status.ok())
        return item;
      else if (Status problem = expand(item->path); !problem)
        return InputItem{item->path, std::move(problem)};
    } else if (next_argument_ < arguments_.size()) {
      const std::string& argument = arguments_[next_argument_++];
      if (argument == "-")
        paths_ = std::make_unique<PathReader>();
      else if (Status problem = expand(argument); !problem)
        return InputItem{argument, std::move(problem)};
    } else {
      return std::nullopt;
    }
  }
}

Status InputList::expand(const std::string& argument) {
  if (exists(argument)) {
    names_.push_back(argument);
    return Status();
  }
  if (is_pattern(argument))
    for (std::string& name : matches_of(argument)) names_.push_back(std::move(name));
  if (!names_.empty()) return Status();
  return Status::error(Errc::not_found, argument,
                       is_pattern(argument) ? ": nothing matches this pattern" : ": no such file or folder");
}

std::size_t InputList::count_up_to(std::size_t most) {
  while (ready_.size() < most) {
    if (waits_for_input()) return most;
    auto item = make_next();
    if (!item) break;
    ready_.push_back(std::move(*item));
  }
  return std::min(ready_.size(), most);
}

bool InputList::waits_for_input() const {
  if (folder_ != nullptr || !names_.empty()) return false;
  return paths_ != nullptr || (next_argument_ < arguments_.size() && arguments_[next_argument_] == "-");
}

const InputItem* InputList::front() {
  if (ready_.empty()) count_up_to(1);
  return ready_.empty() ? nullptr : &ready_.front();
}

std::optional<std::size_t> InputList::total() const {
  if (std::find(arguments_.begin(), arguments_.end(), "-") != arguments_.end()) return std::nullopt;
  InputList again(arguments_);
  std::size_t count = given_;
  while (again.make_next()) ++count;
  return count;
}

std::string InputList::left_out() const {
  std::string text;
  for (const auto& [kind, count] : left_out_)
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  return text.empty() ? text : "left out of the folders: " + text + " (formats that are not read)";
}

bool looks_like_input(const std::string& argument) {
  return argument == "-" || is_pattern(argument) || is_image_name(argument) || is_folder(argument);
}

std::vector<InputItem> list_inputs(const std::vector<std::string>& arguments, std::string* left_out) {
  InputList list(arguments);
  std::vector<InputItem> items;
  while (auto item = list.next()) items.push_back(std::move(*item));
  if (left_out != nullptr) *left_out = list.left_out();
  return items;
}
