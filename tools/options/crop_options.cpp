#include "options/crop_options.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "reports/text.hpp"

#include <algorithm>
#include <vector>

using namespace tinyfiqa;

namespace {

/// Parses exactly `count` numbers that are separated by commas.
Result<std::vector<double>> parse_numbers(const char* option, const std::string& text, std::size_t count) {
  std::vector<double> numbers;
  for (const std::string& part : split_text(text, ',')) {
    double value = 0;
    std::string problem;
    if (!parse_number(part, "", value, problem)) numbers.resize(count + 1);
    numbers.push_back(value);
  }
  if (numbers.size() == count) return numbers;
  return Status::error(Errc::bad_argument, option, " takes ", count, " numbers separated by commas, not '",
                       text, "'");
}

}  // namespace

void CropOptions::add_to(const Command& command) {
  command
      .add_option(
          "--box", box,
          "Take this box as the face, in pixels; networks that want aligned faces see it aligned by average "
          "landmarks (default: find the face)")
      .type_name("X,Y,W,H");
  command
      .add_option(
          "--landmarks", landmarks,
          "Align the face to these points before scoring, in pixels: left eye, right eye, nose, left and "
          "right corner of the mouth, as seen in the image")
      .type_name("X1,Y1,..,X5,Y5");
}

Result<Crop> CropOptions::crop() const {
  Crop crop;
  if (!box.empty() && !landmarks.empty())
    return Status::error(Errc::bad_argument, "give --box or --landmarks, not both");
  if (!box.empty()) {
    const auto n = parse_numbers("--box", box, 4);
    if (!n) return n.status();
    const auto at = [&](std::size_t i) { return static_cast<float>(std::clamp((*n)[i], -1e9, 1e9)); };
    crop.box = FaceBox{at(0), at(1), at(2), at(3)};
  }
  if (!landmarks.empty()) {
    const auto n = parse_numbers("--landmarks", landmarks, 10);
    if (!n) return n.status();
    Landmarks points;
    for (std::size_t i = 0; i < 5; ++i) {
      points.x[i] = static_cast<float>((*n)[2 * i]);
      points.y[i] = static_cast<float>((*n)[2 * i + 1]);
    }
    crop.landmarks = points;
  }
  return crop;
}
