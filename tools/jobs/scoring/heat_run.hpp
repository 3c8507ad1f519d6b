// Heat maps of the faces in photos.
#pragma once

#include <tinyfiqa/attribution/heat_mapper.hpp>

#include "jobs/scoring/score_run.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// A scored face with its heat map. Without a score (row.status) there is no map.
struct HeatRow {
  ScoreRow row;
  tinyfiqa::HeatMap map;  ///< as large as the networks' input
  tinyfiqa::Image face;   ///< what the networks see of the photo, in more pixels
};

/// What one thread makes heat maps with. Without a mapper, faces are scored alone.
struct HeatJudge {
  PhotoJudge score;
  std::unique_ptr<tinyfiqa::HeatMapper> mapper = nullptr;
};

/// Adds a mapper to each scorer. Several scorers have one thread each, a single one has all. Errors: bad_argument for a
/// source without networks; those of HeatMapper::create().
tinyfiqa::Result<std::vector<HeatJudge>> heat_judges(const QualitySource& source,
                                                     std::vector<PhotoJudge> scorers,
                                                     tinyfiqa::HeatMapOptions options, int threads);

/// A map of gradients as people are shown it: blurred by a twentieth of the face, so that parts of a face stand out and
/// pixels do not.
tinyfiqa::HeatMap shown_map(const tinyfiqa::HeatMap& map);

/// Scores the faces of a photo as score_photo() does, and makes a map of each. `face_side`: the longer side of
/// HeatRow::face; 0 leaves it empty.
std::vector<HeatRow> heat_photo(const HeatJudge& judge, const std::string& path, const ImageFile& file,
                                const tinyfiqa::Crop& crop, std::size_t number, int face_side);
