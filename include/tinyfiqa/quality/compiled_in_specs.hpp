// The networks whose weights are compiled in. They are apart from the registry, so that a program that uses no others
// does not compile these.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/models/yunet.hpp>
#include <tinyfiqa/quality/model_spec.hpp>

TINYFIQA_BEGIN

/// The default network.
inline constexpr ModelSpec tinyfqnet_m_spec =
    ModelSpec::named("tinyfqnet_m", "69k parameters, usefulness of an aligned face to a recogniser, 0..1")
        .with_input(tinyfqnet_input())
        .defined_by<TinyFQFamily<TinyFQTableM>>()
        .giving_scores();

/// The smallest network.
inline constexpr ModelSpec tinyfqnet_spec =
    ModelSpec::named("tinyfqnet", "the same with 13k parameters, as published")
        .with_input(tinyfqnet_input())
        .defined_by<TinyFQnet>()
        .giving_scores();

/// The default detector.
inline constexpr ModelSpec yunet_n_spec =
    ModelSpec::named("yunet_n", "face detector, 76k parameters: box, five landmarks and confidence")
        .with_input(yunet_input())
        .defined_by<YuNetN>()
        .detecting_faces(DetectorFamily::yunet);

TINYFIQA_END
