// Runs the built tool in a shell, as a user does, and captures its output and exit status.
#pragma once

#include "decoders/sanitized.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

struct ToolResult {
  int code = -1;
  std::string out, err;
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline const std::string example_faces = TINYFIQA_SOURCE_DIR "/examples/faces/";
inline const std::string example_photos = TINYFIQA_SOURCE_DIR "/examples/photos/";

/// A folder for this process only, removed when it ends. (The tests of the tool run as two processes at the
/// same time.)
inline const std::string& scratch_root() {
  struct Folder {
    std::string path = TINYFIQA_SCRATCH_DIR "/" + std::to_string(getpid());
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

/// An empty folder for a test.
inline std::string scratch_dir(const std::string& name) {
  const std::string dir = scratch_root() + "/" + name;
  if (std::system(("rm -rf '" + dir + "' && mkdir -p '" + dir + "'").c_str()) != 0) std::abort();
  return dir;
}

/// Runs the tool with these arguments, in shell syntax. "{faces}" and "{photos}" are replaced by the paths of
/// examples/faces and examples/photos. `before` goes before the tool's name.
inline ToolResult run_tool(std::string arguments, const std::string& before = "") {
  for (const std::string name : {"faces", "photos"})
    for (std::size_t at; (at = arguments.find("{" + name + "}")) != std::string::npos;)
      arguments.replace(at, name.size() + 2, TINYFIQA_SOURCE_DIR "/examples/" + name);
  const std::string base = scratch_root() + "/output";
  const std::string line =
      before + " " TINYFIQA_TOOL " " + arguments + " >'" + base + ".out' 2>'" + base + ".err'";
  const int status = std::system(line.c_str());
  ToolResult result;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  result.out = read_text(base + ".out");
  result.err = read_text(base + ".err");
  return result;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline int count_lines(const std::string& text) {
  int n = 0;
  for (const char c : text) n += c == '\n';
  return n;
}
