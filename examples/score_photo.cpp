#include <tinyfiqa/detection/default_scorer.hpp>

#include <cstdio>

// score_photo PHOTO
int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: score_photo PHOTO\n"), 2;
  auto scorer = tinyfiqa::default_scorer();
  if (!scorer) return std::fprintf(stderr, "%s\n", scorer.status().message()), 1;
  const auto score = scorer->score(argv[1]);
  if (!score) return std::fprintf(stderr, "%s\n", score.status().message()), 1;
  std::printf("%d %s\n", tinyfiqa::whole_quality(score->quality), tinyfiqa::band_name(*score->band));
}
