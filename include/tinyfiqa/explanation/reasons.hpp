// Reasons in words: what is wrong with a photo of a face, and what to do.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/explanation/component.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// What is wrong; %.0f, if it is there, stands for the measure times `factor`.
struct ReasonText {
  ComponentKind kind;
  const char *fault, *remedy;
  double factor;
};

inline constexpr ReasonText reason_texts[component_count] = {
    {ComponentKind::sharpness, "not sharp", "focus on the face and clean the lens", 0},
    {ComponentKind::motion_blur, "blurred by motion", "hold still, or add light", 0},
    {ComponentKind::under_exposure, "too dark", "add light in front", 0},
    {ComponentKind::over_exposure, "%.0f %% of the face overexposed", "reduce the light or the exposure",
     100},
    {ComponentKind::dynamic_range, "few different levels", "add light, and switch filters off", 0},
    {ComponentKind::contrast, "low contrast", "avoid haze, reflections and light from behind", 0},
    {ComponentKind::evenness, "light from one side", "turn to the light, or add light on the other side", 0},
    {ComponentKind::noise, "noisy", "add light, so that the camera amplifies less", 0},
    {ComponentKind::compression, "visible compression", "save with a higher quality", 0},
    {ComponentKind::colour, "no colours", "take a photo in colour", 0},
    {ComponentKind::colour_cast, "colour cast", "use daylight, or set the white balance", 0},
    {ComponentKind::saturation, "pale colours", "switch filters off, or use better light", 0},
    {ComponentKind::resolution, "%.0f px between the eyes", "come closer", 1},
    {ComponentKind::yaw, "head turned by %.0f degrees", "face the camera", 1},
    {ComponentKind::pitch, "head raised or lowered by %.0f degrees",
     "hold the camera at the height of the eyes", 1},
    {ComponentKind::roll, "head tilted by %.0f degrees", "hold it upright", 1},
    {ComponentKind::head_size, "head small in the photo", "come closer", 0},
    {ComponentKind::centring, "head at the border of the photo", "move to its middle", 0},
    {ComponentKind::single_face, "other faces in the photo", "take one person alone", 0},
};

constexpr bool reasons_in_order() {
  for (std::size_t i = 0; i < component_count; ++i)
    if (static_cast<std::size_t>(reason_texts[i].kind) != i) return false;
  return true;
}
static_assert(reasons_in_order(), "reason_texts has another order than ComponentKind");

}  // namespace detail

/// A component that lowers the quality.
struct Reason {
  ComponentKind kind;
  std::string fault;   ///< "34 px between the eyes"
  std::string remedy;  ///< "come closer"

  /// "34 px between the eyes: come closer"
  std::string text() const { return fault + ": " + remedy; }
};

/// The one or two components with the lowest values below reason_below, worst first; none for a good photo.
inline std::vector<Reason> reasons_of(const Explanation& explanation) {
  std::vector<Reason> reasons;
  const auto add = [&](std::optional<ComponentKind> kind) {
    if (!kind) return;
    const detail::ReasonText& text = detail::reason_texts[static_cast<std::size_t>(*kind)];
    char fault[80];
    std::snprintf(fault, sizeof fault, text.fault, std::abs(explanation[*kind].measure) * text.factor);
    reasons.push_back({*kind, fault, text.remedy});
  };
  const auto first = explanation.worst();
  add(first);
  if (first) add(explanation.worst(first));
  return reasons;
}

TINYFIQA_END
