// What the library knows of a network besides its layers: name, input, head, and what its output means.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/models/retinaface.hpp>

#include <string_view>

TINYFIQA_BEGIN

/// What a detector's outputs mean.
enum class DetectorFamily : unsigned char { none, yunet, retinaface };

/// A named network.
///   ModelSpec my_spec = ModelSpec::named("mine", "what it is for")
///                           .with_input(imagenet_input(64, 64)).defined_by<MyNet>().giving_scores();
struct ModelSpec {
  const char* name = "";
  const char* summary = "";
  const char* head =
      "";               ///< prefix of the head's parameters, which an ImageNet checkpoint lacks; "" for none
  bool scores = false;  ///< the output is one quality score
  bool embeds = false;  ///< the output is an embedding, for the Embedder; neither: logits, or several outputs
  /// A face detector: how its outputs are decoded (detection/decode.hpp).
  DetectorFamily detector = DetectorFamily::none;
  RetinaFaceAnchors anchors;  ///< of DetectorFamily::retinaface
  InputSpec input;
  NetworkDefinition (*define)() = nullptr;

  static constexpr ModelSpec named(const char* name, const char* summary) {
    ModelSpec spec;
    spec.name = name;
    spec.summary = summary;
    return spec;
  }
  constexpr ModelSpec with_input(const InputSpec& wanted) const {
    ModelSpec spec = *this;
    spec.input = wanted;
    return spec;
  }
  template <class Net>
  constexpr ModelSpec defined_by() const {
    ModelSpec spec = *this;
    spec.define = define_network<Net>;
    return spec;
  }
  constexpr ModelSpec with_head(const char* prefix) const {
    ModelSpec spec = *this;
    spec.head = prefix;
    return spec;
  }
  constexpr ModelSpec giving_scores() const {
    ModelSpec spec = *this;
    spec.scores = true;
    return spec;
  }
  constexpr ModelSpec giving_embeddings() const {
    ModelSpec spec = *this;
    spec.embeds = true;
    return spec;
  }
  constexpr ModelSpec detecting_faces(DetectorFamily family) const {
    ModelSpec spec = *this;
    spec.detector = family;
    return spec;
  }
  constexpr ModelSpec with_anchors(const RetinaFaceAnchors& wanted) const {
    ModelSpec spec = *this;
    spec.anchors = wanted;
    return spec;
  }
};

/// True for a network whose output lies in 0..1: the tinyFQnet family ends in a sigmoid. The perceptual networks have no
/// final activation.
inline bool gives_shares(const ModelSpec& spec) {
  return std::string_view(spec.name).substr(0, 9) == "tinyfqnet";
}

TINYFIQA_END
