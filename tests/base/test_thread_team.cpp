#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/threads/thread_team.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace tinyfiqa;

TEST_CASE("helpers treat subnormal floats as zeros when their caller does") {
  ThreadTeam owner(3);
  const auto zeros = [&] {
    std::atomic<int> found{0};
    kernels::parallel_parts(owner.team(), 3, [&](int, int) {
      volatile float smallest = 1e-39f;
      const float product = smallest * 1.0f;
      if (product == 0) ++found;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // so that others take the other parts
    });
    return found.load();
  };
  for (int i = 0; i < 20; ++i) {
    CHECK(zeros() == 0);
    const FlushSubnormals flush;
    CHECK(zeros() == (detail::flush_subnormals_bits != 0 ? 3 : 0));
  }
}

TEST_CASE("a helper that goes on from one call to the next takes that call's float control") {
  // The calls follow each other without a pause and their parts are short, so a helper is often still looking
  // for work of one call when the next call begins.
  ThreadTeam owner(3);
  std::atomic<int> wrong{0};
  for (int call = 0; call < 20000; ++call) {
    const std::uint64_t before = detail::float_control();
    if (call % 2 == 1) detail::set_float_control(before | detail::flush_subnormals_bits);
    const bool flushed = (detail::float_control() & detail::flush_subnormals_bits) != 0;
    kernels::parallel_parts(owner.team(), 12, [&](int, int) {
      volatile float smallest = 1e-39f;
      const float product = smallest * 1.0f;
      if ((product == 0) != flushed) ++wrong;
    });
    detail::set_float_control(before);
  }
  CHECK(wrong == 0);
}

TEST_CASE("a team does every part once, call after call, and a slot has one caller at a time") {
  for (const int threads : {1, 2, 3, 5}) {
    INFO(threads << " threads");
    ThreadTeam owner(threads);
    const Team team = owner.team();
    REQUIRE(team.threads == threads);
    std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
    std::atomic<int> collisions{0}, foreign{0};
    for (int call = 0; call < 3000; ++call) {
      const int parts = call % 23;
      std::vector<int> done(23, 0);
      kernels::parallel_parts(team, parts, [&](int part, int slot) {
        if (slot < 0 || slot >= threads) return void(++foreign);
        if (busy[static_cast<std::size_t>(slot)].fetch_add(1) != 0) ++collisions;
        ++done[static_cast<std::size_t>(part)];  // the caller must see this: no atomic
        busy[static_cast<std::size_t>(slot)].fetch_sub(1);
      });
      for (int part = 0; part < 23; ++part)
        REQUIRE(done[static_cast<std::size_t>(part)] == (part < parts ? 1 : 0));
      if (call % 1000 == 999)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));  // helpers fall asleep
    }
    CHECK(collisions == 0);
    CHECK(foreign == 0);
  }
}

TEST_CASE("ranges cover the whole, and a split has one range a thread") {
  ThreadTeam owner(3);
  for (const int count : {0, 1, 2, 3, 7, 100}) {
    std::vector<int> hits(100, 0), part_of(100, -1);
    kernels::parallel_for(owner.team(), count, [&](int begin, int end, int) {
      for (int i = begin; i < end; ++i) ++hits[static_cast<std::size_t>(i)];
    });
    kernels::parallel_split(owner.team(), count, [&](int begin, int end, int part) {
      for (int i = begin; i < end; ++i) part_of[static_cast<std::size_t>(i)] = part;
    });
    for (int i = 0; i < 100; ++i) {
      CHECK(hits[static_cast<std::size_t>(i)] == (i < count ? 1 : 0));
      const int parts = std::min(3, count);
      CHECK((part_of[static_cast<std::size_t>(i)] >= 0) == (i < count));
      CHECK(part_of[static_cast<std::size_t>(i)] < std::max(parts, 1));
    }
    CHECK(std::is_sorted(part_of.begin(), part_of.begin() + count));
  }
}

TEST_CASE("work on a thread of its own gives its result or its exception, and is waited for") {
  CHECK_FALSE(Aside<int>().valid());
  std::atomic<bool> done{false};
  {
    Aside<int> seven([&done] {
      done = true;
      return 7;
    });
    CHECK(seven.valid());
    Aside<int> moved = std::move(seven);
    CHECK(moved.get() == 7);
    CHECK_FALSE(moved.valid());
    done = false;
    Aside<std::unique_ptr<int>> ignored([&done] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      done = true;
      return std::make_unique<int>(1);
    });
  }
  CHECK(done);
  Aside<int> fails([]() -> int { throw std::runtime_error("no"); });
  CHECK_THROWS_WITH(fails.get(), "no");
}

TEST_CASE("a program's own pool can do the parts") {
  struct Backwards {
    static void run(void* self, int parts, Team::Task task, const void* context) {
      ++*static_cast<int*>(self);
      for (int part = parts; part-- > 0;) task(context, part, 0);
    }
  };
  int calls = 0;
  Team team;
  team.threads = 4;
  team.run = Backwards::run;
  team.self = &calls;
  std::vector<int> order;
  kernels::parallel_for(team, 3, [&](int begin, int, int) { order.push_back(begin); });
  CHECK(order == std::vector<int>{2, 1, 0});
  CHECK(calls == 1);
  kernels::parallel_for(Team(), 3, [&](int begin, int end, int) { order = {begin, end}; });
  CHECK(order == std::vector<int>{0, 3});
}
