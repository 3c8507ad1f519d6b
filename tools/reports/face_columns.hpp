// The columns of found faces in CSV and JSON, which are those that data sets have.
#pragma once

#include <nlohmann/json.hpp>

#include "jobs/faces/found_face.hpp"

#include <string>

/// "face,confidence,box_x,...,image_right_mouth_y,note"
const std::string& face_columns();
/// The values of these columns; empty for null.
std::string face_fields(const FoundFace* face);
/// The landmarks as they are read from these values.
tinyfiqa::Landmarks written_landmarks(const tinyfiqa::Face& face);
/// Adds them to a JSON object.
void add_face(nlohmann::ordered_json& json, const FoundFace& face);
/// "aligned crop", "tight crop", or "" for a face in its surroundings.
const char* framing_note(const FoundFace& face);
