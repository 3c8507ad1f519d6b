#include "jobs/scoring/score_photos.hpp"

#include <tinyfiqa/explanation/reasons.hpp>

#include "jobs/faces/face_pixels.hpp"
#include "jobs/faces/shown_face.hpp"
#include "jobs/guarded.hpp"
#include "jobs/progress.hpp"
#include "options/messages.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

using namespace tinyfiqa;

namespace {

/// Sorts rows best first, errors last.
void sort_rows(std::vector<ScoreRow>& rows, ShownScore shown) {
  std::stable_sort(rows.begin(), rows.end(), [shown](const ScoreRow& a, const ScoreRow& b) {
    if (a.status.ok() != b.status.ok()) return a.status.ok();
    // Qualities beyond the ends of the calibration are equal: the raw scores then decide.
    if (shown == ShownScore::quality && a.score.quality != b.score.quality)
      return a.score.quality > b.score.quality;
    return a.score.value > b.score.value;
  });
}

/// "42", or the raw score.
std::string score_text(const Score& score, ShownScore shown) {
  return shown == ShownScore::quality ? std::to_string(whole_quality(score.quality))
                                      : format_text("%.2f", double{score.value});
}

/// What is wrong most; empty if nothing is, or if that was not asked.
std::string worst_fault(const ScoreRow& row) {
  const auto reasons = row.explanation ? reasons_of(*row.explanation) : std::vector<Reason>();
  return reasons.empty() ? "" : reasons[0].fault;
}

/// Writes the photo with its faces, their qualities (or raw scores) and their worst fault to the folder of --draw.
Status draw_photo(const ScoreOutput& output, const PhotoTask& task, const ImageFile& file,
                  const std::vector<ScoreRow>& rows) {
  if (output.draw.empty() || !file.photo) return Status();
  std::vector<DrawnFace> drawn;
  for (const ScoreRow& row : rows) {
    if (!row.face || !row.status) continue;
    FoundFace found = *row.face;
    found.face = in_decoded_photo(*file.photo, found.face);
    drawn.push_back({found, score_text(row.score, output.shown), worst_fault(row)});
  }
  return write_drawing(output.draw, output.pictures.of(task.path), task.file,
                       draw_faces(file.photo->image, drawn));
}

/// The rows of a photo, and the picture of each for the contact sheet; empty ones without a face or a sheet.
struct PhotoRows {
  std::vector<ScoreRow> rows;
  std::vector<Image> pictures;
};

/// The aligned face of a row, or the whole image if that is the face.
Result<Image> sheet_picture(const ScoreRow& row, const ImageFile& file, const Crop& given) {
  const Photo& photo = *file.photo;
  const auto shown = [](const ImageView& image, const Crop& crop) {
    return shown_face(image, crop, FaceCrop::aligned, sheet_side, sheet_side);
  };
  if (!row.face) return shown(photo.image, given);
  if (row.face->framing == Framing::aligned) return shown(photo.image, Crop());
  const auto pixels =
      face_pixels(photo, file.bytes->bytes, in_decoded_photo(photo, row.face->face), sheet_side * 36 / 25);
  if (!pixels) return pixels.status();
  Crop crop;
  crop.landmarks = pixels->face.landmarks;
  return shown(pixels->image(photo), crop);
}

class PhotoScoring {
 public:
  PhotoScoring(Aside<ImageFile>& first, const ScoreOutput& output, RowOutput& rows)
      : first_(first), output_(output), rows_(rows), progress_(output.total, "images") {}

  /// On any thread.
  PhotoRows score(const PhotoJudge& judge, std::size_t index, const PhotoTask& task) {
    const auto failed = [&](const Status& problem) { return PhotoRows{{{task.path, problem, {}, {}}}, {}}; };
    if (!task.status) return failed(task.status);
    return guarded(
        task.path, [&] { return score_file(judge, index, task); }, failed);
  }

