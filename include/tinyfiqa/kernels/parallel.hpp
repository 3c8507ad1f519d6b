// Splits work over a team of threads (base/team.hpp). Nothing is allocated. Without a team the caller
// does all.
#pragma once

#include <tinyfiqa/base/team.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// Calls body(part, slot) once for each part 0 .. parts - 1. `slot` is 0 .. team.threads - 1, and different
/// for calls that run at the same time: index a thread's scratch by it.
template <class Body>
void parallel_parts(const Team& team, int parts, const Body& body) {
  if (team.run == nullptr || team.threads == 1 || parts <= 1) {
    for (int part = 0; part < parts; ++part) body(part, 0);
    return;
  }
  team.run(
      team.self, parts,
      [](const void* context, int part, int slot) { (*static_cast<const Body*>(context))(part, slot); },
      &body);
}

/// Calls body(begin, end, slot) for ranges that together are 0 .. count, `ranges` of them for each thread. A
/// thread takes the next range when it is free, so a thread that starts late does less.
template <class Body>
void parallel_for([[maybe_unused]] const Team& team, int count, const Body& body,
                  [[maybe_unused]] int ranges = 4) {
#ifdef TINYFIQA_SMALL  // no 64-bit division
  if (count > 0) body(0, count, 0);
#else
  const int wanted = team.threads == 1 ? 1 : team.threads * ranges, parts = wanted < count ? wanted : count;
  parallel_parts(team, parts, [&](int part, int slot) {
    const long long p = part, total = count;
    body(static_cast<int>(total * p / parts), static_cast<int>(total * (p + 1) / parts), slot);
  });
#endif
}

/// Splits rows begin .. end - 1, counted through images of `height` rows each: calls body(image, first, last) for the
/// rows first .. last - 1 of each image.
template <class Body>
void for_each_image(int height, int begin, int end, const Body& body) {
  while (begin < end) {
    const int image = begin / height, first = begin % height;
    const int last = end - begin < height - first ? first + end - begin : height;
    body(image, first, last);
    begin += last - first;
  }
}

/// Calls body(begin, end, part) for one range per thread; `part` is the number of the range, whichever thread
/// runs it. Partial sums that are kept by part and added in the order of the parts depend on the number of
/// threads, but not on their timing.
template <class Body>
void parallel_split(const Team& team, int count, const Body& body) {
  const int parts = team.threads < count ? team.threads : count;
  parallel_parts(team, parts, [&](int part, int) {
    const long long p = part, total = count;
    body(static_cast<int>(total * p / parts), static_cast<int>(total * (p + 1) / parts), part);
  });
}

/// The team for a job of `macs` multiply-adds. Small jobs are left to the caller, because a call of a team
/// costs about a microsecond.
TINYFIQA_INLINE Team worth_team(Team team, [[maybe_unused]] double macs) {
#ifndef TINYFIQA_SMALL
  if (macs < 2e5) team.threads = 1;
#endif
  return team;
}

TINYFIQA_ISA_END
