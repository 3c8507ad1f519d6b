// A face that was found in an image, and which of them are wanted.
#pragma once

#include <tinyfiqa/detection/photo_scorer.hpp>

#include <cstddef>

/// Which faces of an image are wanted.
enum class FaceChoice {
  largest,  ///< --face auto
  all,      ///< --face all
  whole,    ///< --face whole: nothing is searched, the whole image is the face
};

/// A face that was found, and how its image shows it.
struct FoundFace {
  std::size_t number = 1;  ///< in its image: 1 is the largest
  tinyfiqa::Face face;
  tinyfiqa::Framing framing = tinyfiqa::Framing::photo;
};
