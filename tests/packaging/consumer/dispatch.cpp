// A user's program for many machines: prints the instruction set that was chosen, and the score of an image.
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto scorer = tinyfiqa::default_scorer();
  if (!scorer) return std::fprintf(stderr, "%s\n", scorer.status().message()), 1;
  const auto score = scorer->score(argv[1]);
  if (!score) return std::fprintf(stderr, "%s\n", score.status().message()), 1;
  std::printf("%s: %d %s\n", tinyfiqa::native_backend().isa, tinyfiqa::whole_quality(score->quality),
              tinyfiqa::band_name(*score->band));
}
