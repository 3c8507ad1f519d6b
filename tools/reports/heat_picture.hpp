// Pictures of heat maps: the face beside its map, with a legend.
#pragma once

#include <tinyfiqa/attribution/heat_map.hpp>
#include <tinyfiqa/image/image.hpp>

#include <string>
#include <vector>

/// The longer side of a panel, in pixels.
inline constexpr int heat_panel_side = 384;

/// A face with colours over it: orange where the map raises the score, blue where it lowers it, as strong as the value is
/// beside the map's largest magnitude. The face turns grey below, so that the colours are those of the map.
tinyfiqa::Image coloured_by(const tinyfiqa::HeatMap& map, const tinyfiqa::Image& face);

/// The face, the face with its map, the legend, and lines of text below.
tinyfiqa::Image heat_picture(const tinyfiqa::Image& face, const tinyfiqa::HeatMap& map,
                             const std::vector<std::string>& lines);
