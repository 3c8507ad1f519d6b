// The loop of a training over its epochs, with progress, Ctrl-C and saving.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "jobs/progress.hpp"
#include "jobs/stop_signal.hpp"
#include "options/messages.hpp"
#include "reports/text.hpp"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>

/// What the loop needs beside the trainer.
struct EpochLoop {
  int epochs = 0;
  std::size_t batches = 0;                        ///< of an epoch
  std::string resume_command;                     ///< for the message of a stopped training
  std::function<tinyfiqa::Status()> write_epoch;  ///< writes the results of an epoch
  std::function<tinyfiqa::Status()> save;         ///< saves the state, also of a stopped training
  std::function<void()> print_epoch;
  // These may be left out.
  std::function<void()> count_step;
  bool prints = true;  ///< false: another process prints the message
  std::function<int(int)>
      signal_of_all;  ///< from the signal of this process, or 0, that of one which has got one
};

/// Trains from the trainer's epoch to the last one. Returns the program's exit status.
template <class Trainer>
int run_epochs(Trainer& trainer, const EpochLoop& loop) {
  const auto fail = [](const tinyfiqa::Status& status) {
    print_error(status);
    return exit_some_failed;
  };
  catch_stop_signals();
  while (trainer.state().epoch < loop.epochs) {
    Progress progress(loop.batches, "batches");
    const auto done = trainer.run_epoch([&](std::size_t batches, std::size_t) {
      if (loop.count_step) loop.count_step();
      progress.show(batches);
      return stop_signal == 0;
    });
    progress.clear();
    if (!done) return fail(done.status());
    if (!*done) {
      if (const tinyfiqa::Status s = loop.save(); !s) return fail(s);
      if (loop.prints)
        std::fprintf(stderr, "tinyfiqa: stopped in epoch %d; continue with: %s\n", trainer.state().epoch + 1,
                     loop.resume_command.c_str());
      return 128 + (loop.signal_of_all ? loop.signal_of_all(stop_signal) : stop_signal);
    }
    if (const tinyfiqa::Status s = loop.write_epoch(); !s) return fail(s);
    if (const tinyfiqa::Status s = loop.save(); !s) return fail(s);
    loop.print_epoch();
  }
  return exit_done;
}

/// "  90 images/s  12:05 left" with `left` images to go; empty if the speed is 0, in an epoch that was resumed after
/// its last step.
inline std::string speed_text(double images_per_s, double left) {
  if (images_per_s <= 0) return {};
  const double seconds = left / images_per_s;
  return format_text("  %.0f images/s  %.0f:%02.0f left", images_per_s, std::floor(seconds / 60),
                     std::floor(std::fmod(seconds, 60)));
}
