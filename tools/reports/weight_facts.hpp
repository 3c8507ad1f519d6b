// The metadata of a weight file: how to write it, and whether it is true.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Sets the value of a key. An existing key keeps its place.
void set_metadata(tinyfiqa::Metadata& metadata, const std::string& key, const std::string& value);
void drop_metadata(tinyfiqa::Metadata& metadata, std::string_view key);

/// Adds "KEY=TEXT", an argument of --about. Errors: bad_argument, also for reserved_metadata().
tinyfiqa::Status add_about(const std::string& argument, tinyfiqa::Metadata& metadata);

/// The keys that describe_weights() and calibration_metadata() write. Users can't set them.
const std::vector<std::string>& reserved_metadata();

/// The input size, height first: "64x64".
std::string size_text(const tinyfiqa::InputSpec& input);
/// The normalisation of levels 0..255, with the order of the channels: "RGB, (level - 127.5) * 0.0078125".
std::string normalisation_text(const tinyfiqa::InputSpec& input);

/// Writes model name, input size, normalisation, calibration (if there is one) and test vector to the
/// metadata. Errors: those of make_test_vector().
tinyfiqa::Status describe_weights(const tinyfiqa::Model& model,
                                  const std::optional<tinyfiqa::Calibration>& calibration,
                                  tinyfiqa::Metadata& metadata);

/// Compares the metadata with the weights, and runs the test vector. Returns a summary. Errors: the first
/// check that fails, with the file and the check; not_found if there is no test vector.
tinyfiqa::Result<std::string> check_weights(const tinyfiqa::TensorFile& file,
                                            const tinyfiqa::Backend& backend);
