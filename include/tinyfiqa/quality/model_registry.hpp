// The registry of networks: name, definition, input and head of each.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/tensor_names.hpp>
#include <tinyfiqa/models/efficientnet.hpp>
#include <tinyfiqa/models/face_resnet.hpp>
#include <tinyfiqa/models/mobilefacenet.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/retinaface.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/quality/compiled_in_specs.hpp>
#include <tinyfiqa/quality/model_spec.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

TINYFIQA_BEGIN

// The networks of the registry. Compiling them takes most of the time of a small file. A program of many files
// can do it once: it defines TINYFIQA_COMPILED_ELSEWHERE for all files, and one of them has
// `template NetworkDefinition define_network<...>();` for each network.
#define TINYFIQA_EACH_NETWORK(X)             \
  X(TinyFQnet)                               \
  X(TinyFQFamily<TinyFQTableM>)              \
  X(TinyFQFamily<TinyFQTableL>)              \
  X(TinyFQFamily<TinyFQScaled<6, 100>>)      \
  X(TinyFQFamily<TinyFQMobileNetV2<4, 35>>)  \
  X(TinyFQFamily<TinyFQMobileNetV2<6, 100>>) \
  X(MobileNetV3SmallQuality)                 \
  X(ShuffleNetV2Quality<ShuffleNetX0_5>)     \
  X(ShuffleNetV2Quality<ShuffleNetX1_0>)     \
  X(MobileNetV3SmallFineTuned)               \
  X(ShuffleNetV2FineTuned<ShuffleNetX0_5>)   \
  X(ShuffleNetV2FineTuned<ShuffleNetX1_0>)   \
  X(MobileNetV3SmallImageNet)                \
  X(ShuffleNetV2ImageNet<ShuffleNetX0_5>)    \
  X(ShuffleNetV2ImageNet<ShuffleNetX1_0>)    \
  X(MobileFaceNet)                           \
  X(MobileFaceNetScaled<50>)                 \
  X(FaceResNet50)                            \
  X(EfficientNetB0)                          \
  X(YuNetN)                                  \
  X(YuNetS)                                  \
  X(RetinaFaceMobileNet025<10>)              \
  X(RetinaFaceMobileNet025<0>)

#ifdef TINYFIQA_COMPILED_ELSEWHERE
#define TINYFIQA_NETWORK_ELSEWHERE(...) extern template NetworkDefinition define_network<__VA_ARGS__>();
TINYFIQA_EACH_NETWORK(TINYFIQA_NETWORK_ELSEWHERE)
#undef TINYFIQA_NETWORK_ELSEWHERE
#endif

