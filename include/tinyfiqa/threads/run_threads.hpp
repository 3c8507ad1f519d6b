// The threads of a session.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/base/team.hpp>

#ifndef TINYFIQA_NO_THREADS
#include <tinyfiqa/threads/thread_team.hpp>

#include <memory>
#endif

TINYFIQA_BEGIN

/// The caller alone, or a team of threads for more than one. Can be moved.
class RunThreads {
 public:
  /// `threads` includes the caller. Error: unsupported for more than one in a program without threads
  /// (TINYFIQA_NO_THREADS).
  Status start(int threads) {
    if (threads <= 1) return {};
#ifdef TINYFIQA_NO_THREADS
    return Status::error(
        Errc::unsupported, "this program is compiled without threads, but is to use ", threads,
        "; use 1, or compile it without TINYFIQA_NO_THREADS by a compiler that has std::thread");
#else
    team_ = std::make_unique<ThreadTeam>(threads);
    return {};
#endif
  }
  Team team() {
#ifndef TINYFIQA_NO_THREADS
    if (team_ != nullptr) return team_->team();
#endif
    return {};
  }

#ifndef TINYFIQA_NO_THREADS
 private:
  std::unique_ptr<ThreadTeam> team_;
#endif
};

TINYFIQA_END
