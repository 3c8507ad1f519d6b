// Names files that are no weight files, or weights in a format that is not read, by their first bytes.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>

TINYFIQA_BEGIN

namespace detail {

/// A format that can't be read, and what to do about it.
struct ForeignWeights {
  const char* what = nullptr;
  const char* fix = "";
};

/// Formats of binary files. `b` is the whole file.
inline ForeignWeights foreign_binary(std::string_view b) {
  const auto at = [&](std::size_t offset, std::string_view magic) {
    return b.size() >= offset && b.substr(offset, magic.size()) == magic;
  };
  constexpr const char* convert =
      "load it in its own framework, copy the weights into the network in PyTorch and save "
      "torch.save(model.state_dict(), path)";
  constexpr const char* unpack = "unpack it and give the weight file in it";
  constexpr const char* picture = "give a weight file (.safetensors, .pth)";
  if (at(0, "\x89HDF\r\n\x1a\n")) return {"HDF5 (Keras)", convert};
  if (at(4, "TFL3")) return {"TensorFlow Lite", convert};
  if (at(0, {"\x08\x01\x12", 3})) return {"a TensorFlow model", convert};
  if (b.size() > 2 && b[0] == 8 && b[1] > 1 && b[1] < 32 &&
      std::string_view("\x12\x1a\x22\x2a\x3a\x42").find(b[2]) != b.npos)
    return {"ONNX", "give the checkpoint that it was exported from"};
  if (b.size() > 8 && b.substr(b.size() - 8) == "\x57\xfb\x80\x8b\x24\x75\x47\xdb")
    return {"a TensorFlow checkpoint", convert};
  if (at(0, "GGUF") || at(0, "ggml")) return {"GGML", convert};
  if (at(0, {"\x12\x01\0\0\0\0\0\0", 8})) return {"MXNet", convert};
  if (at(0, "\x93NUMPY"))
    return {"an array of NumPy (.npy)", "save named tensors: safetensors.numpy.save_file()"};
  if (at(257, "ustar")) return {"a tar archive", unpack};
  if (at(0, "\x1f\x8b")) return {"compressed by gzip", unpack};
  if (at(0, "BZh") ||
      at(0, {"\xfd"
             "7zXZ\0",
             6}) ||
      at(0, "\x28\xb5\x2f\xfd") || at(0, "7z\xbc\xaf") || at(0, "Rar!"))
    return {"a compressed archive", unpack};
  if (at(0, "PK\x05\x06")) return {"an empty zip archive", "copy or download it again"};
  if (at(0, "\xff\xd8\xff")) return {"a picture (JPEG)", picture};
  if (at(0, "\x89PNG")) return {"a picture (PNG)", picture};
  if (at(0, "GIF8") || at(8, "WEBP") || at(4, "ftyp") || at(0, {"II*\0", 4}) || at(0, {"MM\0*", 4}))
    return {"a picture or video", picture};
  if (at(0, "%PDF")) return {"a PDF", picture};
  if (at(0,
         "\x7f"
         "ELF"))
    return {"a program", picture};
  return {};
}

/// Text in the place of weights.
inline ForeignWeights foreign_text(std::string_view b) {
  while (!b.empty() && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n')) b.remove_prefix(1);
  std::string head(b.substr(0, 4096));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto starts = [&](const char* text) { return head.rfind(text, 0) == 0; };
  const auto has = [&](const char* text) { return head.find(text) != std::string::npos; };
  constexpr const char* again = "download the file again";
  if (starts("version https://git-lfs")) return {"a Git LFS pointer", "fetch them with git lfs pull"};
  if (starts("<?xml") && has("<net")) return {"OpenVINO", "give the checkpoint that it was converted from"};
  if (starts("<!doctype") || starts("<html") || starts("<?xml") || starts("<head") || starts("<!--"))
    return {"a web page", again};
  if (starts("{") && has("\"weight_map\"")) return {"a list of shards", "give a .safetensors file itself"};
  if (starts("{") || starts("["))
    return {has("error") || has("message") ? "an error message (JSON)" : "JSON", again};
  if (starts("7767517")) return {"ncnn", "give the checkpoint that it was converted from"};
  return {"text", again};
}

/// True if the first bytes have no control characters but white space.
inline bool is_plain_text(std::string_view b) {
  return std::all_of(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(b.size(), 512)),
                     [](char c) {
                       const auto code = static_cast<unsigned char>(c);
                       return (code >= 32 && code != 127) || (code >= '\t' && code <= '\r');
                     });
}

}  // namespace detail

/// The error for a file that is in no format that is read. Names what it is, as far as that can be seen.
inline Status unknown_weights(Bytes bytes, const std::string& path) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data), bytes.size);
  detail::ForeignWeights foreign = detail::foreign_binary(text);
  if (foreign.what == nullptr && detail::is_plain_text(text)) foreign = detail::foreign_text(text);
  if (foreign.what != nullptr)
    return Status::error(Errc::unsupported, path, ": this is ", foreign.what,
                         ", not safetensors or PyTorch; ", foreign.fix);
  return Status::error(
      Errc::unsupported, path,
      ": not a weight file in a known format (safetensors, PyTorch's zip format or its legacy format); "
      "copy or download it again, or save it as safetensors");
}

TINYFIQA_END
