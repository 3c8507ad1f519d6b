#include "jobs/output_path.hpp"

#include <tinyfiqa/formats/write_file.hpp>

#include <cctype>
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

std::string small_extension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

Status check_jpeg_file(const char* option, const std::string& path) {
  const std::string extension = small_extension(path);
  if (extension != ".jpg" && extension != ".jpeg")
    return Status::error(Errc::bad_argument, option, " ", path,
                         ": is written as a JPEG; end its name in .jpg");
  return check_output_file(path);
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
