// The networks by name: how each is defined, what it is fed, where its head begins.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/models/efficientnet.hpp>
#include <tinyfiqa/models/face_resnet.hpp>
#include <tinyfiqa/models/mobilefacenet.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/nn/graph.hpp>

#include <algorithm>
#include <string>
#include <vector>

TINYFIQA_BEGIN

// Every network of the list below. Compiling them takes most of a small file's time, so a program of many
// files may do it once: with TINYFIQA_COMPILED_ELSEWHERE defined for all files, and `template
// NetworkDefinition define_network<...>();` for each network in one of them.
#define TINYFIQA_EACH_NETWORK(X)             \
  X(TinyFQnet)                               \
  X(TinyFQFamily<TinyFQScaled<6, 100>>)      \
  X(TinyFQFamily<TinyFQMobileNetV2<4, 35>>)  \
  X(TinyFQFamily<TinyFQMobileNetV2<6, 100>>) \
  X(MobileNetV3SmallQuality)                 \
  X(ShuffleNetV2Quality<ShuffleNetX0_5>)     \
  X(ShuffleNetV2Quality<ShuffleNetX1_0>)     \
  X(MobileNetV3SmallImageNet)                \
  X(ShuffleNetV2ImageNet<ShuffleNetX0_5>)    \
  X(ShuffleNetV2ImageNet<ShuffleNetX1_0>)    \
  X(MobileFaceNet)                           \
  X(MobileFaceNetScaled<50>)                 \
  X(FaceResNet50)                            \
  X(EfficientNetB0)

#ifdef TINYFIQA_COMPILED_ELSEWHERE
#define TINYFIQA_NETWORK_ELSEWHERE(...) extern template NetworkDefinition define_network<__VA_ARGS__>();
TINYFIQA_EACH_NETWORK(TINYFIQA_NETWORK_ELSEWHERE)
#undef TINYFIQA_NETWORK_ELSEWHERE
#endif

/// A named network.
struct ModelSpec {
  const char* name;
  const char* summary;
  const char* head;  ///< prefix of the head's parameters, which an ImageNet checkpoint lacks; "" for none
  bool scores;       ///< one quality score; false: ImageNet's 1000 classes, or an embedding
  InputSpec input;
  NetworkDefinition (*define)();
  bool embeds = false;  ///< an embedding, for the Embedder
};

/// The default network. By itself, so that a program that needs no other has no other compiled in.
inline constexpr ModelSpec tinyfqnet_spec = {
    "tinyfqnet",
    "13k parameters, usefulness of an aligned face to a recogniser, 0..1",
    "",
    true,
    tinyfqnet_input(),
    define_network<TinyFQnet>,
};

/// All of them; the first one is the default.
inline Span<const ModelSpec> model_specs() {
  static constexpr ModelSpec specs[] = {
      tinyfqnet_spec,
      {"tinyfqnet_t6_w100", "its family: expansion 6, width 1", "", true, tinyfqnet_input(),
       define_network<TinyFQFamily<TinyFQScaled<6, 100>>>},
      {"tinyfqnet_t4_w35_112", "its family at 112x112: expansion 4, width 0.35", "", true,
       tinyfqnet_input(aligned_side, aligned_side), define_network<TinyFQFamily<TinyFQMobileNetV2<4, 35>>>},
      {"tinyfqnet_t6_w100_112", "its family at 112x112: expansion 6, width 1", "", true,
       tinyfqnet_input(aligned_side, aligned_side), define_network<TinyFQFamily<TinyFQMobileNetV2<6, 100>>>},
      {"mobilenet_v3_small", "perceptual quality, first half of the ensemble", "classifier.", true,
       imagenet_input(), define_network<MobileNetV3SmallQuality>},
      {"shufflenet_v2_x0_5", "perceptual quality, second half of the ensemble", "fc.", true, imagenet_input(),
       define_network<ShuffleNetV2Quality<ShuffleNetX0_5>>},
      {"shufflenet_v2_x1_0", "perceptual quality, twice as wide", "fc.", true, imagenet_input(),
       define_network<ShuffleNetV2Quality<ShuffleNetX1_0>>},
      {"mobilenet_v3_small_imagenet", "torchvision's classifier, 1000 classes", "", false,
       imagenet_input(224, 224), define_network<MobileNetV3SmallImageNet>},
      {"shufflenet_v2_x0_5_imagenet", "torchvision's classifier, 1000 classes", "", false,
       imagenet_input(224, 224), define_network<ShuffleNetV2ImageNet<ShuffleNetX0_5>>},
      {"shufflenet_v2_x1_0_imagenet", "torchvision's classifier, 1000 classes", "", false,
       imagenet_input(224, 224), define_network<ShuffleNetV2ImageNet<ShuffleNetX1_0>>},
      {"mobilefacenet", "face recogniser, aligned 112x112 to an embedding of 128", "", false,
       mobilefacenet_input(), define_network<MobileFaceNet>, true},
      {"mobilefacenet_x0_5", "the same at half the width, for training on a CPU", "", false,
       mobilefacenet_input(), define_network<MobileFaceNetScaled<50>>, true},
      {"face_resnet50", "face recogniser of ArcFace, aligned 112x112 to an embedding of 512", "", false,
       face_input(), define_network<FaceResNet50>, true},
      {"efficientnet_b0", "face recogniser, aligned 112x112 to an embedding of 512", "classifier.", false,
       face_input(), define_network<EfficientNetB0>, true},
  };
  return {specs, sizeof(specs) / sizeof(specs[0])};
}

/// The model of that name, or null.
inline const ModelSpec* find_model(const std::string& name) {
  for (const ModelSpec& spec : model_specs())
    if (name == spec.name) return &spec;
  return nullptr;
}

/// Those that make embeddings, for messages: "mobilefacenet, face_resnet50, ...".
inline std::string recogniser_names() {
  std::string names;
  for (const ModelSpec& spec : model_specs())
    if (spec.embeds) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names;
}

/// "tinyfqnet, mobilenet_v3_small, ...", for messages.
inline std::string model_names() {
  std::string names;
  for (const ModelSpec& spec : model_specs()) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names;
}

/// The model that a weight file is for: the one its metadata names, else the first whose every parameter (the
/// head's aside, unless it is the classifier's) is in the file with the right shape. Null when there is none.
inline const ModelSpec* guess_model(const TensorFile& file) {
  for (const auto& [key, value] : file.metadata)
    if (key == "model" && find_model(value) != nullptr) return find_model(value);
  const auto fits = [&](const NamedParam& p) {
    const TensorEntry* entry = file.find(p.name);
    return entry != nullptr && std::equal(entry->shape.begin(), entry->shape.end(), p.param.extents,
                                          p.param.extents + p.param.rank);
  };
  for (const ModelSpec& spec : model_specs()) {
    const std::string head = spec.head;
    const auto needed = [&](const NamedParam& p) {
      return head.empty() || p.name.compare(0, head.size(), head) != 0;
    };
    const auto params = spec.define().params;
    if (std::all_of(params.begin(), params.end(), [&](const NamedParam& p) { return !needed(p) || fits(p); }))
      return &spec;
  }
  return nullptr;
}

TINYFIQA_END
