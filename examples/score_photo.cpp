#include <tinyfiqa/tinyfiqa.hpp>

#include <cstdio>

// score_photo WEIGHTS.safetensors PHOTO
int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: score_photo WEIGHTS.safetensors PHOTO\n"), 2;
  auto scorer = tinyfiqa::Scorer::load(argv[1]);
  if (!scorer) return std::fprintf(stderr, "%s\n", scorer.status().message()), 1;
  const auto score = scorer->score(argv[2]);
  if (!score) return std::fprintf(stderr, "%s\n", score.status().message()), 1;
  std::printf("%.4f\n", static_cast<double>(score->value));
}
