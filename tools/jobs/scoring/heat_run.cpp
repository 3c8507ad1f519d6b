#include "jobs/scoring/heat_run.hpp"

#include <tinyfiqa/autograd/dispatch.hpp>

#include "jobs/faces/face_pixels.hpp"
#include "jobs/faces/shown_face.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

namespace {

Status add_map(const HeatJudge& judge, const ImageView& image, const Crop& crop, int face_side,
               HeatRow& row) {
  const InputSpec& input = judge.mapper->input();
  auto heat = judge.mapper->map(image, crop);
  if (!heat) return heat.status();
  row.map = std::move(heat->map);
  if (face_side == 0) return Status();
  const int longer = std::max(input.height, input.width);
  auto face = shown_face(image, crop, input.crop, face_side * input.height / longer,
                         face_side * input.width / longer);
  if (!face) return face.status();
  row.face = std::move(*face);
  return Status();
}

/// The same for a face that was found.
Status add_found_map(const HeatJudge& judge, const ImageFile& file, int face_side, HeatRow& row) {
  const Photo& photo = *file.photo;
  if (row.row.face->framing == Framing::aligned) return add_map(judge, photo.image, {}, face_side, row);
  // A loose crop is 1.8 heights of the face wide, an aligned face 1.25.
  const int side = std::max(judge.score.judge->wanted_crop_side(), face_side * 36 / 25);
  const auto pixels =
      face_pixels(photo, file.bytes->bytes, in_decoded_photo(photo, row.row.face->face), side);
  if (!pixels) return pixels.status();
  const Image& image = pixels->image(photo);
  return add_map(judge, image, crop_for(judge.mapper->input().crop, pixels->face, image.width, image.height),
                 face_side, row);
}

}  // namespace

Result<std::vector<HeatJudge>> heat_judges(const QualitySource& source, std::vector<PhotoJudge> scorers,
                                           HeatMapOptions options, int threads) {
  const auto networks = source.networks();
  if (networks.empty())
    return Status::error(Errc::bad_argument, source.models()[0],
                         " is no network, so it has no heat map; score --explain gives reasons in words");
  options.gradient.threads = options.occlusion.threads = scorers.size() == 1 ? thread_count(threads) : 1;
  options.views = source.options().views;
  std::vector<HeatJudge> all;
  for (PhotoJudge& scorer : scorers) {
    auto mapper = HeatMapper::create(networks, options, *choose_training_backend(networks[0]->backend().isa));
    if (!mapper) return mapper.status();
    all.push_back({std::move(scorer), std::make_unique<HeatMapper>(std::move(*mapper))});
  }
  return all;
}

HeatMap shown_map(const HeatMap& map) {
  return blurred(map, static_cast<float>(std::min(map.height, map.width)) / 20);
}

std::vector<HeatRow> heat_photo(const HeatJudge& judge, const std::string& path, const ImageFile& file,
                                const Crop& crop, std::size_t number, int face_side) {
  std::vector<HeatRow> rows;
  for (ScoreRow& scored : score_photo(judge.score, path, file, crop, number)) {
    HeatRow row{std::move(scored), {}, {}};
    if (row.row.status && judge.mapper != nullptr) {
      const Status made = row.row.face ? add_found_map(judge, file, face_side, row)
                                       : add_map(judge, file.photo->image, crop, face_side, row);
      if (!made) row.row.status = made.prefixed(path, ": ");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}
