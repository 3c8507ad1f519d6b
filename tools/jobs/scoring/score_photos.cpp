#include "jobs/scoring/score_photos.hpp"

#include "jobs/faces/face_pixels.hpp"
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

/// Writes the photo with its faces and their qualities (or raw scores) to the folder of --draw.
Status draw_photo(const ScoreOutput& output, const PhotoTask& task, const ImageFile& file,
                  const std::vector<ScoreRow>& rows) {
  if (output.draw.empty() || !file.photo) return Status();
  std::vector<DrawnFace> drawn;
  for (const ScoreRow& row : rows) {
    if (!row.face || !row.status) continue;
    FoundFace found = *row.face;
    found.face = in_decoded_photo(*file.photo, found.face);
    drawn.push_back({found, output.shown == ShownScore::quality
                                ? std::to_string(whole_quality(row.score.quality))
                                : format_text("%.2f", double{row.score.value})});
  }
  return write_drawing(output.draw, output.pictures.of(task.path), task.file,
                       draw_faces(file.photo->image, drawn));
}

class PhotoScoring {
 public:
  PhotoScoring(Aside<ImageFile>& first, const ScoreOutput& output, RowOutput& rows)
      : first_(first), output_(output), rows_(rows), progress_(output.total, "images") {}

  /// On any thread.
  std::vector<ScoreRow> score(const PhotoJudge& judge, std::size_t index, const PhotoTask& task) {
    if (!task.status) return {{task.path, task.status, {}, {}}};
    return guarded(
        task.path, [&] { return score_file(judge, index, task); },
        [&](const Status& problem) {
          return std::vector<ScoreRow>{{task.path, problem, {}, {}}};
        });
  }

  /// In the order of the photos.
  void take(std::size_t index, std::vector<ScoreRow> rows) {
    if (!done_.written.ok()) return;
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
  std::vector<ScoreRow> score_file(const PhotoJudge& judge, std::size_t index, const PhotoTask& task) {
    const bool given = task.crop.box || task.crop.landmarks || task.is_face;
    const ImageFile file = index == 0 && first_.valid()
                               ? first_.get()
                               : read_image_file(task.file, given ? 0 : judge.decoded_side());
    std::vector<ScoreRow> rows =
        task.is_face ? std::vector<ScoreRow>{score_image(*judge.judge, task.file, file, task.crop, index,
                                                         judge.explainer.get())}
                     : score_photo(judge, task.file, file, task.crop, index);
    if (const Status drawn = draw_photo(output_, task, file, rows); !drawn) {
      print_error(drawn);
      ++undrawn_;
    }
    for (ScoreRow& row : rows) {
      if (!row.status.ok())
        row.status = Status::error(row.status.code(), short_message(row.status, task.file));
      row.path = task.path;
    }
    return rows;
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

ScoredPhotos score_photos(std::vector<PhotoJudge>& judges, const NextPhoto& next, Aside<ImageFile>& first,
                          const ScoreOutput& output, RowOutput& rows) {
  PhotoScoring run(first, output, rows);
  const auto next_wanted = [&] { return run.stopped() ? std::nullopt : next(); };
  const auto score = [&](const PhotoJudge& judge, std::size_t index, const PhotoTask& task) {
    return run.score(judge, index, task);
  };
  OrderedStream<PhotoTask, std::vector<ScoreRow>>().start(
      judges, next_wanted, score,
      [&](std::size_t index, std::vector<ScoreRow> done) { run.take(index, std::move(done)); });
  return run.end();
}