/// All networks. Where several fit, the first one is taken.
inline Span<const ModelSpec> model_specs() {
  static constexpr ModelSpec specs[] = {
      tinyfqnet_m_spec,
      tinyfqnet_spec,
      ModelSpec::named("tinyfqnet_l", "the same with 233k parameters")
          .with_input(tinyfqnet_input())
          .defined_by<TinyFQFamily<TinyFQTableL>>()
          .giving_scores(),
      ModelSpec::named("tinyfqnet_t6_w100", "their family: expansion 6, width 1")
          .with_input(tinyfqnet_input())
          .defined_by<TinyFQFamily<TinyFQScaled<6, 100>>>()
          .giving_scores(),
      ModelSpec::named("tinyfqnet_t4_w35_112", "their family at 112x112: expansion 4, width 0.35")
          .with_input(tinyfqnet_input(aligned_side, aligned_side))
          .defined_by<TinyFQFamily<TinyFQMobileNetV2<4, 35>>>()
          .giving_scores(),
      ModelSpec::named("tinyfqnet_t6_w100_112", "their family at 112x112: expansion 6, width 1")
          .with_input(tinyfqnet_input(aligned_side, aligned_side))
          .defined_by<TinyFQFamily<TinyFQMobileNetV2<6, 100>>>()
          .giving_scores(),
      ModelSpec::named("mobilenet_v3_small", "perceptual quality, first half of the ensemble")
          .with_input(imagenet_input())
          .defined_by<MobileNetV3SmallQuality>()
          .with_head("classifier.")
          .giving_scores(),
      ModelSpec::named("shufflenet_v2_x0_5", "perceptual quality, second half of the ensemble")
          .with_input(imagenet_input())
          .defined_by<ShuffleNetV2Quality<ShuffleNetX0_5>>()
          .with_head("fc.")
          .giving_scores(),
      ModelSpec::named("shufflenet_v2_x1_0", "perceptual quality, twice as wide")
          .with_input(imagenet_input())
          .defined_by<ShuffleNetV2Quality<ShuffleNetX1_0>>()
          .with_head("fc.")
          .giving_scores(),
      ModelSpec::named("mobilenet_v3_small_finetuned",
                       "torchvision's, its last layer replaced by one of one output")
          .with_input(imagenet_input(224, 224))
          .defined_by<MobileNetV3SmallFineTuned>()
          .giving_scores(),
      ModelSpec::named("shufflenet_v2_x0_5_finetuned",
                       "torchvision's, its last layer replaced by one of one output")
          .with_input(imagenet_input(224, 224))
          .defined_by<ShuffleNetV2FineTuned<ShuffleNetX0_5>>()
          .giving_scores(),
      ModelSpec::named("shufflenet_v2_x1_0_finetuned",
                       "torchvision's, its last layer replaced by one of one output")
          .with_input(imagenet_input(224, 224))
          .defined_by<ShuffleNetV2FineTuned<ShuffleNetX1_0>>()
          .giving_scores(),
      ModelSpec::named("mobilenet_v3_small_imagenet", "torchvision's classifier, 1000 classes")
          .with_input(imagenet_input(224, 224))
          .defined_by<MobileNetV3SmallImageNet>(),
      ModelSpec::named("shufflenet_v2_x0_5_imagenet", "torchvision's classifier, 1000 classes")
          .with_input(imagenet_input(224, 224))
          .defined_by<ShuffleNetV2ImageNet<ShuffleNetX0_5>>(),
      ModelSpec::named("shufflenet_v2_x1_0_imagenet", "torchvision's classifier, 1000 classes")
          .with_input(imagenet_input(224, 224))
          .defined_by<ShuffleNetV2ImageNet<ShuffleNetX1_0>>(),
      ModelSpec::named("mobilefacenet", "face recogniser, aligned 112x112 to an embedding of 128")
          .with_input(mobilefacenet_input())
          .defined_by<MobileFaceNet>()
          .giving_embeddings(),
      ModelSpec::named("mobilefacenet_x0_5", "the same at half the width, for training on a CPU")
          .with_input(mobilefacenet_input())
          .defined_by<MobileFaceNetScaled<50>>()
          .giving_embeddings(),
      ModelSpec::named("face_resnet50", "face recogniser of ArcFace, aligned 112x112 to an embedding of 512")
          .with_input(face_input())
          .defined_by<FaceResNet50>()
          .giving_embeddings(),
      ModelSpec::named("efficientnet_b0", "face recogniser, aligned 112x112 to an embedding of 512")
          .with_input(face_input())
          .defined_by<EfficientNetB0>()
          .with_head("classifier.")
          .giving_embeddings(),
      yunet_n_spec,
      ModelSpec::named("yunet_s", "the same with 55k parameters")
          .with_input(yunet_input())
          .defined_by<YuNetS>()
          .detecting_faces(DetectorFamily::yunet),
      // Two networks with the same parameters: a file that names none is taken for the first of them.
      ModelSpec::named("retinaface_mobilenet025",
                       "face detector, 0.43M parameters, with ReLU and anchors of 10 to 256 pixels")
          .with_input(retinaface_input())
          .defined_by<RetinaFaceMobileNet025<0>>()
          .detecting_faces(DetectorFamily::retinaface)
          .with_anchors({{{10, 20}, {32, 64}, {128, 256}}}),
      ModelSpec::named("retinaface_mobilenet025_leaky",
                       "the same with leaky ReLU and anchors of 16 to 512 pixels")
          .with_input(retinaface_input())
          .defined_by<RetinaFaceMobileNet025<10>>()
          .detecting_faces(DetectorFamily::retinaface),
  };
  return {specs, sizeof(specs) / sizeof(specs[0])};
}

