#include "jobs/scoring/score_run.hpp"

#include "decoders/photo.hpp"
#include "jobs/faces/face_pixels.hpp"
#include "jobs/guarded.hpp"
#include "jobs/progress.hpp"
#include "jobs/stopwatch.hpp"
#include "reports/text.hpp"

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

ShownScore shown_score(const QualitySource& source, bool raw) {
  if (raw) return ShownScore::raw;
  if (source.calibrated()) {
    if (const std::string note = source.inexact(); !note.empty()) print_note(note);
    return ShownScore::quality;
  }
  if (const auto names = source.uncalibrated(); !names.empty())
    print_note("the weights of " + join_text(names, ", ") +
               " have no calibration, so these are raw scores; for qualities of 0..100, run tinyfiqa "
               "calibrate WEIGHTS --data population.csv --out CALIBRATED.safetensors");
  return ShownScore::raw;
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

namespace {

/// Puts a score and, if it is wanted, the result of explain() into a row, or the error of either.
template <class Explain>
void finish_row(ScoreRow& row, Result<Score> score, const Explain& explain, bool wanted) {
  Status status = score.status();
  if (score) row.score = std::move(*score);
  if (status && wanted) {
    const auto explanation = explain();
    status = explanation.status();
    if (explanation) row.explanation = *explanation;
  }
  if (!status) row.status = status.prefixed(row.path, ": ");
}

}  // namespace

ScoreRow score_image(FaceJudge& judge, const std::string& path, const ImageFile& file, const Crop& crop,
                     std::size_t number, FaceExplainer* explainer) {
  ScoreRow row{path, file.photo.status(), {}, {}};
  judge.decode_s += file.seconds;
  if (!file.photo) return row;
  auto result = judge.judge({file.photo->image, crop, file.bytes->bytes, number});
  finish_row(
      row, std::move(result), [&] { return explainer->explain_crop(file.photo->image, crop); },
      explainer != nullptr);
  return row;
}

namespace {

Result<Score> judge_face(FaceJudge& judge, const ImageFile& file, const FoundFace& found,
                         std::size_t number) {
  const Photo& photo = *file.photo;
  const Bytes bytes = file.bytes->bytes;
  if (found.framing == Framing::aligned) return judge.judge({photo.image, Crop(), bytes, number});
  const double start = now_s();
  const auto pixels = face_pixels(photo, bytes, found.face, judge.wanted_crop_side());
  judge.decode_s += now_s() - start;
  if (!pixels) return pixels.status();
  const Image& image = pixels->image(photo);
  const Crop crop = crop_for(FaceCrop::aligned, pixels->face, image.width, image.height);
  return judge.judge({image, crop, bytes, number, &pixels->face});
}

}  // namespace

std::vector<ScoreRow> score_faces(FaceJudge& judge, FaceFinder& finder, const std::string& path,
                                  const ImageFile& file, std::size_t number, FaceExplainer* explainer) {
  judge.decode_s += file.seconds;
  if (!file.photo) return {{path, file.photo.status(), {}, {}}};
  const auto faces = finder.find(file.photo->image, file.photo->scale_y);
  if (!faces) return {{path, faces.status().prefixed(path, ": "), {}, {}}};
  if (faces->empty()) {
    const Status none =
        Status::error(Errc::no_face, path, ": no face found; for a crop of a face use --face whole");
    return {{path, none, {}, {}}};
  }
  std::vector<ScoreRow> rows;
  for (const FoundFace& found : *faces) {
    ScoreRow row{path, {}, {}, found};
    row.face->face = in_full_photo(*file.photo, found.face);
    finish_row(
        row, judge_face(judge, file, found, number),
        [&] {
          return explainer->explain_found(*file.photo, file.bytes->bytes, found, finder.largest_other());
        },
        explainer != nullptr);
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<PhotoJudge>> photo_judges(const QualitySource& source, const FaceOptions& faces,
                                             const std::string& isa, int threads, std::size_t images,
                                             bool explain) {
  auto judges = source.judges(threads, images);
  if (!judges) return judges.status();
  const auto backend = backend_option(isa);
  if (!backend) return backend.status();
  auto finders = faces.finders(**backend, judges->size(), judges->size() == 1 ? thread_count(threads) : 1);
  if (!finders) return finders.status();
  std::vector<PhotoJudge> all;
  for (std::size_t i = 0; i < judges->size(); ++i)
    all.push_back({std::move((*judges)[i]), finders->empty() ? nullptr : std::move((*finders)[i])});
  if (explain)
    for (PhotoJudge& one : all) one.explainer = std::make_unique<FaceExplainer>(**backend);
  return all;
}

std::vector<ScoreRow> score_photo(const PhotoJudge& j, const std::string& path, const ImageFile& file,
                                  const Crop& crop, std::size_t number) {
  std::vector<ScoreRow> rows;
  if (j.finder != nullptr && !crop.box && !crop.landmarks)
    rows = score_faces(*j.judge, *j.finder, path, file, number, j.explainer.get());
  else
    rows.push_back(score_image(*j.judge, path, file, crop, number, j.explainer.get()));
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
