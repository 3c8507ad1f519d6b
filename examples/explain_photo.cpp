// Says what is wrong with the largest face of a photo.
#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/read.hpp>

#include <algorithm>
#include <cstdio>

// explain_photo PHOTO
int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: explain_photo PHOTO\n"), 2;
  const auto photo = tinyfiqa::read_image(argv[1]);
  auto detector = tinyfiqa::default_detector();
  if (!photo) return std::fprintf(stderr, "%s\n", photo.status().message()), 1;
  if (!detector) return std::fprintf(stderr, "%s\n", detector.status().message()), 1;
  const auto faces = detector->detect(*photo);
  if (!faces || faces->size == 0) return std::fprintf(stderr, "no face\n"), 1;
  const auto larger = [](const tinyfiqa::Face& a, const tinyfiqa::Face& b) {
    return a.box.area() < b.box.area();
  };
  const tinyfiqa::Face& face = *std::max_element(faces->begin(), faces->end(), larger);

  tinyfiqa::Explainer explainer;
  const auto explanation = explainer.explain(*photo, face, *faces);
  if (!explanation) return std::fprintf(stderr, "%s\n", explanation.status().message()), 1;
  for (const tinyfiqa::ComponentSpec& spec : tinyfiqa::component_specs())
    if (const tinyfiqa::Component& c = (*explanation)[spec.kind]; c.known())
      std::printf("%-15s %3d  (%.3g %s)\n", spec.name, c.whole(), c.measure, spec.unit);
  for (const tinyfiqa::Reason& reason : tinyfiqa::reasons_of(*explanation))
    std::printf("%s\n", reason.text().c_str());
}
