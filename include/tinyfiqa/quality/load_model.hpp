// Models by name, or by what a weight file holds. Compiles all networks of the registry into the program.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <string>

TINYFIQA_BEGIN

/// The error for a file of no known network: what can't be read, or how it differs from the most similar one.
inline Status unknown_network(const TensorFile& file) {
  if (!file.unread.empty())
    return Status::error(Errc::unsupported, file.path, ": ", unread_note(file.unread),
                         "; save the weights as float32");
  const ModelSpec* const similar = similar_model(file);
  if (similar == nullptr)
    return Status::error(Errc::mismatch, file.path, ": not the weights of any network known here (",
                         model_names(), ")");
  const auto params = similar->define().params;
  LoadOptions options;
  options.head = similar->head;
  detail::LoadPlan plan(file, params, options);
  return Status::error(Errc::mismatch, file.path, ": nearly ", similar->name, ", but not quite",
                       plan.differences(),
                       "; only networks known here can be run (tinyfiqa info --help lists them)");
}

/// A model of the registry with a file's weights: that of the given name or, if `name` is empty, the one that
/// guess_model() finds.   Errors: those of make_model() with a spec; mismatch; bad_argument for an unknown name.
inline Result<Model> make_model(const TensorFile& file, const std::string& name = "",
                                const Backend& backend = native_backend(), Use use = Use::change) {
  const ModelSpec* spec = name.empty() ? guess_model(file) : find_model(name);
  if (spec == nullptr && !name.empty())
    return Status::error(Errc::bad_argument, "no model is called '", name, "'; there are ", model_names());
  if (spec == nullptr) return unknown_network(file);
  return make_model(file, *spec, backend, use);
}

/// The same from the bytes of a safetensors file. `bytes.path` is for messages.
inline Result<Model> load_model(const FileBytes& bytes, const std::string& name = "",
                                const Backend& backend = native_backend(), Use use = Use::change) {
  const auto file = read_safetensors(bytes);
  if (!file) return file.status();
  return make_model(*file, name, backend, use);
}

/// The same from a safetensors file. PyTorch's own files are read by formats/weights.hpp, which needs libzip.
inline Result<Model> load_model(const std::string& path, const std::string& name = "",
                                const Backend& backend = native_backend(), Use use = Use::change) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.status();
  return load_model(*bytes, name, backend, use);
}

TINYFIQA_END
