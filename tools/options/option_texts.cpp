#include "options/option_texts.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "reports/text.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

using namespace tinyfiqa;

namespace {

/// Reads exactly `count` finite numbers that are separated by commas.
bool read_numbers(const std::string& text, std::size_t count, std::vector<double>& numbers) {
  for (const std::string& part : split_text(text, ',')) {
    double value = 0;
    std::string problem;
    if (!parse_number(part, "", value, problem)) return false;
    numbers.push_back(value);
  }
  return numbers.size() == count;
}

Status wrong_numbers(const char* option, int count, const std::string& text) {
  return Status::error(Errc::bad_argument, option, " takes ", count, " numbers separated by commas, not '",
                       text, "'");
}

}  // namespace

bool read_size(const std::string& text, int most, int& first, int& second) {
  const char *at = text.data(), *end = at + text.size();
  const auto side = [&](int& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    at = next;
    return error == std::errc() && value >= 1 && value <= most;
  };
  return side(first) && at != end && *at++ == 'x' && side(second) && at == end;
}

bool read_duration(const std::string& text, double& seconds) {
  const std::size_t end = text.find_last_of("0123456789.");
  if (end == std::string::npos) return false;
  const std::string unit = text.substr(end + 1);
  std::string problem;
  if (!parse_number(text.substr(0, end + 1), "", seconds, problem)) return false;
  if (unit == "ms")
    seconds /= 1000;
  else if (unit == "min")
    seconds *= 60;
  else if (unit != "s" && !unit.empty())
    return false;
  return seconds > 0 && seconds <= 24.0 * 3600;
}

Result<LabelRange> read_label_range(const std::string& text) {
  std::vector<double> ends;
  if (!read_numbers(text, 2, ends) || ends[0] >= ends[1])
    return Status::error(Errc::bad_argument,
                         "--label-range takes two numbers, the lower one first, such as 0,100; not '", text,
                         "'");
  return LabelRange{ends[0], ends[1]};
}

Result<Crop> read_crop(const std::string& box, const std::string& landmarks) {
  Crop crop;
  if (!box.empty() && !landmarks.empty())
    return Status::error(Errc::bad_argument, "give --box or --landmarks, not both");
  std::vector<double> n;
  if (!box.empty()) {
    if (!read_numbers(box, 4, n)) return wrong_numbers("--box", 4, box);
    const auto at = [&](std::size_t i) { return static_cast<float>(std::clamp(n[i], -1e9, 1e9)); };
    crop.box = FaceBox{at(0), at(1), at(2), at(3)};
  }
  if (!landmarks.empty()) {
    if (!read_numbers(landmarks, 10, n)) return wrong_numbers("--landmarks", 10, landmarks);
    Landmarks points;
    for (std::size_t i = 0; i < 5; ++i) {
      points.x[i] = static_cast<float>(n[2 * i]);
      points.y[i] = static_cast<float>(n[2 * i + 1]);
    }
    crop.landmarks = points;
  }
  return crop;
}
