// Work split over a team of threads.
#pragma once

#include <tinyfiqa/base/team.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// body(part, slot) for each part.
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

/// body(begin, end, slot) for ranges that make up 0 .. count, `ranges` for each thread: whoever is free takes
/// the next, so a thread that comes late does less.
template <class Body>
void parallel_for(const Team& team, int count, const Body& body, int ranges = 4) {
  const int wanted = team.threads == 1 ? 1 : team.threads * ranges, parts = wanted < count ? wanted : count;
  parallel_parts(team, parts, [&](int part, int slot) {
    const long long p = part, total = count;
    body(static_cast<int>(total * p / parts), static_cast<int>(total * (p + 1) / parts), slot);
  });
}

/// body(begin, end, part) for one range a thread, whoever does it: what is added up in the order of the parts
/// depends on the number of threads alone, not on who was faster.
template <class Body>
void parallel_split(const Team& team, int count, const Body& body) {
  const int parts = team.threads < count ? team.threads : count;
  parallel_parts(team, parts, [&](int part, int) {
    const long long p = part, total = count;
    body(static_cast<int>(total * p / parts), static_cast<int>(total * (p + 1) / parts), part);
  });
}

/// The team for a job of `macs` multiply-adds: a call of a team costs about a microsecond.
TINYFIQA_INLINE Team worth_team(Team team, double macs) {
  if (macs < 2e5) team.threads = 1;
  return team;
}

TINYFIQA_ISA_END
