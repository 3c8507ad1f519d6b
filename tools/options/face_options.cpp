#include "options/face_options.hpp"

#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include "options/model_options.hpp"

#include <utility>

using namespace tinyfiqa;

void FaceOptions::add_to(const Command& command, bool with_whole) {
  std::vector<std::string> choices{"auto", "all"};
  if (with_whole) choices.emplace_back("whole");
  command
      .add_option(
          "--face", face,
          with_whole
              ? "Find faces and take the largest of each image (auto) or all of them; or take the whole "
                "image as the face"
              : "Take the largest face of each image (auto) or all of them")
      .one_of(choices)
      .show_default();
  add_search_to(command);
}

void FaceOptions::add_largest_to(const Command& command) {
  command
      .add_option("--face", face,
                  "Find faces and take the largest of each frame (auto); or take the whole frame as the face")
      .one_of({"auto", "whole"})
      .show_default();
  add_search_to(command);
}

void FaceOptions::add_search_to(const Command& command) {
  command
      .add_option("--detector", detector,
                  "Find faces with these weights (" + detector_names() +
                      "; .safetensors, .pth, .pt) (default: the "
                      "built-in detector)")
      .type_name("FILE");
  command
      .add_option("--detector-model", detector_model,
                  "Read --detector as this network (default: the one that the file names or fits)")
      .type_name("NAME");
  command
      .add_option("--threshold", search.threshold, "Take faces of at least this confidence of the detector")
      .range(0.001, 0.999)
      .show_default();
  command
      .add_option("--smallest-face", search.smallest_face,
                  "Take faces of at least this height, in pixels of the image")
      .not_negative()
      .show_default();
  command
      .add_option(
          "--longest-side", search.longest_side,
          "Search the image with its longer side at most this many pixels; smaller is faster, larger finds "
          "smaller faces")
      .range(32, 8192)
      .show_default();
  command.add_flag("--tiles", search.tiles,
                   "Search also parts of that size at full resolution, for small faces in large images");
  command.add_flag(
      "--quick", quick,
      "If nothing is found, do not search again for sideways faces and for close-ups that fill the image");
}

FaceChoice FaceOptions::choice() const {
  return face == "all" ? FaceChoice::all : face == "whole" ? FaceChoice::whole : FaceChoice::largest;
}

Result<std::shared_ptr<const Model>> FaceOptions::read_detector(const Backend& backend) const {
  if (detector.empty() && !detector_model.empty())
    return Status::error(Errc::bad_argument,
                         "--detector-model names the network of --detector; give that, too");
  if (!detector_model.empty())
    if (const auto known = model_option(detector_model); !known)
      return known.status().prefixed("--detector-model: ");
  auto model = detector.empty() ? default_detector_model(backend)
                                : read_model(detector, detector_model, backend, Use::run);
  if (!model) return model.status().prefixed("--detector ");
  if (model->spec().detector == DetectorFamily::none)
    return Status::error(Errc::mismatch, "--detector ", detector, ": is a ", model->spec().name,
                         ", which finds no faces; the detectors are ", detector_names());
  return std::make_shared<const Model>(std::move(*model));
}

DetectorOptions FaceOptions::with_threads(int threads) const {
  DetectorOptions options = search;
  options.thorough = !quick;
  options.threads = threads;
  return options;
}

Result<std::vector<std::unique_ptr<FaceFinder>>> FaceOptions::finders(const Backend& backend,
                                                                      std::size_t count, int threads) const {
  std::vector<std::unique_ptr<FaceFinder>> all;
  if (choice() == FaceChoice::whole) return all;
  const auto model = read_detector(backend);
  if (!model) return model.status();
  DetectorOptions own = with_threads(threads);
  own.smallest_face = 0;  // the finder leaves small faces out
  for (std::size_t i = 0; i < count; ++i) {
    auto made = FaceDetector::create(*model, own);
    if (!made) return made.status();
    all.push_back(std::make_unique<FaceFinder>(std::move(*made), choice(), search.smallest_face));
  }
  return all;
}