/// The model of that name, or null.
inline const ModelSpec* find_model(const std::string& name) {
  for (const ModelSpec& spec : model_specs())
    if (name == spec.name) return &spec;
  return nullptr;
}

/// The names of the recognisers, for messages: "mobilefacenet, face_resnet50, ...".
inline std::string recogniser_names() {
  std::string names;
  for (const ModelSpec& spec : model_specs())
    if (spec.embeds) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names;
}

/// The names of the detectors, for messages.
inline std::string detector_names() {
  std::string names;
  for (const ModelSpec& spec : model_specs())
    if (spec.detector != DetectorFamily::none) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names;
}

/// "tinyfqnet, mobilenet_v3_small, ...", for messages.
inline std::string model_names() {
  std::string names;
  for (const ModelSpec& spec : model_specs()) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names;
}

/// The model that the file's metadata names. Null if it names none, or an unknown one.
inline const ModelSpec* named_model(const TensorFile& file) {
  for (const auto& [key, value] : file.metadata)
    if (key == "model" && find_model(value) != nullptr) return find_model(value);
  return nullptr;
}

/// The other models whose parameters have the same names and shapes. Only a name tells which of them a file holds.
inline std::vector<const ModelSpec*> models_of_same_parameters(const ModelSpec& spec) {
  const auto params = spec.define().params;
  const auto same = [](const NamedParam& a, const NamedParam& b) {
    return a.name == b.name && a.param.rank == b.param.rank &&
           std::equal(a.param.extents, a.param.extents + a.param.rank, b.param.extents);
  };
  std::vector<const ModelSpec*> others;
  for (const ModelSpec& other : model_specs()) {
    if (std::string(other.name) == spec.name) continue;
    const auto theirs = other.define().params;
    if (std::equal(params.begin(), params.end(), theirs.begin(), theirs.end(), same))
      others.push_back(&other);
  }
  return others;
}

namespace detail {
/// True if the file has this network's parameters with the right shapes, under a prefix or none. The head may
/// be absent or an ImageNet classifier; any other head is one of another network.
inline bool holds_network(const TensorFile& file, const ModelSpec& spec,
                          const std::vector<NamedParam>& params) {
  const std::string_view head = spec.head;
  for (const WeightSet& set : find_prefixes(file, params, head)) {
    const std::string prefix = set.name.empty() ? "" : set.name + ".", start = prefix + spec.head;
    bool whole = true, present = false, imagenet = false;
    for (const NamedParam& p : params)
      whole = whole && (head.empty() || !starts_with(p.name, head) || has_param(file, prefix, p));
    if (whole) return true;
    for (const TensorEntry& entry : file.entries()) {
      if (!starts_with(entry.name, start)) continue;
      present = true;
      imagenet = imagenet || (!entry.shape.empty() && entry.shape[0] == 1000);
    }
    if (!present || imagenet) return true;
  }
  return false;
}
}  // namespace detail

/// The model of a weight file: the one that its metadata names, or else the first one whose parameters are all in
/// the file with the right shape, with or without a prefix of all names. Parameters of a head need not be in the
/// file. Null if there is no such model.
inline const ModelSpec* guess_model(const TensorFile& file) {
  if (const ModelSpec* named = named_model(file)) return named;
  for (const ModelSpec& spec : model_specs())
    if (detail::holds_network(file, spec, spec.define().params)) return &spec;
  return nullptr;
}

/// For messages about a file of no known network: the model of which it has the most parameters with the right
/// shapes, if it is nine tenths of them. Null if there is none.
inline const ModelSpec* similar_model(const TensorFile& file) {
  const ModelSpec* best = nullptr;
  double most = 0.9;
  for (const ModelSpec& spec : model_specs()) {
    const auto params = spec.define().params;
    const auto fits = [&](const NamedParam& p) { return detail::has_param(file, "", p); };
    const auto count = std::count_if(params.begin(), params.end(), fits);
    const double share = static_cast<double>(count) / static_cast<double>(params.size());
    if (share > most) best = &spec;
    most = std::max(most, share);
  }
  return best;
}

TINYFIQA_END
