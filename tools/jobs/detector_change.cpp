#include "jobs/detector_change.hpp"

#include "jobs/progress.hpp"
#include "jobs/scoring/score_run.hpp"

#include <utility>

using namespace tinyfiqa;

Result<DetectorAgreement> compare_detectors(std::shared_ptr<const Model> before,
                                            std::shared_ptr<const Model> after,
                                            const std::vector<std::string>& photos,
                                            const DetectorOptions& search) {
  auto teacher = FaceDetector::create(std::move(before), search);
  if (!teacher) return teacher.status();
  auto student = FaceDetector::create(std::move(after), search);
  if (!student) return student.status();
  DetectorAgreement agreement;
  Progress progress(photos.size(), "photos");
  for (std::size_t i = 0; i < photos.size(); ++i) {
    progress.show(i + 1);
    const ImageFile file = read_image_file(photos[i], search.tiles ? 0 : search.longest_side);
    if (!file.photo) continue;
    const auto expected = teacher->detect(file.photo->image);
    if (!expected) return expected.status().prefixed(photos[i], ": ");
    const auto found = student->detect(file.photo->image);
    if (!found) return found.status().prefixed(photos[i], ": ");
    agreement.add(*expected, *found);
  }
  return agreement;
}
