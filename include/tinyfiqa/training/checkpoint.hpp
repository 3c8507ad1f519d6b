// Saves and loads the whole state of a training run in one file. The file is replaced atomically: a crash
// leaves either the old or the new file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>
#include <tinyfiqa/training/detector_trainer.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// A double as hexadecimal text, without rounding.
inline std::string exact_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

/// The log as text, one line per epoch; parse_log() reads it.
inline std::string log_text(const std::vector<EpochRow>& log) {
  std::string text;
  for (const EpochRow& r : log) {
    text +=
        std::to_string(r.epoch) + " " + std::to_string(r.val.count) + " " + std::to_string(r.val.constant);
    for (const double v : {r.loss, r.images_per_s, r.val.srcc, r.val.plcc, r.val.kendall, r.val.rmse,
                           r.val.final_score, r.accuracy})
      text += " " + exact_text(v);
    text += "\n";
  }
  return text;
}

inline std::vector<EpochRow> parse_log(const std::string& text) {
  std::vector<EpochRow> log;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const char* at = line.c_str();
    char* end = nullptr;
    EpochRow r;
    r.epoch = static_cast<int>(std::strtol(at, &end, 10));
    r.val.count = std::strtoul(end, &end, 10);
    r.val.constant = std::strtol(end, &end, 10) != 0;
    for (double* v : {&r.loss, &r.images_per_s, &r.val.srcc, &r.val.plcc, &r.val.kendall, &r.val.rmse,
                      &r.val.final_score, &r.accuracy})
      *v = std::strtod(end, &end);
    log.push_back(r);
  }
  return log;
}

inline std::string metadata_of(const TensorFile& file, const char* key) {
  for (const auto& [k, v] : file.metadata)
    if (k == key) return v;
  return "";
}

/// A number of the metadata that was written as decimal or hexadecimal text; 0 if there is none.
inline double state_number(const TensorFile& file, const char* key) {
  return std::strtod(metadata_of(file, key).c_str(), nullptr);
}

/// One array of a training's state.
using StatePart = std::pair<const char*, Span<float>>;

/// The metadata entry with the hash of all other metadata of a training's state. Its arrays have the hash of weight files.
constexpr const char* state_hash_key = "state_hash";

/// The hash for state_hash_key, as a decimal number.
inline std::string state_hash(const Metadata& metadata) {
  std::uint64_t sum = 0;
  for (const auto& [key, value] : metadata)
    if (key != state_hash_key && key != weight_hash_key) sum += hash_text(value, hash_text(key, 1));
  return std::to_string(sum);
}

/// Checks that the state is what write_state() wrote. It must have both hashes, whatever its size: a training that
/// continues from a damaged state gives no error later, only worse weights. Errors: bad_format.
inline Status check_state(const TensorFile& file) {
  const auto damaged = [&](const auto&... what) {
    return Status::error(
        Errc::bad_format, file.path, ": the state is not what the training wrote (", what...,
        "): the file is damaged, was edited, or comes from an older version; start the training again");
  };
  if (find_metadata(file.metadata, weight_hash_key) == nullptr) return damaged("it has no ", weight_hash_key);
  if (metadata_of(file, state_hash_key) != state_hash(file.metadata))
    return damaged(state_hash_key, " differs");
  if (!check_weight_hash(file)) return damaged(weight_hash_key, " differs");
  for (const char* key : {"epoch", "batch", "images", "best_epoch", "optimizer_steps"})
    if (const double count = state_number(file, key);
        !(count >= 0 && count <= std::numeric_limits<int>::max()))
      return damaged(key, " is no count");
  return {};
}

/// Writes the arrays and the metadata of a training. Errors: cannot_write.
inline Status write_state(const std::string& path, const char* kind, const std::string& fingerprint,
                          const std::vector<StatePart>& parts,
                          std::vector<std::pair<std::string, std::string>> metadata) {
  std::vector<FloatTensor> tensors;
  for (const auto& [name, values] : parts)
    tensors.push_back({name, {static_cast<std::int64_t>(values.size)}, values});
  metadata.emplace_back("kind", kind);
  metadata.emplace_back("fingerprint", fingerprint);
  metadata.emplace_back(state_hash_key, state_hash(metadata));
  return write_safetensors(path, tensors, metadata);
}

/// Reads them back into `parts` and returns the file. On an error nothing changes. Errors: mismatch if the options, the
/// data or the sizes differ; those of check_state() and
/// read_safetensors().
inline Result<TensorFile> read_state(const std::string& path, const char* kind,
                                     const std::string& fingerprint, const std::vector<StatePart>& parts) {
  auto file = read_safetensors(path);
  if (!file) return file.status();
  if (metadata_of(*file, "kind") != kind)
    return Status::error(Errc::bad_format, path, ": not a training state; give a file that training wrote");
  if (const Status s = check_state(*file); !s) return s;
  if (metadata_of(*file, "fingerprint") != fingerprint)
    return Status::error(Errc::mismatch, path,
                         ": this training was started with other options or other data; resume it with "
                         "the same ones, or start a new training in another folder");
  std::vector<std::vector<float>> values;
  for (const auto& [name, target] : parts) {
    const TensorEntry* entry = file->find(name);
    if (entry == nullptr)
      return Status::error(Errc::bad_format, path, ": '", name,
                           "' is missing; the file is damaged, start the training again");
    auto floats = read_floats(*entry);
    if (!floats) return floats.status().prefixed(path, ": ");
    if (floats->size() != target.size)
      return Status::error(Errc::mismatch, path, ": '", name, "' has ", floats->size(), " values instead of ",
                           target.size, "; resume it with the same network");
    values.push_back(std::move(*floats));
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    std::copy(values[i].begin(), values[i].end(), parts[i].second.begin());
  return file;
}

/// The arrays of any trainer that has block(), optimizer() and average().
template <class AnyTrainer>
std::vector<StatePart> state_parts(AnyTrainer& trainer) {
  return {{"params", trainer.block()},
          {"first_moment", trainer.optimizer().first_moment()},
          {"second_moment", trainer.optimizer().second_moment()},
          {"average", trainer.average()}};
}

constexpr const char* trainer_state_kind = "tinyfiqa training state 1";
constexpr const char* detector_state_kind = "tinyfiqa detector training state 1";

}  // namespace detail

