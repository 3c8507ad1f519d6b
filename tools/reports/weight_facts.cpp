#include "reports/weight_facts.hpp"

#include <tinyfiqa/formats/weight_hash.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/test_vector.hpp>

#include <algorithm>
#include <cstdio>

using namespace tinyfiqa;

void set_metadata(Metadata& metadata, const std::string& key, const std::string& value) {
  for (auto& entry : metadata) {
    if (entry.first != key) continue;
    entry.second = value;
    return;
  }
  metadata.emplace_back(key, value);
}

void drop_metadata(Metadata& metadata, std::string_view key) {
  const auto is_key = [&](const auto& entry) { return entry.first == key; };
  metadata.erase(std::remove_if(metadata.begin(), metadata.end(), is_key), metadata.end());
}

const std::vector<std::string>& reserved_metadata() {
  static const std::vector<std::string> keys = {"format",        "model",       "input_size",   "crop",
                                                "normalisation", "untrained",   "views",        "made_by",
                                                "calibration",   "thresholds",  "bands",        "band_errors",
                                                "population",    "test_vector", weight_hash_key};
  return keys;
}

Status add_about(const std::string& argument, Metadata& metadata) {
  const std::size_t equals = argument.find('=');
  if (equals == 0 || equals == std::string::npos)
    return Status::error(Errc::bad_argument, "--about '", argument, "' is not KEY=TEXT, such as recipe=...");
  const std::string key = argument.substr(0, equals);
  const auto& reserved = reserved_metadata();
  if (std::find(reserved.begin(), reserved.end(), key) != reserved.end())
    return Status::error(Errc::bad_argument, "--about ", argument, ": '", key,
                         "' is written by this command itself; choose another key");
  set_metadata(metadata, key, argument.substr(equals + 1));
  return {};
}

std::string size_text(const InputSpec& input) {
  return std::to_string(input.height) + "x" + std::to_string(input.width);
}

namespace {

/// One number if all three channels have the same value.
std::string channel_text(const float (&values)[3]) {
  char text[96];
  if (values[0] == values[1] && values[1] == values[2])
    std::snprintf(text, sizeof text, "%.7g", double{values[0]});
  else
    std::snprintf(text, sizeof text, "[%.7g %.7g %.7g]", double{values[0]}, double{values[1]},
                  double{values[2]});
  return text;
}

}  // namespace

std::string normalisation_text(const InputSpec& input) {
  const bool bgr = input.order == ChannelOrder::bgr;
  return std::string(bgr ? "BGR" : "RGB") + ", (level - " + channel_text(input.levels.mean) + ") * " +
         channel_text(input.levels.scale);
}

Status describe_weights(const Model& model, const std::optional<Calibration>& calibration,
                        Metadata& metadata) {
  const auto vector = make_test_vector(model);
  if (!vector) return vector.status();
  set_metadata(metadata, "model", model.spec().name);
  set_metadata(metadata, "input_size", size_text(model.input()));
  set_metadata(metadata, "crop", face_crop_name(model.input().crop));
  set_metadata(metadata, "normalisation", normalisation_text(model.input()));
  if (calibration)
    for (const auto& [key, value] : calibration_metadata(*calibration)) set_metadata(metadata, key, value);
  set_metadata(metadata, "test_vector", test_vector_text(*vector));
  return {};
}

namespace {

/// Checks everything but the test vector.
Status check_metadata(const TensorFile& file, const Model& model) {
  const auto expect = [&](const char* key, const std::string& expected, bool needed) {
    const std::string* text = find_metadata(file.metadata, key);
    if (text == nullptr && !needed) return Status();
    if (text == nullptr)
      return Status::error(Errc::mismatch, file.path, ": metadata '", key, "' is missing; expected ",
                           in_quotes(expected));
    if (*text == expected) return Status();
    return Status::error(Errc::mismatch, file.path, ": metadata '", key, "' is ",
                         in_quotes(text->substr(0, 80)), ", but the network's is ", in_quotes(expected));
  };
  // Reading the model has already checked the size and the calibration.
  for (const Status& s :
       {expect("model", model.spec().name, true), expect("input_size", size_text(model.input()), true),
        expect("crop", face_crop_name(model.input().crop), false),
        expect("normalisation", normalisation_text(model.input()), false)})
    if (!s) return s;
  return {};
}

}  // namespace

Result<std::string> check_weights(const TensorFile& file, const Backend& backend) {
  if (const Status status = check_weight_hash(file); !status) return status;
  const auto model = make_model(file, "", backend);
  if (!model) return model.status();
  const std::string* text = find_metadata(file.metadata, "test_vector");
  const bool hashed = find_metadata(file.metadata, weight_hash_key) != nullptr;
  if (text == nullptr)
    return Status::error(Errc::not_found, file.path, ": no test vector to check their outputs with",
                         hashed ? ", but their hash is right" : "", "; tinyfiqa calibrate writes one");
  if (const Status status = check_metadata(file, *model); !status) return status;
  const auto vector = parse_test_vector(*text, file.path);
  if (!vector) return vector.status();
  if (vector->height != model->input().height || vector->width != model->input().width)
    return Status::error(Errc::mismatch, file.path, ": metadata 'test_vector' is for ", vector->height, "x",
                         vector->width, ", but 'input_size' is ", size_text(model->input()));
  const auto error = test_vector_error(*model, *vector);
  if (!error) return error.status().prefixed(file.path, ": ");
  char off[32];
  std::snprintf(off, sizeof off, "%.2g", double{*error});
  if (!(*error <= test_vector_tolerance))
    return Status::error(Errc::mismatch, file.path, ": test vector: an output is off by ", off,
                         ", more than 1e-4: the weights have changed since it was made; get the file again");
  return std::string(model->spec().name) + ", input " + size_text(model->input()) + ", " +
         (model->calibration() ? "calibrated" : "not calibrated") + ", test vector off by " + off +
         (hashed ? ", hash right" : ", no hash");
}
