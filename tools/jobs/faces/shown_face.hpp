// Faces in more pixels than networks see, to show them to people.
#pragma once

#include <tinyfiqa/image/preprocess.hpp>

/// What a network sees of an image, in height x width pixels: finer than crop_and_resize() aligns it. Errors: those of
/// crop_and_resize().
tinyfiqa::Result<tinyfiqa::Image> shown_face(const tinyfiqa::ImageView& image, const tinyfiqa::Crop& crop,
                                             tinyfiqa::FaceCrop wanted, int height, int width);
