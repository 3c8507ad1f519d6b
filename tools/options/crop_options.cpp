#include "options/crop_options.hpp"

#include "options/option_texts.hpp"

using namespace tinyfiqa;

void CropOptions::add_to(const Command& command) {
  command
      .add_option(
          "--box", box,
          "Take this box as the face, in pixels; networks that want aligned faces see it aligned by average "
          "landmarks (default: find the face)")
      .type_name("X,Y,W,H");
  command
      .add_option(
          "--landmarks", landmarks,
          "Align the face to these points before scoring, in pixels: left eye, right eye, nose, left and "
          "right corner of the mouth, as seen in the image")
      .type_name("X1,Y1,..,X5,Y5");
}

Result<Crop> CropOptions::crop() const { return read_crop(box, landmarks); }
