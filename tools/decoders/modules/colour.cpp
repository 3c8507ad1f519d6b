// Converts colours to sRGB with Little CMS.
#include <lcms2.h>

#include "decoders/module.hpp"

namespace {

cmsHPROFILE open_profile(const unsigned char* icc, std::size_t bytes, const float* p) {
  if (bytes > 0) return cmsOpenProfileFromMem(icc, static_cast<cmsUInt32Number>(bytes));
  const auto at = [p](int i) { return cmsCIExyY{double{p[2 * i]}, double{p[2 * i + 1]}, 1}; };
  const cmsCIExyYTRIPLE primaries = {at(0), at(1), at(2)};
  const cmsCIExyY white = at(3);
  // sRGB's curve (IEC 61966-2-1) in the form ((x + 0.055) / 1.055) ^ 2.4, below 0.04045 x / 12.92.
  const double parameters[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  cmsToneCurve* const curve = cmsBuildParametricToneCurve(nullptr, 4, parameters);
  if (curve == nullptr) return nullptr;
  cmsToneCurve* const curves[] = {curve, curve, curve};
  const cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, curves);
  cmsFreeToneCurve(curve);
  return profile;
}

struct Layout {
  cmsColorSpaceSignature space;
  cmsUInt32Number format;
};

Layout layout(ModulePixels pixels) {
  switch (pixels) {
    case pixels_grey:  // the first of three equal bytes
      return {cmsSigGrayData, COLORSPACE_SH(PT_GRAY) | EXTRA_SH(2) | CHANNELS_SH(1) | BYTES_SH(1)};
    case pixels_cmyk:
      return {cmsSigCmykData, TYPE_CMYK_8};
    case pixels_cmyk_inverted:
      return {cmsSigCmykData, TYPE_CMYK_8_REV};
    case pixels_rgb:
      break;
  }
  return {cmsSigRgbData, TYPE_RGB_8};
}

void* open_conversion(const unsigned char* icc, std::size_t bytes, const float* primaries,
                      ModulePixels pixels) {
  static const bool silent = (cmsSetLogErrorHandler([](cmsContext, cmsUInt32Number, const char*) {}), true);
  static_cast<void>(silent);
  const cmsHPROFILE from = open_profile(icc, bytes, primaries);
  if (from == nullptr) return nullptr;
  Layout in = layout(pixels);
  // Grey pixels with a profile for colours are colours, too.
  if (pixels == pixels_grey && cmsGetColorSpace(from) == cmsSigRgbData) in = layout(pixels_rgb);
  cmsHTRANSFORM conversion = nullptr;
  if (cmsGetColorSpace(from) == in.space) {
    const cmsHPROFILE to = cmsCreate_sRGBProfile();
    if (to != nullptr)
      conversion = cmsCreateTransform(from, in.format, to, TYPE_RGB_8, INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE);
    cmsCloseProfile(to);
  }
  cmsCloseProfile(from);
  return conversion;
}

void convert(void* conversion, const unsigned char* in, unsigned char* out, std::size_t pixels) {
  cmsDoTransform(conversion, in, out, static_cast<cmsUInt32Number>(pixels));
}

void close_conversion(void* conversion) { cmsDeleteTransform(conversion); }

}  // namespace

extern "C" const ColourFunctions* TINYFIQA_COLOUR_FUNCTION() {
  static constexpr ColourFunctions functions = {open_conversion, convert, close_conversion};
  return &functions;
}
