#include "decoders/icc_profile.hpp"

#include <tinyfiqa/image/exif.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>

using tinyfiqa::Bytes;

// ICC.1:2010: numbers are big-endian; s15Fixed16 is a signed 16.16 fixed-point number.
namespace {

std::uint32_t u32(Bytes b, std::size_t at) { return tinyfiqa::detail::read_uint(b.data + at, 4, false); }
std::uint32_t u16(Bytes b, std::size_t at) { return tinyfiqa::detail::read_uint(b.data + at, 2, false); }
double fixed(Bytes b, std::size_t at) { return static_cast<std::int32_t>(u32(b, at)) / 65536.0; }

bool has_text(Bytes b, std::size_t at, const char* four) { return std::memcmp(b.data + at, four, 4) == 0; }

constexpr std::size_t header_bytes = 128;

/// The data of a tag; empty if it is missing or lies outside the profile.
Bytes find_tag(Bytes icc, const char* name) {
  const std::size_t count = u32(icc, header_bytes), entries = (icc.size - header_bytes - 4) / 12;
  for (std::size_t i = 0; i < count && i < entries; ++i) {
    const std::size_t entry = header_bytes + 4 + 12 * i;
    if (!has_text(icc, entry, name)) continue;
    const std::size_t at = u32(icc, entry + 4), size = u32(icc, entry + 8);
    return at <= icc.size && size <= icc.size - at ? Bytes(icc.data + at, size) : Bytes();
  }
  return Bytes();
}

bool is_column(Bytes xyz, const double (&expected)[3]) {
  if (xyz.size < 20 || !has_text(xyz, 0, "XYZ ")) return false;
  for (std::size_t i = 0; i < 3; ++i)
    if (std::abs(fixed(xyz, 8 + 4 * i) - expected[i]) > 0.002) return false;
  return true;
}

double srgb_curve(double x) { return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4); }
double srgb_inverse(double y) { return y <= 0.0031308 ? 12.92 * y : 1.055 * std::pow(y, 1 / 2.4) - 0.055; }

/// 'curv' (10.5): 0 entries: linear; 1: an exponent; more: a table.
double table_curve(Bytes curve, double x) {
  const std::size_t count = u32(curve, 8);
  if (count == 0) return x;
  if (count > (curve.size - 12) / 2) return -1;
  if (count == 1) return std::pow(x, u16(curve, 12) / 256.0);
  const double place = x * static_cast<double>(count - 1);
  const auto i = static_cast<std::size_t>(place) < count - 1 ? static_cast<std::size_t>(place) : count - 2;
  const double low = u16(curve, 12 + 2 * i), high = u16(curve, 14 + 2 * i);
  return (low + (high - low) * (place - static_cast<double>(i))) / 65535.0;
}

/// 'para' (10.15), functions 0 to 4: up to seven parameters g a b c d e f.
double parametric_curve(Bytes curve, double x) {
  constexpr std::size_t counts[] = {1, 3, 4, 5, 7};
  const std::size_t kind = u16(curve, 8);
  if (kind > 4 || curve.size < 12 + 4 * counts[kind]) return -1;
  double p[7] = {1, 1, 0, 0, 0, 0, 0};
  for (std::size_t i = 0; i < counts[kind]; ++i) p[i] = fixed(curve, 12 + 4 * i);
  const double low = kind < 3 ? (kind == 2 ? p[3] : 0) : p[3] * x + p[6];
  const double high = std::pow(std::fmax(p[1] * x + p[2], 0), p[0]) + (kind == 2 ? p[3] : p[5]);
  const bool above = kind == 0 || (kind < 3 ? p[1] * x >= -p[2] : x >= p[4]);
  return above ? high : low;
}

bool is_srgb_curve(Bytes curve) {
  if (curve.size < 12) return false;
  const bool table = has_text(curve, 0, "curv");
  if (!table && !has_text(curve, 0, "para")) return false;
  for (int i = 0; i <= 32; ++i) {
    const double x = i / 32.0, y = table ? table_curve(curve, x) : parametric_curve(curve, x);
    if (!(y >= 0) || std::abs(srgb_inverse(y) - srgb_inverse(srgb_curve(x))) > 1 / 255.0) return false;
  }
  return true;
}

}  // namespace

bool is_srgb(Bytes icc) {
  if (icc.size < header_bytes + 4 || !has_text(icc, 36, "acsp")) return false;
  if (!has_text(icc, 16, "RGB ") || !has_text(icc, 20, "XYZ ") || find_tag(icc, "A2B0").size > 0)
    return false;
  // sRGB's primaries, adapted to the profile connection space's D50.
  return is_column(find_tag(icc, "rXYZ"), {0.4361, 0.2225, 0.0139}) &&
         is_column(find_tag(icc, "gXYZ"), {0.3851, 0.7169, 0.0971}) &&
         is_column(find_tag(icc, "bXYZ"), {0.1431, 0.0606, 0.7141}) && is_srgb_curve(find_tag(icc, "rTRC")) &&
         is_srgb_curve(find_tag(icc, "gTRC")) && is_srgb_curve(find_tag(icc, "bTRC"));
}
