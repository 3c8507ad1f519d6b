// Large networks with few channels and blocks, for tests that would take minutes with the full ones.
#pragma once

#include <tinyfiqa/quality/model_registry.hpp>

namespace thin {
using namespace tinyfiqa;

/// As tests/fixtures/make_model_fixtures.py has it.
struct FaceResNetTable {
  static constexpr int blocks[] = {2, 2, 3, 2}, widths[] = {8, 8, 16, 16}, stem = 8, embedding = 32;
};
/// Cheap enough for central differences.
struct TinyFaceResNetTable {
  static constexpr int blocks[] = {2, 2, 2, 2}, widths[] = {4, 4, 4, 8}, stem = 4, embedding = 6;
};
struct EfficientNetTable {
  static constexpr int widths[] = {8, 4, 8, 8, 12, 8, 8, 8, 16}, blocks[] = {1, 2, 1, 2, 1, 1, 1},
                       embedding = 6;
};

}  // namespace thin

inline constexpr tinyfiqa::ModelSpec thin_face_resnet =
    tinyfiqa::ModelSpec::named("face_resnet_thin", "")
        .with_input(tinyfiqa::face_input())
        .defined_by<tinyfiqa::FaceResNet<thin::FaceResNetTable>>()
        .giving_embeddings();
