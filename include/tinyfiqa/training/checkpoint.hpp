// Saves and loads the whole state of a training run in one file. The file is replaced atomically: a crash
// leaves either the old or the new file.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/safetensors.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>
#include <tinyfiqa/training/detector_trainer.hpp>
#include <tinyfiqa/training/state_text.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

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

/// Reads the arrays that write_state() wrote, and the rest of the state by read_progress(file). On an error nothing changes.
/// Errors: mismatch if the options, the data or the sizes differ; those of check_state(), read_safetensors() and
/// read_progress().
template <class ReadProgress>
auto read_state(const FileBytes& bytes, const char* kind, const std::string& fingerprint,
                const std::vector<StatePart>& parts, const ReadProgress& read_progress)
    -> decltype(read_progress(std::declval<const TensorFile&>())) {
  const auto file = read_safetensors(bytes);
  if (!file) return file.status();
  const std::string& path = file->path;
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
  auto progress = read_progress(*file);
  if (!progress) return progress;
  for (std::size_t i = 0; i < values.size(); ++i)
    std::copy(values[i].begin(), values[i].end(), parts[i].second.begin());
  return progress;
}

/// The arrays of any trainer that has block(), optimizer() and average().
template <class AnyTrainer>
std::vector<StatePart> state_parts(AnyTrainer& trainer) {
  return {{"params", trainer.block()},
          {"first_moment", trainer.optimizer().first_moment()},
          {"second_moment", trainer.optimizer().second_moment()},
          {"average", trainer.average()}};
}

/// Loads the state of any trainer. On an error it is unchanged. Errors: those of read_state().
template <class AnyTrainer, class ReadProgress>
Status load_state(const FileBytes& file, const char* kind, const std::string& fingerprint,
                  AnyTrainer& trainer, const ReadProgress& read_progress) {
  auto progress = read_state(file, kind, fingerprint, state_parts(trainer), read_progress);
  if (!progress) return progress.status();
  trainer.optimizer().set_steps(progress->optimizer_steps);
  trainer.state() = std::move(progress->state);
  return {};
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
                              {"ranks", std::to_string(s.ranks)},
                              {"threads", std::to_string(s.threads)},
                              {"log", detail::log_text(s.log)}});
}

/// Restores the state in a file that save_checkpoint() wrote. On an error the trainer is unchanged. The result is that of a
/// training without a stop to the bit, if ranks and threads are those of state(). Errors: mismatch if the options,
/// the data or the sizes differ; bad_format; those of read_safetensors().
inline Status load_checkpoint(const FileBytes& file, Trainer& trainer, const std::string& fingerprint) {
  return detail::load_state(file, detail::trainer_state_kind, fingerprint, trainer,
                            detail::read_train_progress);
}
/// The same. Errors: also those of read_file().
inline Status load_checkpoint(const std::string& path, Trainer& trainer, const std::string& fingerprint) {
  const auto file = read_file(path);
  return file ? load_checkpoint(*file, trainer, fingerprint) : file.status();
}

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
  const auto file = read_file(path);
  if (!file) return file.status();
  return detail::load_state(*file, detail::detector_state_kind, fingerprint, trainer,
                            detail::read_detector_progress);
}

TINYFIQA_END
