#include "decoders/modules.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

using tinyfiqa::Errc;
using tinyfiqa::Result;
using tinyfiqa::Status;
namespace fs = std::filesystem;

namespace {

struct ModuleFacts {
  const char *name, *library, *package, *function;
};

constexpr const char* decode_name = TINYFIQA_FUNCTION_NAME(TINYFIQA_DECODE_FUNCTION);
constexpr ModuleFacts facts[] = {
    {"webp", "libwebp", "libwebp-dev", decode_name},
    {"heif", "libheif", "libheif-dev libdav1d-dev libde265-dev", decode_name},
    {"tiff", "libtiff", "libtiff-dev", decode_name},
    {"colour", "Little CMS", "liblcms2-dev", TINYFIQA_FUNCTION_NAME(TINYFIQA_COLOUR_FUNCTION)},
};

struct Loaded {
  std::once_flag once;
  void* function = nullptr;
  std::string problem;  ///< why it can't be loaded; empty if there is no such file
};

/// lib/tinyfiqa beside the folder of the program, and tinyfiqa beside the shared library that this code is in, or beside
/// that library's folder (lib/x86_64-linux-gnu). A path that is not absolute is none of these: it would be looked for in
/// the current folder.
std::vector<fs::path> module_folders() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  std::vector<fs::path> folders{program.parent_path().parent_path() / "lib" / "tinyfiqa"};
  Dl_info here = {};
  if (dladdr(reinterpret_cast<void*>(&module_folders), &here) == 0 || here.dli_fname == nullptr)
    return folders;
  const fs::path library = here.dli_fname;
  if (!library.is_absolute()) return folders;
  folders.push_back(library.parent_path() / "tinyfiqa");
  folders.push_back(library.parent_path().parent_path() / "tinyfiqa");
  return folders;
}

/// Empty if there is no such file.
std::string module_path(const ModuleFacts& module) {
  const std::string file = std::string("tinyfiqa_") + module.name + ".so";
  std::error_code error;
  for (const fs::path& folder : module_folders())
    if (fs::exists(folder / file, error)) return (folder / file).string();
  return "";
}

void load(const ModuleFacts& module, Loaded& loaded) {
  const std::string path = module_path(module);
  if (path.empty()) return;
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) loaded.function = dlsym(library, module.function);
  if (loaded.function != nullptr) return;
  const char* const why = dlerror();
  loaded.problem = why != nullptr ? why : "no reason given";
}

Result<void*> module_function(Module module, const char* what) {
  static Loaded all[sizeof facts / sizeof facts[0]];
  const auto index = static_cast<std::size_t>(module);
  const ModuleFacts& m = facts[index];
  Loaded& loaded = all[index];
  std::call_once(loaded.once, [&] { load(m, loaded); });
  if (loaded.function != nullptr) return loaded.function;
  if (loaded.problem.empty())
    return Status::error(Errc::unsupported, what, " needs ", m.library,
                         ", and this tinyfiqa was built without it", " (Debian: ", m.package,
                         "); install it and build again, or convert to JPEG or PNG in sRGB");
  return Status::error(Errc::unsupported, what, " needs ", m.library, ", which can't be loaded (",
                       loaded.problem, "); install it (Debian: ", m.package,
                       "), or convert to JPEG or PNG in sRGB");
}

}  // namespace

Result<DecodeFunction*> decode_function(Module module, const char* what) {
  const auto function = module_function(module, what);
  if (!function) return function.status();
  return reinterpret_cast<DecodeFunction*>(*function);
}

Result<const ColourFunctions*> colour_functions(const char* what) {
  const auto function = module_function(Module::colour, what);
  if (!function) return function.status();
  return reinterpret_cast<ColourFunction*>(*function)();
}
