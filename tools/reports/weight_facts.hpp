// What a weight file says about itself, and whether it is true.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Gives the key this value, in its old place if it has one.
void set_metadata(tinyfiqa::Metadata& metadata, const std::string& key, const std::string& value);
void drop_metadata(tinyfiqa::Metadata& metadata, std::string_view key);

/// The keys that describe_weights() and calibration_metadata() write, for which no text of the user's can
/// stand.
const std::vector<std::string>& reserved_metadata();

/// "64x64", height first.
std::string size_text(const tinyfiqa::InputSpec& input);
/// "RGB, (level - 127.5) * 0.0078125", levels from 0 to 255.
std::string normalisation_text(const tinyfiqa::InputSpec& input);

/// Model name, input size, normalisation, calibration (if the model has one) and test vector. Errors: those
/// of make_test_vector().
tinyfiqa::Status describe_weights(const tinyfiqa::Model& model,
                                  const std::optional<tinyfiqa::Calibration>& calibration,
                                  tinyfiqa::Metadata& metadata);

/// Compares what the metadata says with what the weights are, and runs the test vector. The text tells what
/// was found. Errors: what fails first, naming the file and the check; not_found where there is no test
/// vector.
tinyfiqa::Result<std::string> check_weights(const tinyfiqa::TensorFile& file,
                                            const tinyfiqa::Backend& backend);
