// The columns of found faces in CSV and JSON, which are those that data sets have.
#pragma once

#include <nlohmann/json.hpp>

#include "jobs/faces/found_face.hpp"

#include <functional>
#include <optional>
#include <string>

/// The landmarks' names, without _x and _y.
extern const char* const landmark_column_names[5];
/// "face,confidence,box_x,...,image_right_mouth_y,note"
const std::string& face_columns();
/// The values of these columns; empty for null.
std::string face_fields(const FoundFace* face);
/// The face that has these values; `field` gives the text of a column, empty if there is none. No face if neither a box
/// nor landmarks are given. Errors: bad_format for numbers that are none.
tinyfiqa::Result<std::optional<FoundFace>> read_face_fields(
    const std::function<std::string(const std::string&)>& field);
/// The landmarks as they are read from these values.
tinyfiqa::Landmarks written_landmarks(const tinyfiqa::Face& face);
/// Adds them to a JSON object.
void add_face(nlohmann::ordered_json& json, const FoundFace& face);
/// "aligned crop", "tight crop", or "" for a face in its surroundings.
const char* framing_note(const FoundFace& face);
