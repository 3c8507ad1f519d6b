#include "jobs/scoring/score_run.hpp"

#include "decoders/photo.hpp"
#include "jobs/guarded.hpp"
#include "jobs/progress.hpp"
#include "jobs/stopwatch.hpp"

#include <cmath>
#include <utility>

using namespace tinyfiqa;

void ViewOptions::add_to(const Command& command) {
  add_size_option(command, size);
  command
      .add_option(
          "--tta", tta,
          "Average the scores of these views: none, flips (identity, hflip, vflip), hflip-color, or a "
          "list of identity, hflip, vflip, color (default: the views of the weights' calibration, "
          "otherwise flips for ensemble and none for others)")
      .type_name("VIEWS");
  checks.add_to(command);
}

Result<ScoreOptions> score_options(const ViewOptions& options) {
  ScoreOptions result;
  if (!options.tta.empty()) {
    auto views = parse_views(options.tta);
    if (!views) return views.status().prefixed("--tta ");
    result.views = std::move(*views);
  }
  result.height = options.size.height;
  result.width = options.size.width;
  result.check_finite = options.checks.check_finite;
  result.max_arena_mib = options.checks.max_arena_mib;
  return result;
}

ImageFile read_image_file(const std::string& path, int longest_side) {
  const double start = now_s();
  auto bytes = read_photo_file(path);
  if (!bytes) return {bytes.status(), bytes.status(), now_s() - start};
  DecodeRequest request;
  request.longest_side = longest_side;
  auto photo = decode_photo(bytes->bytes, request);
  if (!photo) photo = photo.status().prefixed(path, ": ");
  return {std::move(bytes), std::move(photo), now_s() - start};
}

ScoreRow score_image(FaceJudge& judge, const std::string& path, const ImageFile& file, const Crop& crop,
                     std::size_t number) {
  ScoreRow row{path, file.photo.status(), {}, {}};
  judge.decode_s += file.seconds;
  if (!file.photo) return row;
  auto result = judge.judge({file.photo->image, crop, file.bytes->bytes, number});
  if (result)
    row.score = std::move(*result);
  else
    row.status = result.status().prefixed(path, ": ");
  return row;
}

namespace {

/// Heights of a face that a part around it has: enough for a loose crop, and for an aligned one however it is turned.
constexpr float part_heights = 2.2f;

/// The surroundings of a face (in pixels of the full photo), decoded so that a loose crop has at least `side` pixels.
Result<Photo> decode_around(Bytes file, const Face& face, int side) {
  const float half = part_heights * face.box.height / 2;
  Box box;
  box.x = static_cast<int>(std::floor(face.box.centre_x() - half));
  box.y = static_cast<int>(std::floor(face.box.centre_y() - half));
  box.width = box.height = static_cast<int>(std::ceil(2 * half));
  DecodeRequest request;
  request.longest_side =
      static_cast<int>(std::ceil(static_cast<float>(side) * part_heights / loose_crop_heights));
  return decode_part(file, box, request);
}

Result<Score> judge_face(FaceJudge& judge, const ImageFile& file, const FoundFace& found,
                         std::size_t number) {
  const Photo& photo = *file.photo;
  const Bytes bytes = file.bytes->bytes;
  if (found.framing == Framing::aligned) return judge.judge({photo.image, Crop(), bytes, number});
  const auto judge_in = [&](const Image& image, const Face& face) {
    const Crop crop = crop_for(FaceCrop::aligned, face, image.width, image.height);
    return judge.judge({image, crop, bytes, number, &face});
  };
  // Decoding again costs more than the network: an enlargement by a quarter is left to the resize.
  const int side = judge.wanted_crop_side() * 4 / 5;
  const bool reduced = photo.scale_x > 1.01 || photo.scale_y > 1.01;
  if (!reduced || loose_crop_heights * found.face.box.height >= static_cast<float>(side))
    return judge_in(photo.image, found.face);
  const Face full = in_full_photo(photo, found.face);
  const double start = now_s();
  const auto part = decode_around(bytes, full, side);
  judge.decode_s += now_s() - start;
  if (!part) return part.status();
  return judge_in(part->image, in_decoded_photo(*part, full));
}

}  // namespace

std::vector<ScoreRow> score_faces(FaceJudge& judge, FaceFinder& finder, const std::string& path,
                                  const ImageFile& file, std::size_t number) {
  std::vector<ScoreRow> rows;
  judge.decode_s += file.seconds;
  const auto faces = file.photo ? finder.find(file.photo->image, file.photo->scale_y) : file.photo.status();
  if (!faces) {
    const bool named = !file.photo;  // the message of the file begins with the path
    rows.push_back({path, named ? faces.status() : faces.status().prefixed(path, ": "), {}, {}});
    return rows;
  }
  for (const FoundFace& found : *faces) {
    ScoreRow row{path, {}, {}, found};
    row.face->face = in_full_photo(*file.photo, found.face);
    auto result = judge_face(judge, file, found, number);
    if (result)
      row.score = std::move(*result);
    else
      row.status = result.status().prefixed(path, ": ");
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<PhotoJudge>> photo_judges(const QualitySource& source, const FaceOptions& faces,
                                             const std::string& isa, int threads, std::size_t images) {
  auto judges = source.judges(threads, images);
  if (!judges) return judges.status();
  const auto backend = backend_option(isa);
  if (!backend) return backend.status();
  auto finders =
      FaceFinder::open(faces, **backend, judges->size(), judges->size() == 1 ? thread_count(threads) : 1);
  if (!finders) return finders.status();
  std::vector<PhotoJudge> all;
  for (std::size_t i = 0; i < judges->size(); ++i)
    all.push_back({std::move((*judges)[i]), finders->empty() ? nullptr : std::move((*finders)[i])});
  return all;
}

std::vector<ScoreRow> score_photo(const PhotoJudge& j, const std::string& path, const ImageFile& file,
                                  const Crop& crop, std::size_t number) {
  std::vector<ScoreRow> rows;
  if (j.finder != nullptr && !crop.box && !crop.landmarks)
    rows = score_faces(*j.judge, *j.finder, path, file, number);
  else
    rows.push_back(score_image(*j.judge, path, file, crop, number));
  return rows;
}

ScoreRow score_file(FaceJudge& judge, const std::string& path, const Crop& crop, std::size_t number,
                    const Status& status) {
  if (!status.ok()) return {path, status, {}, {}};
  return score_image(judge, path, read_image_file(path), crop, number);
}

Status score_samples(const QualitySource& source, const Dataset& data, int threads,
                     const std::function<void(std::size_t, const ScoreRow&)>& sink) {
  auto judges = source.judges(threads, data.samples.size());
  if (!judges) return judges.status();
  Progress progress(data.samples.size(), "images");
  const auto score_one = [&](const std::unique_ptr<FaceJudge>& judge, std::size_t index) {
    const Sample& s = data.samples[index];
    return guarded(
        s.file, [&] { return score_file(*judge, s.file, source.crop_of(s), index, s.status); },
        [&](const Status& problem) {
          return ScoreRow{s.file, problem, {}, {}};
        });
  };
  ScoreRun(data.samples.size()).start(*judges, score_one, [&](std::size_t index, const ScoreRow& row) {
    if (!row.status) progress.clear();  // the sink may print the error
    sink(index, row);
    progress.show(index + 1);
  });
  return Status();
}
