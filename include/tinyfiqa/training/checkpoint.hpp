// Saves and loads the whole state of a training run in one file. The file is replaced atomically: a crash
// leaves either the old or the new file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
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

}  // namespace detail

/// Saves everything that `trainer` needs to continue. `fingerprint` identifies the options and the data; it
/// must be the same when the file is loaded. Errors: cannot_write.
inline Status save_checkpoint(const std::string& path, Trainer& trainer, const std::string& fingerprint) {
  const TrainState& s = trainer.state();
  std::vector<FloatTensor> tensors;
  const auto add = [&](const char* name, Span<const float> values) {
    tensors.push_back({name, {static_cast<std::int64_t>(values.size)}, values});
  };
  add("params", trainer.block());
  add("first_moment", trainer.optimizer().first_moment());
  add("second_moment", trainer.optimizer().second_moment());
  add("average", trainer.average());
  return write_safetensors(path, tensors,
                           {{"kind", "tinyfiqa training state 1"},
                            {"fingerprint", fingerprint},
                            {"epoch", std::to_string(s.epoch)},
                            {"batch", std::to_string(s.batch)},
                            {"loss_sum", detail::exact_text(s.loss_sum)},
                            {"images", std::to_string(s.images)},
                            {"best_epoch", std::to_string(s.best_epoch)},
                            {"best_score", detail::exact_text(s.best_score)},
                            {"optimizer_steps", std::to_string(trainer.optimizer().steps())},
                            {"log", detail::log_text(s.log)}});
}

/// Restores the state that save_checkpoint() wrote. On an error the trainer is unchanged. Errors: mismatch if
/// the options, the data or the sizes differ; bad_format; those of read_safetensors().
inline Status load_checkpoint(const std::string& path, Trainer& trainer, const std::string& fingerprint) {
  const auto file = read_safetensors(path);
  if (!file) return file.status();
  if (detail::metadata_of(*file, "kind") != "tinyfiqa training state 1")
    return Status::error(Errc::bad_format, path, ": not a training state; give a file that training wrote");
  if (detail::metadata_of(*file, "fingerprint") != fingerprint)
    return Status::error(Errc::mismatch, path,
                         ": this training was started with other options or other data; resume it with "
                         "the same ones, or start a new training in another folder");
  const std::pair<const char*, Span<float>> parts[] = {{"params", trainer.block()},
                                                       {"first_moment", trainer.optimizer().first_moment()},
                                                       {"second_moment", trainer.optimizer().second_moment()},
                                                       {"average", trainer.average()}};
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
  const auto number = [&](const char* key) {
    return std::strtod(detail::metadata_of(*file, key).c_str(), nullptr);
  };
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

TINYFIQA_END
