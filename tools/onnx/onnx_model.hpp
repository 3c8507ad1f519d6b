// A network with its weights as an ONNX model, for other engines.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <string>

/// The input that a file is written for, [batch, 3, height, width].
struct OnnxInput {
  int batch = 1;  ///< 0: any number of images; the axis is then called "batch"
  int height = 0, width = 0;
};

/// The serialised ModelProto (opset 13). One input "image", float [batch, 3, height, width], RGB, normalised
/// as the network wants it; one output "score", "logits" or "embedding", float [batch, C]. Initialisers have
/// PyTorch's names and shapes, and exactly the bits of the model's block: batch norm stays a node of its own,
/// since every engine folds it when it loads the file, and so the file can still be compared, fine-tuned and
/// imported elsewhere. Metadata: model, input_size, input_colour, input_mean, input_std (x = (level - mean) /
/// std, levels 0..255), output; and what the weight file says of views, calibration, thresholds and bands.
/// 8-bit networks have the same input, output and metadata, and precision = i8; levels and weights are whole numbers
/// (quantised_graph.cpp).
///   Errors: bad_argument (a size that the network can't take), unsupported (operations of the user's own).
tinyfiqa::Result<std::string> onnx_model(const tinyfiqa::Model& model, const OnnxInput& input);