/// Saves everything that `trainer` needs to continue. `fingerprint` identifies the options and the data; it
/// must be the same when the file is loaded. Errors: cannot_write.
inline Status save_checkpoint(const std::string& path, Trainer& trainer, const std::string& fingerprint) {
  const TrainState& s = trainer.state();
  return detail::write_state(path, detail::trainer_state_kind, fingerprint, detail::state_parts(trainer),
                             {{"epoch", std::to_string(s.epoch)},
                              {"batch", std::to_string(s.batch)},
                              {"loss_sum", detail::exact_text(s.loss_sum)},
                              {"images", std::to_string(s.images)},
                              {"best_epoch", std::to_string(s.best_epoch)},
                              {"best_score", detail::exact_text(s.best_score)},
                              {"optimizer_steps", std::to_string(trainer.optimizer().steps())},
                              {"log", detail::log_text(s.log)}});
}

/// Restores the state that save_checkpoint() wrote. On an error the trainer is unchanged. Errors: those of
/// detail::read_state().
inline Status load_checkpoint(const std::string& path, Trainer& trainer, const std::string& fingerprint) {
  const auto file =
      detail::read_state(path, detail::trainer_state_kind, fingerprint, detail::state_parts(trainer));
  if (!file) return file.status();
  const auto number = [&](const char* key) { return detail::state_number(*file, key); };
  TrainState& s = trainer.state();
  s.epoch = static_cast<int>(number("epoch"));
  s.batch = static_cast<std::size_t>(number("batch"));
  s.loss_sum = number("loss_sum");
  s.images = static_cast<std::size_t>(number("images"));
  s.best_epoch = static_cast<int>(number("best_epoch"));
  s.best_score = number("best_score");
  s.log = detail::parse_log(detail::metadata_of(*file, "log"));
  trainer.optimizer().set_steps(static_cast<long long>(number("optimizer_steps")));
  return {};
}

namespace detail {

/// The numbers of one line of a detector's log, in their order in the file.
template <class Epoch, class Body>
void for_each_log_number(Epoch& r, const Body& body) {
  auto& a = r.agreement;
  body(r.loss), body(r.object), body(r.face), body(r.box), body(r.landmarks), body(r.images_per_s);
  body(a.photos), body(a.teacher_faces), body(a.student_faces), body(a.matched), body(a.landmark_error);
}

inline std::string log_text(const std::vector<DetectorEpoch>& log) {
  std::string text;
  for (const DetectorEpoch& r : log) {
    text += std::to_string(r.epoch);
    for_each_log_number(r, [&](const auto& v) { text += " " + exact_text(static_cast<double>(v)); });
    text += "\n";
  }
  return text;
}
inline std::vector<DetectorEpoch> parse_detector_log(const std::string& text) {
  std::vector<DetectorEpoch> log;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    char* at = nullptr;
    DetectorEpoch r;
    r.epoch = static_cast<int>(std::strtol(line.c_str(), &at, 10));
    for_each_log_number(r,
                        [&](auto& v) { v = static_cast<std::decay_t<decltype(v)>>(std::strtod(at, &at)); });
    log.push_back(r);
  }
  return log;
}

}  // namespace detail

/// The same for the training of a detector.
inline Status save_checkpoint(const std::string& path, DetectorTrainer& trainer,
                              const std::string& fingerprint) {
  const DetectorTrainState& s = trainer.state();
  const DetectorLossSums& sums = s.sums;
  return detail::write_state(path, detail::detector_state_kind, fingerprint, detail::state_parts(trainer),
                             {{"epoch", std::to_string(s.epoch)},
                              {"batch", std::to_string(s.batch)},
                              {"object", detail::exact_text(sums.object)},
                              {"face", detail::exact_text(sums.face)},
                              {"box", detail::exact_text(sums.box)},
                              {"landmarks", detail::exact_text(sums.landmarks)},
                              {"foreground", detail::exact_text(sums.foreground)},
                              {"best_epoch", std::to_string(s.best_epoch)},
                              {"best_score", detail::exact_text(s.best_score)},
                              {"optimizer_steps", std::to_string(trainer.optimizer().steps())},
                              {"log", detail::log_text(s.log)}});
}
inline Status load_checkpoint(const std::string& path, DetectorTrainer& trainer,
                              const std::string& fingerprint) {
  const auto file =
      detail::read_state(path, detail::detector_state_kind, fingerprint, detail::state_parts(trainer));
  if (!file) return file.status();
  const auto number = [&](const char* key) { return detail::state_number(*file, key); };
  DetectorTrainState& s = trainer.state();
  s.epoch = static_cast<int>(number("epoch"));
  s.batch = static_cast<std::size_t>(number("batch"));
  s.sums = {number("object"), number("face"), number("box"), number("landmarks"), number("foreground")};
  s.best_epoch = static_cast<int>(number("best_epoch"));
  s.best_score = number("best_score");
  s.log = detail::parse_detector_log(detail::metadata_of(*file, "log"));
  trainer.optimizer().set_steps(static_cast<long long>(number("optimizer_steps")));
  return {};
}

TINYFIQA_END
