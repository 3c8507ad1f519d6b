// Reads the texts that options take: sizes, ranges, boxes and landmarks.
#pragma once

#include <tinyfiqa/image/preprocess.hpp>

#include <string>

/// Two whole numbers of 1 to `most` with an x between them, such as 600x416. False for any other text.
bool read_size(const std::string& text, int most, int& first, int& second);

/// The seconds of a time above 0 and of at most a day, such as 10s, 500ms or 2min; a number alone is in seconds. False for
/// any other text.
bool read_duration(const std::string& text, double& seconds);

/// The ends of a range of labels, the lower one first.
struct LabelRange {
  double low = 0, high = 1;
};
/// The text of --label-range, LOW,HIGH. Errors: bad_argument.
tinyfiqa::Result<LabelRange> read_label_range(const std::string& text);

/// The texts of --box and --landmarks, of which one may be given. Errors: bad_argument for numbers that can't be read, or
/// if both are given.
tinyfiqa::Result<tinyfiqa::Crop> read_crop(const std::string& box, const std::string& landmarks);
