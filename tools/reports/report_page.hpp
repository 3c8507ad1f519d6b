// The page that `tinyfiqa report` writes: one HTML file with faces, scores and pictures in it.
#pragma once

#include <tinyfiqa/attribution/heat_map.hpp>
#include <tinyfiqa/explanation/component.hpp>
#include <tinyfiqa/explanation/reasons.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "reports/score_table.hpp"

/// A picture of a face and its surroundings, or of a whole photo.
struct FacePicture {
  std::vector<unsigned char> jpeg;  ///< empty: there is none
  int width = 0, height = 0;
  /// The face in the picture, in shares of its width and height; none if nothing is known about its place.
  std::optional<tinyfiqa::Face> face;
};

/// What a heat map says of the picture: how much each cell lowers (below 0) or raises the score.
struct PictureHeat {
  int width = 0, height = 0;
  std::vector<signed char> cells;  ///< [height, width]
  std::array<float, 4> place{};    ///< left, top, width, height in shares of the picture
};

/// One face, or a photo without a score.
struct ReportFace {
  std::string path;   ///< as it was given
  std::string file;   ///< where the photo is
  std::string error;  ///< why there is no score; empty if there is one
  std::string note;   ///< such as "aligned crop", or why there is no picture
  std::optional<int> quality;
  std::string band;
  double score = std::numeric_limits<double>::quiet_NaN();  ///< raw; NaN if it is not known
  std::optional<FoundFace> face;                            ///< in pixels of the full photo
  /// 0..100 in the order of component_specs(); empty if faces were not explained.
  std::vector<std::optional<int>> components;
  std::vector<tinyfiqa::Reason> reasons;
  FacePicture picture;
  std::optional<tinyfiqa::HeatMap>
      map;                            ///< of what the networks saw of the face; none if it was not asked for
  std::optional<PictureHeat> heat;    ///< the same for the picture
  std::optional<std::size_t> person;  ///< the same number for faces of one person

  bool scored() const { return error.empty(); }
};

/// What the page shows.
struct Report {
  std::string title;
  ShownScore shown = ShownScore::quality;
  std::string scored_by;  ///< names of the networks; empty if a table does not say
  bool explained = false;
  tinyfiqa::FaceCrop crop = tinyfiqa::FaceCrop::aligned;  ///< what the networks of the maps saw
  std::vector<ReportFace> faces;
};

/// A row of scoring. The photo is at `file`.
ReportFace report_face(const ScoreRow& row, const std::string& file, ShownScore shown);

/// True if Chart.js was compiled in.
bool has_chart_library();
/// What is missing without it, and how to get it.
extern const char* const chart_library_advice;

/// The whole file. Links to photos are relative to the folder of `out`.
std::string report_page(const Report& report, const std::string& out);

/// True if this is the text of a report that some tinyfiqa wrote.
bool is_report_page(const std::string& text);
