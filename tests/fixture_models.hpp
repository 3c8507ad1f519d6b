// The networks of which tests/fixtures/models has PyTorch's outputs, and the sizes of those.
#pragma once

#include "thin_networks.hpp"

#include <tinyfiqa/quality/model_registry.hpp>

#include <array>
#include <string>
#include <vector>

/// All but face_resnet50, whose thin relative stands in where many runs are needed.
inline std::vector<const tinyfiqa::ModelSpec*> fixture_models() {
  std::vector<const tinyfiqa::ModelSpec*> all{&thin_face_resnet};
  for (const char* name :
       {"tinyfqnet", "mobilenet_v3_small", "mobilenet_v3_small_imagenet", "shufflenet_v2_x0_5",
        "shufflenet_v2_x1_0", "shufflenet_v2_x0_5_imagenet", "mobilefacenet", "efficientnet_b0",
        "mobilenet_v3_small_finetuned", "shufflenet_v2_x0_5_finetuned", "shufflenet_v2_x1_0_finetuned"})
    all.push_back(tinyfiqa::find_model(name));
  return all;
}

struct FixtureSize {
  int n, h, w;
  std::string text() const { return std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w); }
};

inline std::array<FixtureSize, 2> fixture_sizes(const tinyfiqa::ModelSpec& spec) {
  if (spec.embeds) return {{{1, 112, 112}, {2, 112, 112}}};
  return {{{1, 64, 64}, {2, 97, 131}}};
}
