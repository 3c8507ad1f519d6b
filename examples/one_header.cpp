// The same as score_photo.cpp with the files that tools/amalgamate writes and nothing else: no installation, no library,
// no build system. With the files beside it:  g++ -std=c++17 -O2 one_header.cpp
#define TINYFIQA_IMPLEMENTATION
#include "tinyfiqa_weights.hpp"

#include <cstdio>

// one_header PHOTO
int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: one_header PHOTO\n"), 2;
  auto scorer = tinyfiqa::default_scorer();
  if (!scorer) return std::fprintf(stderr, "%s\n", scorer.status().message()), 1;
  const auto score = scorer->score(argv[1]);
  if (!score) return std::fprintf(stderr, "%s\n", score.status().message()), 1;
  std::printf("%d %s\n", tinyfiqa::whole_quality(score->quality), tinyfiqa::band_name(*score->band));
}
