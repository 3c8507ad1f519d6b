// The texts of a training's state: read exactly, and refused if a number can't be.
#include <tinyfiqa/training/state_text.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>

using namespace tinyfiqa;

namespace {

TensorFile train_state() {
  EpochRow row;
  row.epoch = 1;
  row.loss = 1.0 / 3;
  row.val.count = 40;
  row.val.constant = true;
  row.val.srcc = -0.7;
  row.images_per_s = 1e-300;
  TensorFile file;
  file.path = "state.safetensors";
  file.metadata = {{"epoch", "2"},
                   {"batch", "7"},
                   {"loss_sum", detail::exact_text(0.1)},
                   {"images", "56"},
                   {"best_epoch", "1"},
                   {"best_score", detail::exact_text(-2)},
                   {"optimizer_steps", "123"},
                   {"ranks", "2"},
                   {"threads", "4"},
                   {"log", detail::log_text({row, row})}};
  return file;
}

TensorFile detector_state() {
  DetectorEpoch row;
  row.epoch = 1;
  row.landmarks = 0.1;
  row.agreement.matched = 12;
  TensorFile file;
  file.path = "state.safetensors";
  file.metadata = {{"epoch", "1"},
                   {"batch", "0"},
                   {"object", "0x1p-1"},
                   {"face", "0x0p+0"},
                   {"box", "0x0p+0"},
                   {"landmarks", "1.5"},
                   {"foreground", "3"},
                   {"best_epoch", "0"},
                   {"best_score", "0"},
                   {"optimizer_steps", "9"},
                   {"log", detail::log_text({row})}};
  return file;
}

TensorFile with(TensorFile file, const std::string& key, const std::string& text) {
  for (auto& [k, v] : file.metadata)
    if (k == key) v = text;
  return file;
}

/// Is the state refused, and the key named?
template <class Read>
bool refuses(const Read& read, const TensorFile& file, const std::string& key) {
  const auto progress = read(file);
  if (progress.ok()) return false;
  const std::string message = progress.status().message();
  return progress.status().code() == Errc::bad_format && message.find("'" + key + "'") != std::string::npos &&
         message.find("state.safetensors") == 0;
}

}  // namespace

TEST_CASE("the progress of a training is read exactly as it was written") {
  const auto p = detail::read_train_progress(train_state());
  REQUIRE_MESSAGE(p.ok(), p.status().message());
  CHECK(p->state.epoch == 2);
  CHECK(p->state.batch == 7);
  CHECK(p->state.loss_sum == 0.1);
  CHECK(p->state.images == 56);
  CHECK(p->optimizer_steps == 123);
  CHECK(p->state.ranks == 2);
  CHECK(p->state.threads == 4);
  REQUIRE(p->state.log.size() == 2);
  CHECK(p->state.log[1].loss == 1.0 / 3);
  CHECK(p->state.log[1].val.count == 40);
  CHECK(p->state.log[1].val.constant);
  CHECK(p->state.log[1].val.srcc == -0.7);
  CHECK(p->state.log[1].images_per_s == 1e-300);
  const auto d = detail::read_detector_progress(detector_state());
  REQUIRE_MESSAGE(d.ok(), d.status().message());
  CHECK(d->state.sums.landmarks == 1.5);
  CHECK(d->state.log[0].landmarks == 0.1);
  CHECK(d->state.log[0].agreement.matched == 12);
}

TEST_CASE("a count of a training's state that is none is refused by its key") {
  for (const char* text :
       {"", "x", "-1", "1.5", "1e300", "nan", "inf", "2147483648", "7 8", "9999999999999999999"}) {
    CAPTURE(text);
    for (const char* key : {"epoch", "batch", "images", "best_epoch", "optimizer_steps", "ranks", "threads"})
      CHECK(refuses(detail::read_train_progress, with(train_state(), key, text), key));
    for (const char* key : {"epoch", "batch", "best_epoch", "optimizer_steps"})
      CHECK(refuses(detail::read_detector_progress, with(detector_state(), key, text), key));
  }
  for (const char* text : {"", "loss", "1 2", "0x"})
    CHECK(refuses(detail::read_train_progress, with(train_state(), "loss_sum", text), "loss_sum"));
  CHECK(refuses(detail::read_train_progress, with(train_state(), "epoch", "1"), "log"));
}

TEST_CASE("a log of a training that is cut off or has wrong numbers is refused") {
  const std::string good = detail::metadata_of(train_state(), "log");
  const std::string row = good.substr(0, good.find('\n') + 1);
  for (const std::string& log : {std::string(), row, row + row + row, row + row.substr(0, row.size() / 2),
                                 row + "1e300" + row.substr(1), row + "-1" + row.substr(1), row + "\n",
                                 row + row.substr(0, row.size() - 1) + " 1\n"}) {
    CAPTURE(log);
    CHECK(refuses(detail::read_train_progress, with(train_state(), "log", log), "log"));
  }
  const std::string line = detail::metadata_of(detector_state(), "log");
  for (const std::string& log :
       {std::string(), line + line, line.substr(0, line.size() / 2), "nan" + line.substr(1)}) {
    CAPTURE(log);
    CHECK(refuses(detail::read_detector_progress, with(detector_state(), "log", log), "log"));
  }
}
