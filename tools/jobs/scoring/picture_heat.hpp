// Heat maps of faces, brought to the pictures of a report.
#pragma once

#include <tinyfiqa/attribution/heat_map.hpp>
#include <tinyfiqa/image/preprocess.hpp>

#include "reports/report_page.hpp"

#include <optional>

/// The map of what a network with this crop saw of a face, for the cells of the face's picture. Cells that the network did
/// not see are 0. None if the place of the face in the picture is not known, but for a whole image.
std::optional<PictureHeat> picture_heat(const tinyfiqa::HeatMap& map, tinyfiqa::FaceCrop crop,
                                        const FacePicture& picture);
