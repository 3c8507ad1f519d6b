// Selects from a video: the part of select_run.hpp for standard input.
#include <tinyfiqa/detection/face_tracks.hpp>
#include <tinyfiqa/quality/selection.hpp>

#include "jobs/scoring/score_run.hpp"
#include "jobs/scoring/select_run.hpp"
#include "jobs/stop_signal.hpp"

#include <map>
#include <memory>
#include <utility>

using namespace tinyfiqa;

namespace {

/// A frame that may be chosen.
struct KeptFrame {
  std::size_t number = 0;
  double raw = 0;
  std::vector<unsigned char> head, bytes;  ///< of its file in --out
};

std::string frame_name(std::size_t number) { return "frame " + std::to_string(number); }

/// The best frames of a video so far, for each person.
class FrameSelection {
 public:
  FrameSelection(SelectRun& run, const PhotoJudge& judge, const Crop& crop)
      : run_(run), judge_(judge), crop_(crop) {}

  void take(const VideoFrame& frame) {
    if (!frame.status.ok()) return run_.report(frame.status.prefixed("skipped "));
    if (judge_.finder == nullptr)
      return take_score(frame, "", judge_.judge->judge({frame.image, crop_, frame.file, frame.number}));
    const auto found = judge_.finder->find(frame.image);
    if (!found) return run_.report(found.status().prefixed("frame ", frame.number, ": "));
    std::vector<Face> faces;
    for (const FoundFace& f : *found) faces.push_back(f.face);
    for (const TrackedFace& f : tracks_.follow({faces.data(), faces.size()})) {
      const Crop crop = crop_for(FaceCrop::aligned, f.face, frame.image.width, frame.image.height);
      take_score(frame, "person " + std::to_string(f.track),
                 judge_.judge->judge({frame.image, crop, frame.file, frame.number, &f.face}));
    }
  }

  /// Prints the chosen frames and writes them to the folder of --out.
  Status write() {
    for (const auto& [group, best] : best_)
      for (std::size_t i = 0; i < best.entries().size(); ++i) {
        const KeptFrame& kept = best.entries()[i].item;
        run_.print(ChosenImage{group, i + 1, frame_name(kept.number), run_.shown(kept.raw), kept.raw});
        if (!run_.folder.wanted()) continue;
        const std::string file =
            "frame_" + std::to_string(kept.number) + (kept.head.empty() ? ".jpg" : ".ppm");
        const Bytes head(kept.head), bytes(kept.bytes);
        if (const Status s = run_.folder.write(group, i + 1, file, head, bytes); !s) return s;
      }
    return Status();
  }

 private:
  using Best = BestFew<KeptFrame>;

  void take_score(const VideoFrame& frame, const std::string& group, const Result<Score>& score) {
    if (!score) return run_.report(score.status().prefixed("frame ", frame.number, ": "));
    Best& best = best_.try_emplace(group, run_.best).first->second;
    const double raw = double{score->value};
    LiveDecision decision{group, frame_name(frame.number), run_.shown(raw), best.place(raw), {}};
    if (decision.rank > 0) best.offer(raw, keep(frame, raw));
    for (const auto& entry : best.entries()) decision.best.push_back(frame_name(entry.item.number));
    run_.print(decision);
  }

  /// Copies the bytes of the frame's file, if --out needs them: a JPEG as it is, raw pixels as PPM.
  KeptFrame keep(const VideoFrame& frame, double raw) const {
    KeptFrame kept{frame.number, raw, {}, {}};
    if (!run_.folder.wanted()) return kept;
    if (!frame.file.empty()) {
      kept.bytes.assign(frame.file.begin(), frame.file.end());
      return kept;
    }
    const std::string head =
        "P6\n" + std::to_string(frame.image.width) + " " + std::to_string(frame.image.height) + "\n255\n";
    kept.head.assign(head.begin(), head.end());
    kept.bytes = frame.image.rgb;
    return kept;
  }

  /// "person 2" before "person 10".
  struct ByNumber {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };

  SelectRun& run_;
  const PhotoJudge& judge_;
  const Crop& crop_;
  FaceTracks tracks_;
  std::map<std::string, Best, ByNumber> best_;
};

}  // namespace

Status select_frames(SelectRun& run, const FrameFormat& format, const Crop& crop) {
  FaceOptions faces = run.faces;
  if (crop.box || crop.landmarks) faces.face = "whole";
  if (faces.choice() == FaceChoice::largest)
    faces.face = "all";  // the largest face changes from frame to frame
  auto judges = photo_judges(run.source, faces, run.isa, 1, 1);
  if (!judges) return judges.status();
  FrameSelection selection(run, judges->front(), crop);
  catch_stop_signals();  // the best frames so far are written then
  const Status ended = read_frames(0, format, [&](const VideoFrame& frame) { selection.take(frame); });
  if (!ended) run.report(ended);  // the frames before the error still count
  return selection.write();
}
