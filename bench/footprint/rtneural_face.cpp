// Another network by RTNeural, which has no groups of channels, no stride in its first direction (time) and no pooling: three 3x3
// convolutions with ReLU and a dense layer, 11,617 parameters (tinyFQnet: 13,366). It sees one row of the image after the
// other and gives a number for each. The weights stay 0: they don't change what is measured.
#include "face.hpp"

#include <RTNeural/RTNeural.h>

namespace rt = RTNeural;

static rt::ModelT2D<float, 3, face_side, 1, 1,  //
                    rt::Conv2DT<float, 3, 11, 64, 3, 3, 1, 2, false>, rt::ReLuActivationT<float, 11 * 32>,
                    rt::Conv2DT<float, 11, 22, 32, 3, 3, 1, 2, false>, rt::ReLuActivationT<float, 22 * 16>,
                    rt::Conv2DT<float, 22, 44, 16, 3, 3, 1, 2, false>, rt::ReLuActivationT<float, 44 * 8>,
                    rt::DenseT<float, 44 * 8, 1>, rt::SigmoidActivationT<float, 1>>
    network;

bool load_network(const char*) {
  network.reset();
  return true;
}

float score_face(const unsigned char* rgb) {
  float sum = 0;
  for (int y = 0; y < face_side; ++y) {
    alignas(RTNEURAL_DEFAULT_ALIGNMENT) float row[face_side * 3];
    for (int i = 0; i < face_side * 3; ++i)
      row[i] = (static_cast<float>(rgb[y * face_side * 3 + i]) - 127.5f) / 128;
    sum += network.forward(row);
  }
  return sum / face_side;
}
