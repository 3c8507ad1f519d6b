#include "jobs/scoring/shipped_weights.hpp"

#include <filesystem>
#include <system_error>

using namespace tinyfiqa;
namespace fs = std::filesystem;

Result<std::vector<std::string>> shipped_weights(const std::string& model, bool eight_bits) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path folder = (program.parent_path().parent_path() / "share" / "tinyfiqa").lexically_normal();
  const std::vector<std::string> names =
      model == "ensemble" ? std::vector<std::string>{"mobilenet_v3_small", "shufflenet_v2_x0_5"}
                          : std::vector<std::string>{model};
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    const std::string file = name + ".safetensors";
    fs::path path = folder / (eight_bits ? "i8" : "") / file;
    if (!eight_bits && !fs::is_regular_file(path, error)) path = folder / "ensemble" / file;
    if (!fs::is_regular_file(path, error))
      return Status::error(Errc::bad_argument, "no trained weights of ", name, eight_bits ? " in 8 bits" : "",
                           " found (looked for ", path.string(), "); give your own with --weights FILE",
                           model == "ensemble" ? " --weights FILE" : "");
    paths.push_back(path.string());
  }
  return paths;
}
