// A user's program with plain C++ kernels, which compile fastest: prints the score of an image.
#define TINYFIQA_SCALAR
#include <tinyfiqa/detection/default_scorer.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto scorer = tinyfiqa::default_scorer();
  if (!scorer) return std::fprintf(stderr, "%s\n", scorer.status().message()), 1;
  const auto score = scorer->score(argv[1]);
  if (!score) return std::fprintf(stderr, "%s\n", score.status().message()), 1;
  std::printf("%d %s\n", tinyfiqa::whole_quality(score->quality), tinyfiqa::band_name(*score->band));
}
