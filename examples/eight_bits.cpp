// Makes an 8-bit network of the built-in tinyFQnet and some faces, and scores a photo with both.
//   example_eight_bits PHOTO FACE...
#include <tinyfiqa/quality/tinyfqnet_model.hpp>
#include <tinyfiqa/quantisation/quantiser.hpp>
#include <tinyfiqa/tinyfiqa.hpp>

#include <cstdio>
#include <memory>
#include <vector>

namespace fq = tinyfiqa;

/// The faces as the network sees them: levels [height, width, 3].
std::vector<std::vector<unsigned char>> read_faces(const fq::InputSpec& input, int count, char** paths) {
  std::vector<std::vector<unsigned char>> faces;
  for (int i = 0; i < count; ++i) {
    const auto image = fq::read_image(paths[i]);
    if (!image) continue;
    auto face = fq::crop_and_resize(*image, {}, input.crop, input.height, input.width);
    if (face) faces.push_back(face->rgb);
  }
  return faces;
}

float score(std::shared_ptr<const fq::Model> model, const char* photo) {
  auto scorer = fq::Scorer::create({std::move(model)});
  if (!scorer) return -1;
  const auto score = scorer->score(photo);
  return score ? score->value : -1;
}

int main(int argc, char** argv) {
  auto loaded = fq::tinyfqnet_model(fq::native_backend());  // all kernels, those for 8 bits too
  if (argc < 3 || !loaded) {
    std::fprintf(stderr, "usage: example_eight_bits PHOTO FACE...\n");
    return 2;
  }
  const fq::Model model = std::move(*loaded);
  const auto faces = read_faces(model.input(), argc - 2, argv + 2);
  auto quantiser = fq::Quantiser::create(model, 64, 64);  // a Model in floats; the input's height and width
  if (!quantiser) {
    std::fprintf(stderr, "%s\n", quantiser.status().message());
    return 1;
  }
  for (auto& face : faces) quantiser->add(face);  // levels [64, 64, 3]
  const auto whole = quantiser->quantise();       // a Model for Scorer and Session, or an error
  if (!whole) {
    std::fprintf(stderr, "%s\n", whole.status().message());
    return 1;
  }
  std::printf("floats %.3f, 8 bits %.3f\n",
              static_cast<double>(score(std::make_shared<const fq::Model>(model), argv[1])),
              static_cast<double>(score(std::make_shared<const fq::Model>(*whole), argv[1])));
  return 0;
}
