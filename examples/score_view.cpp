// Scores the pixels of a buffer without copying it: BGR with gaps between rows, as in a cv::Mat or from
// a camera.
#include <tinyfiqa/detection/default_scorer.hpp>

#include <cstdio>
#include <vector>

// score_view PHOTO
int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: score_view PHOTO\n"), 2;
  const auto photo = tinyfiqa::read_image(argv[1]);
  if (!photo) return std::fprintf(stderr, "%s\n", photo.status().message()), 1;

  // In place of the buffer of your program. Rows begin at multiples of 64 bytes.
  const std::size_t stride = (static_cast<std::size_t>(photo->width) * 3 + 63) / 64 * 64;
  std::vector<unsigned char> bgr(stride * static_cast<std::size_t>(photo->height));
  for (int y = 0; y < photo->height; ++y)
    for (int x = 0; x < photo->width; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        bgr[static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(x) * 3 + c] =
            photo->pixel(x, y)[2 - c];

  tinyfiqa::ImageView view;
  view.data = bgr.data();
  view.height = photo->height;
  view.width = photo->width;
  view.row_stride = static_cast<std::ptrdiff_t>(stride);
  view.order = tinyfiqa::ChannelOrder::bgr;

  auto scorer = tinyfiqa::default_scorer();
  if (!scorer) return std::fprintf(stderr, "%s\n", scorer.status().message()), 1;
  const auto score = scorer->score(view);
  if (!score) return std::fprintf(stderr, "%s\n", score.status().message()), 1;
  std::printf("%d %s\n", tinyfiqa::whole_quality(score->quality), tinyfiqa::band_name(*score->band));
}