  /// In the order of the photos.
  void take(std::size_t index, PhotoRows photo) {
    std::vector<ScoreRow>& rows = photo.rows;
    if (!done_.written.ok()) return;
    for (std::size_t i = 0; i < photo.pictures.size(); ++i)
      if (!photo.pictures[i].rgb.empty()) add_to_sheet(rows[i], std::move(photo.pictures[i]));
    done_.photos = index + 1;
    done_.failed +=
        std::any_of(rows.begin(), rows.end(), [](const ScoreRow& row) { return !row.status.ok(); });
    if (output_.sort) {
      std::move(rows.begin(), rows.end(), std::back_inserter(sorted_));
    } else {
      progress_.clear();
      write(rows);
    }
    progress_.show(done_.photos);
  }

  /// True when no more photos are wanted.
  bool stopped() const { return stopped_; }

  ScoredPhotos end() {
    progress_.clear();
    sort_rows(sorted_, output_.shown);
    if (!sorted_.empty()) write(sorted_);
    done_.undrawn = undrawn_;
    return std::move(done_);
  }

 private:
  PhotoRows score_file(const PhotoJudge& judge, std::size_t index, const PhotoTask& task) {
    const ImageFile file = index == 0 && first_.valid() ? first_.get() : read_task(judge, task);
    std::vector<ScoreRow> rows = score_task(judge, task, file);
    if (const Status drawn = draw_photo(output_, task, file, rows); !drawn) {
      print_error(drawn);
      ++undrawn_;
    }
    std::vector<Image> pictures;
    for (const ScoreRow& row : rows) {
      if (!output_.sheet || !row.status) continue;
      auto picture = sheet_picture(row, file, task.crop);
      pictures.resize(rows.size());
      if (picture) pictures[static_cast<std::size_t>(&row - rows.data())] = std::move(*picture);
    }
    for (ScoreRow& row : rows) {
      if (!row.status.ok())
        row.status = Status::error(row.status.code(), short_message(row.status, task.file));
      row.path = task.path;
    }
    return {std::move(rows), std::move(pictures)};
  }

  void add_to_sheet(const ScoreRow& row, Image picture) {
    const bool quality = output_.shown == ShownScore::quality;
    const std::string band = quality ? std::string(" ") + band_name(*row.score.band) : "";
    done_.sheet.add({double{quality ? row.score.quality : row.score.value},
                     score_text(row.score, output_.shown) + band, std::move(picture)});
  }

  void write(const std::vector<ScoreRow>& rows) {
    std::string text;
    for (const ScoreRow& row : rows) text += output_.table.row(row) + "\n";
    done_.written = rows_.write(text);
    stopped_ = !done_.written.ok();
  }

  Aside<ImageFile>& first_;
  const ScoreOutput& output_;
  RowOutput& rows_;
  Progress progress_;
  std::vector<ScoreRow> sorted_;
  ScoredPhotos done_;
  std::atomic<std::size_t> undrawn_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace

ImageFile read_task(const PhotoJudge& judge, const PhotoTask& task) {
  const bool given = task.crop.box || task.crop.landmarks || task.is_face;
  return read_image_file(task.file, given ? 0 : judge.decoded_side());
}

std::vector<ScoreRow> score_task(const PhotoJudge& judge, const PhotoTask& task, const ImageFile& file) {
  if (!task.is_face) return score_photo(judge, task.file, file, task.crop, task.number);
  return {score_image(*judge.judge, task.file, file, task.crop, task.number, judge.explainer.get())};
}

ScoredPhotos score_photos(std::vector<PhotoJudge>& judges, const NextPhoto& next, Aside<ImageFile>& first,
                          const ScoreOutput& output, RowOutput& rows) {
  PhotoScoring run(first, output, rows);
  const auto next_wanted = [&] { return run.stopped() ? std::nullopt : next(); };
  const auto score = [&](const PhotoJudge& judge, std::size_t index, const PhotoTask& task) {
    return run.score(judge, index, task);
  };
  OrderedStream<PhotoTask, PhotoRows>().start(
      judges, next_wanted, score,
      [&](std::size_t index, PhotoRows done) { run.take(index, std::move(done)); });
  return run.end();
}
