#include "decoders/colour.hpp"

#include "decoders/icc_profile.hpp"
#include "decoders/modules.hpp"

using namespace tinyfiqa;

Result<ColourConversion> ColourConversion::create(Bytes icc, const float* primaries, ModulePixels pixels) {
  ColourConversion result;
  const bool known = primaries[0] > 0;
  if ((icc.empty() && !known) || is_srgb(icc)) return result;
  const auto functions = colour_functions("a photo whose colours are not sRGB");
  if (!functions) return functions.status();
  result.functions_ = *functions;
  result.conversion_ = {(*functions)->open(icc.data, icc.size, primaries, pixels), (*functions)->close};
  return result;
}
