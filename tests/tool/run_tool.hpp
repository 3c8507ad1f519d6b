// Runs the built tool as a user does: a shell line, its output, its exit status.
#pragma once

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

/// This process's own folder, gone when it ends: the tool's tests are two processes, run side by side.
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

/// A folder of this test run's own; made anew for each name.
inline std::string scratch_dir(const std::string& name) {
  const std::string dir = scratch_root() + "/" + name;
  if (std::system(("rm -rf '" + dir + "' && mkdir -p '" + dir + "'").c_str()) != 0) std::abort();
  return dir;
}

/// `words` follow the tool's name on a shell line; "{faces}" stands for examples/faces.
inline ToolResult run_tool(std::string words, const std::string& before = "") {
  const std::string faces = TINYFIQA_SOURCE_DIR "/examples/faces";
  for (std::size_t at; (at = words.find("{faces}")) != std::string::npos;) words.replace(at, 7, faces);
  const std::string base = scratch_root() + "/output";
  const std::string line =
      before + " " TINYFIQA_TOOL " " + words + " >'" + base + ".out' 2>'" + base + ".err'";
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
