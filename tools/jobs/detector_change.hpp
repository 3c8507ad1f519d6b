// How far the faces of a changed detector are from those of the one that it was made of.
#pragma once

#include <tinyfiqa/detection/agreement.hpp>
#include <tinyfiqa/detection/face_detector.hpp>

#include <memory>
#include <string>
#include <vector>

/// Finds the faces of photos with both detectors, as `tinyfiqa detect` does. Those of `before` count as right. Photos that can't
/// be read are left out. Errors: those of FaceDetector.
tinyfiqa::Result<tinyfiqa::DetectorAgreement> compare_detectors(std::shared_ptr<const tinyfiqa::Model> before,
                                                                std::shared_ptr<const tinyfiqa::Model> after,
                                                                const std::vector<std::string>& photos,
                                                                const tinyfiqa::DetectorOptions& search);
