#include "jobs/output_path.hpp"

#include <tinyfiqa/formats/write_file.hpp>

#include <filesystem>
#include <system_error>

using namespace tinyfiqa;
namespace fs = std::filesystem;

Status check_output_file(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return Status::error(Errc::cannot_write, path, ": is a folder; name a file in it");
  return check_writable(path);
}

Status make_output_folder(const std::string& folder, const std::string& file) {
  std::error_code error, ignored;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder, ignored))
    return Status::error(Errc::cannot_write, "--out ", folder,
                         ": can't create this folder: ", error ? error.message() : "a file is in the way",
                         "; name another folder");
  return check_writable(folder + "/" + file);
}
