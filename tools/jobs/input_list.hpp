// Expands command-line arguments into image files, one after the other.
#pragma once

#include "jobs/folder_walk.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class PathReader;

/// - A file stays as it is.
/// - A folder gives the images in it and below, by file extension, sorted by name.
/// - A pattern with * ? [ ] that is not a file is expanded.
/// - "-" reads paths from standard input, one on each line, or separated by NUL characters.
/// An argument that gives nothing (an empty folder, no match, a missing file) becomes an item with an error.
///
/// Memory does not grow with the number of files: only the names of one folder on each level are held.
class InputList {
 public:
  explicit InputList(std::vector<std::string> arguments);
  /// Gives these items.
  explicit InputList(std::vector<InputItem> items);
  InputList(InputList&&) noexcept;
  InputList& operator=(InputList&&) noexcept;
  ~InputList();

  /// The next item; none at the end. Waits for standard input when that has to be read.
  std::optional<InputItem> next();

  /// How many items are to come, but not more than `most`. Standard input counts as `most`: it is not read for this.
  std::size_t count_up_to(std::size_t most);
  /// The next item if it is known without reading standard input; otherwise null.
  const InputItem* front();
  /// The number of all items, or nothing if a list on standard input is among them. Reads all folders.
  std::optional<std::size_t> total() const;

  /// A sentence about the files that folders had and that were left out; empty if there are none.
  std::string left_out() const;

 private:
  std::optional<InputItem> make_next();
  /// Puts the files and folders of an argument into names_. Errors: not_found.
  tinyfiqa::Status expand(const std::string& argument);
  bool waits_for_input() const;

  std::vector<std::string> arguments_;
  std::size_t next_argument_ = 0;
  std::deque<InputItem> ready_;    // counted, not given yet
  std::deque<std::string> names_;  // of the last argument: files and folders
  std::unique_ptr<FolderWalk> folder_;
  std::unique_ptr<PathReader> paths_;
  FolderWalk::LeftOut left_out_;
  std::size_t given_ = 0;  // by the second constructor
};

/// All items of the arguments, and what InputList::left_out() says then.
std::vector<InputItem> list_inputs(const std::vector<std::string>& arguments,
                                   std::string* left_out = nullptr);

/// True for "-", folders, patterns and names with the extension of an image.
bool looks_like_input(const std::string& argument);
