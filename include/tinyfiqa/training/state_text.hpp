// The progress of a training as texts in the metadata of its state file: written exactly, and read with every number
// checked, because such a file may be damaged or come from somebody else.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/training/detector_trainer.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// A double as hexadecimal text, without rounding.
inline std::string exact_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

inline std::string metadata_of(const TensorFile& file, const char* key) {
  const std::string* const text = find_metadata(file.metadata, key);
  return text == nullptr ? std::string() : *text;
}

/// Reads numbers that exact_text() and std::to_string() wrote, separated by spaces.
class NumberReader {
 public:
  explicit NumberReader(const std::string& text) : at_(text.c_str()) {}

  bool read(double& value) {
    char* end = nullptr;
    value = std::strtod(at_, &end);
    const bool good = end != at_;
    at_ = end;
    return good;
  }
  /// A whole number from 0 to 2^31 - 1, also one that was written as a double.
  template <class Int>
  bool read_count(Int& value) {
    double number = 0;
    if (!read(number) || !(number >= 0 && number <= 2147483647.0) || number != std::floor(number))
      return false;
    value = static_cast<Int>(number);
    return true;
  }
  bool at_end() const { return *at_ == '\0'; }

 private:
  const char* at_;
};

/// The progress of a training, and that of its optimiser.
template <class State>
struct Progress {
  State state;
  long long optimizer_steps = 0;
};

/// Reads the numbers of a state file by their keys, and keeps the first error.
class StateReader {
 public:
  explicit StateReader(const TensorFile& file) : file_(file) {}

  void number(const char* key, double& value) {
    const std::string text = metadata_of(file_, key);
    NumberReader reader(text);
    check(key, reader.read(value) && reader.at_end());
  }
  template <class Int>
  void count(const char* key, Int& value) {
    const std::string text = metadata_of(file_, key);
    NumberReader reader(text);
    check(key, reader.read_count(value) && reader.at_end());
  }
  /// The log, a line for each epoch: read_row(NumberReader, row) reads the numbers behind the epoch's.
  template <class Row, class ReadRow>
  void log(int epochs, std::vector<Row>& rows, const ReadRow& read_row) {
    std::istringstream lines(metadata_of(file_, "log"));
    for (std::string line; std::getline(lines, line);) {
      NumberReader reader(line);
      Row row;
      check("log", reader.read_count(row.epoch) && read_row(reader, row) && reader.at_end());
      rows.push_back(row);
    }
    check("log", rows.size() == static_cast<std::size_t>(epochs));
  }
  const Status& status() const { return status_; }

 private:
  void check(const char* key, bool good) {
    if (good || !status_.ok()) return;
    status_ = Status::error(
        Errc::bad_format, file_.path, ": '", key,
        "' of the training's state can't be read; the file is damaged, start the training again");
  }

  const TensorFile& file_;
  Status status_;
};

/// The numbers of one line of a log behind those that are counts, in their order in the file.
template <class Epoch, class Body>
void for_each_log_number(Epoch& r, const Body& body) {
  body(r.loss), body(r.images_per_s), body(r.val.srcc), body(r.val.plcc), body(r.val.kendall);
  body(r.val.rmse), body(r.val.final_score), body(r.accuracy);
}

/// The log as text, one line per epoch; read_train_progress() reads it.
inline std::string log_text(const std::vector<EpochRow>& log) {
  std::string text;
  for (const EpochRow& r : log) {
    text +=
        std::to_string(r.epoch) + " " + std::to_string(r.val.count) + " " + std::to_string(r.val.constant);
    for_each_log_number(r, [&](double v) { text += " " + exact_text(v); });
    text += "\n";
  }
  return text;
}

/// The progress in a state file. Errors: bad_format, naming file and key.
inline Result<Progress<TrainState>> read_train_progress(const TensorFile& file) {
  Progress<TrainState> p;
  TrainState& s = p.state;
  StateReader reader(file);
  reader.count("epoch", s.epoch);
  reader.count("batch", s.batch);
  reader.number("loss_sum", s.loss_sum);
  reader.count("images", s.images);
  reader.count("best_epoch", s.best_epoch);
  reader.number("best_score", s.best_score);
  reader.count("optimizer_steps", p.optimizer_steps);
  reader.count("ranks", s.ranks);
  reader.count("threads", s.threads);
  reader.log(s.epoch, s.log, [](NumberReader& numbers, EpochRow& r) {
    int constant = 0;
    bool good = numbers.read_count(r.val.count) && numbers.read_count(constant);
    r.val.constant = constant != 0;
    for_each_log_number(r, [&](double& v) { good = good && numbers.read(v); });
    return good;
  });
  if (!reader.status()) return reader.status();
  return p;
}

/// The numbers of one line of a detector's log, in their order in the file.
template <class Epoch, class Number, class Count>
void for_each_detector_number(Epoch& r, const Number& number, const Count& count) {
  auto& a = r.agreement;
  number(r.loss), number(r.object), number(r.face), number(r.box), number(r.landmarks);
  number(r.images_per_s);
  count(a.photos), count(a.teacher_faces), count(a.student_faces), count(a.matched);
  number(a.landmark_error);
}

inline std::string log_text(const std::vector<DetectorEpoch>& log) {
  std::string text;
  for (const DetectorEpoch& r : log) {
    const auto add = [&](const auto& v) { text += " " + exact_text(static_cast<double>(v)); };
    text += std::to_string(r.epoch);
    for_each_detector_number(r, add, add);
    text += "\n";
  }
  return text;
}

/// The same for the training of a detector.
inline Result<Progress<DetectorTrainState>> read_detector_progress(const TensorFile& file) {
  Progress<DetectorTrainState> p;
  DetectorTrainState& s = p.state;
  StateReader reader(file);
  reader.count("epoch", s.epoch);
  reader.count("batch", s.batch);
  reader.number("object", s.sums.object);
  reader.number("face", s.sums.face);
  reader.number("box", s.sums.box);
  reader.number("landmarks", s.sums.landmarks);
  reader.number("foreground", s.sums.foreground);
  reader.count("best_epoch", s.best_epoch);
  reader.number("best_score", s.best_score);
  reader.count("optimizer_steps", p.optimizer_steps);
  reader.log(s.epoch, s.log, [](NumberReader& numbers, DetectorEpoch& r) {
    bool good = true;
    for_each_detector_number(
        r, [&](double& v) { good = good && numbers.read(v); },
        [&](std::size_t& v) { good = good && numbers.read_count(v); });
    return good;
  });
  if (!reader.status()) return reader.status();
  return p;
}

}  // namespace detail

TINYFIQA_END
