// The components of an explanation: their names, units, and the map from a measure to 0..100.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>

TINYFIQA_BEGIN

/// What a component looks at. The order is that of tables; names are those of columns and do not change.
enum class ComponentKind : unsigned char {
  sharpness,
  motion_blur,
  under_exposure,
  over_exposure,
  dynamic_range,
  contrast,
  evenness,
  noise,
  compression,
  colour,
  colour_cast,
  saturation,
  resolution,
  yaw,
  pitch,
  roll,
  head_size,
  centring,
  single_face,
};
inline constexpr std::size_t component_count = 19;

/// How the measure m of a component becomes a value of 0..100:
///   more is better:  100 / (1 + (middle / m)^steepness)
///   less is better:  100 / (1 + (m / middle)^steepness)
/// This is a sigmoid of log m. At `middle` the value is 50, and below 50 a component is a reason.
struct ComponentSpec {
  ComponentKind kind;
  const char* name;
  const char* unit;  ///< of the measure; empty for ratios
  bool more_is_better;
  double middle, steepness;
};

/// The spec of a component. docs/explanation.md says where the constants come from.
constexpr const ComponentSpec& component_spec(ComponentKind kind);

namespace detail {

inline constexpr ComponentSpec component_specs[component_count] = {
    {ComponentKind::sharpness, "sharpness", "", true, 0.5, 6},
    {ComponentKind::motion_blur, "motion_blur", "", true, 0.7, 8},
    {ComponentKind::under_exposure, "under_exposure", "levels", true, 51, 4},
    {ComponentKind::over_exposure, "over_exposure", "share", false, 0.1, 2.5},
    {ComponentKind::dynamic_range, "dynamic_range", "bits", true, 4, 4},
    {ComponentKind::contrast, "contrast", "", true, 0.1, 4},
    {ComponentKind::evenness, "evenness", "", true, 0.4, 3},
    {ComponentKind::noise, "noise", "levels", false, 6, 3},
    {ComponentKind::compression, "compression", "", false, 0.5, 2},
    {ComponentKind::colour, "colour", "share", true, 0.1, 2},
    {ComponentKind::colour_cast, "colour_cast", "CIELAB", false, 12, 3},
    {ComponentKind::saturation, "saturation", "", true, 0.06, 3},
    {ComponentKind::resolution, "resolution", "px", true, 35, 5},
    {ComponentKind::yaw, "yaw", "degrees", false, 40, 3},
    {ComponentKind::pitch, "pitch", "degrees", false, 25, 3},
    {ComponentKind::roll, "roll", "degrees", false, 30, 3},
    {ComponentKind::head_size, "head_size", "share", true, 0.05, 3},
    {ComponentKind::centring, "centring", "margins", true, 0.6, 6},
    {ComponentKind::single_face, "single_face", "share", false, 0.5, 3},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < component_count; ++i)
    if (static_cast<std::size_t>(component_specs[i].kind) != i) return false;
  return true;
}
static_assert(in_order(), "component_specs has another order than ComponentKind");

}  // namespace detail

/// All specs, in the order of ComponentKind.
inline Span<const ComponentSpec> component_specs() { return {detail::component_specs, component_count}; }
constexpr const ComponentSpec& component_spec(ComponentKind kind) {
  return detail::component_specs[static_cast<std::size_t>(kind)];
}

/// The value 0..100 of a measure; negative measures count by their size. NaN for NaN.
inline double component_value(const ComponentSpec& spec, double measure) {
  const double m = std::abs(measure);
  return 100 / (1 + std::pow(spec.more_is_better ? spec.middle / m : m / spec.middle, spec.steepness));
}

/// A component of an explanation. Both numbers are NaN if it was not measured.
struct Component {
  double value = std::numeric_limits<double>::quiet_NaN();    ///< 0..100, higher is better
  double measure = std::numeric_limits<double>::quiet_NaN();  ///< in the spec's unit

  bool known() const { return !std::isnan(value); }
  /// The value as a whole number; `known()` must hold.
  int whole() const { return static_cast<int>(std::lround(value)); }
};

/// Values below this are reasons.
inline constexpr double reason_below = 50;

/// All components of a face.
class Explanation {
 public:
  const Component& operator[](ComponentKind kind) const { return all_[static_cast<std::size_t>(kind)]; }
  void set(ComponentKind kind, double measure) {
    all_[static_cast<std::size_t>(kind)] = {component_value(component_spec(kind), measure), measure};
  }

  /// Makes the component unknown.
  void clear(ComponentKind kind) { all_[static_cast<std::size_t>(kind)] = Component(); }

  /// The component with the lowest value below reason_below, without `but`; of equal ones the first.
  std::optional<ComponentKind> worst(std::optional<ComponentKind> but = std::nullopt) const {
    std::optional<ComponentKind> found;
    double lowest = reason_below;
    for (const ComponentSpec& spec : component_specs()) {
      const Component& c = (*this)[spec.kind];
      if (c.known() && c.value < lowest && spec.kind != but) lowest = c.value, found = spec.kind;
    }
    return found;
  }

 private:
  Component all_[component_count];
};

TINYFIQA_END
