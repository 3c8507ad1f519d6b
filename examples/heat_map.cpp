// Draws which parts of an aligned face raise its score (+) and which lower it (-), in characters.
#include <tinyfiqa/attribution/heat_mapper.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/default_model.hpp>

#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

// heat_map FACE
int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: heat_map FACE\n"), 2;
  const auto face = tinyfiqa::read_image(argv[1]);
  if (!face) return std::fprintf(stderr, "%s\n", face.status().message()), 1;

  auto model = tinyfiqa::default_model();
  if (!model) return std::fprintf(stderr, "%s\n", model.status().message()), 1;
  auto mapper = tinyfiqa::HeatMapper::create({std::make_shared<const tinyfiqa::Model>(std::move(*model))});
  if (!mapper) return std::fprintf(stderr, "%s\n", mapper.status().message()), 1;
  const auto heat = mapper->map(*face);  // or map(photo, face) with what a detector found
  if (!heat) return std::fprintf(stderr, "%s\n", heat.status().message()), 1;
  const tinyfiqa::HeatMap cells = tinyfiqa::cell_sums(tinyfiqa::blurred(heat->map, 3), 16, 32);

  for (int y = 0; y < cells.height; ++y) {
    for (int x = 0; x < cells.width; ++x) {
      const float share = cells.at(y, x) / cells.largest();
      std::putchar(std::abs(share) < 0.2f ? ' ' : share > 0 ? '+' : '-');
    }
    std::putchar('\n');
  }
}
