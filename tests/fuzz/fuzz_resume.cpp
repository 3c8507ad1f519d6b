// Reads any bytes as what a training continues from. The first byte chooses: run.json, or the state file of a trainer
// or of a detector's trainer. A state file is made valid around the lines of the input, which are the values of its
// keys; the rest is its log. A state that is accepted must be written and read again as the same. Seeds: seeds/resume.
#include <tinyfiqa/training/checkpoint.hpp>

#include <cstdint>

#include "input.hpp"
#include "jobs/training/run_command.hpp"

using namespace tinyfiqa;

namespace {

constexpr const char* train_keys[] = {"epoch",      "batch",           "loss_sum", "images", "best_epoch",
                                      "best_score", "optimizer_steps", "ranks",    "threads"};
constexpr const char* detector_keys[] = {"epoch",      "batch",          "object",     "face",
                                         "box",        "landmarks",      "foreground", "best_epoch",
                                         "best_score", "optimizer_steps"};
constexpr const char* parts[] = {"params", "first_moment", "second_moment", "average"};

std::vector<unsigned char> state_file(const char* kind, Span<const char* const> keys, Input& input) {
  const int damage = input.below(32);  // one of the arrays has another size, or another name
  std::vector<TensorBytes> tensors;
  for (int i = 0; i < 4; ++i) {
    const std::int64_t count = damage == i ? 3 : 2;
    std::vector<unsigned char> bytes(4 * static_cast<std::size_t>(count));
    for (unsigned char& b : bytes) b = input.byte();
    tensors.push_back({damage == 4 + i ? "other" : parts[i], DType::f32, {count}, std::move(bytes)});
  }
  Metadata metadata;
  for (const char* key : keys) metadata.emplace_back(key, input.line());
  const Bytes log = input.rest();
  metadata.emplace_back("log", std::string(log.begin(), log.end()));
  metadata.emplace_back("kind", kind);
  metadata.emplace_back("fingerprint", "same");
  metadata.emplace_back(detail::state_hash_key,
                        detail::state_hash(metadata));  // only damage is behind wrong hashes
  detail::set_weight_hash(tensors, metadata);
  const std::string header = detail::safetensors_header(tensors, metadata);
  std::vector<unsigned char> file(8);
  detail::store_le(file.data(), header.size(), 8);
  file.insert(file.end(), header.begin(), header.end());
  for (const TensorBytes& tensor : tensors) file.insert(file.end(), tensor.bytes.begin(), tensor.bytes.end());
  return file;
}

template <class ReadProgress>
void check_state(const char* kind, Span<const char* const> keys, Input& input, const ReadProgress& read) {
  float arrays[4][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
  std::vector<detail::StatePart> targets;
  for (int i = 0; i < 4; ++i) targets.emplace_back(parts[i], Span<float>(arrays[i], 2));
  const auto file = state_file(kind, keys, input);
  const auto bytes = FileBytes::from_memory(Bytes(file), "state");
  require(!detail::read_state(bytes, kind, "other", targets, read).ok());
  const auto progress = detail::read_state(bytes, kind, "same", targets, read);
  if (!progress.ok()) {
    require(progress.status().message()[0] != '\0');
    for (const auto& array : arrays) require(array[0] == 1 && array[1] == 1);
    return;
  }
  const auto& s = progress->state;
  require(s.epoch >= 0 && s.best_epoch >= 0 && progress->optimizer_steps >= 0);
  require(s.log.size() == static_cast<std::size_t>(s.epoch));
  TensorFile again;
  const auto before = read_safetensors(bytes);
  again.metadata = before->metadata;
  for (auto& [key, value] : again.metadata)
    if (key == "log") value = detail::log_text(s.log);
  const auto second = read(again);
  require(second.ok() && detail::log_text(second->state.log) == detail::log_text(s.log));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const int what = input.below(3);
  if (what == 0) {
    const auto run = read_run_command(FileBytes::from_memory(input.rest(), "run.json"));
    require(run.ok() || run.status().message()[0] != '\0');
  } else if (what == 1) {
    check_state(detail::trainer_state_kind, {train_keys, 7}, input, detail::read_train_progress);
  } else {
    check_state(detail::detector_state_kind, {detector_keys, 10}, input, detail::read_detector_progress);
  }
  return 0;
}
