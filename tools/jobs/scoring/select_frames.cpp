// Selects from a video: the part of select_run.hpp for standard input.
#include <tinyfiqa/quality/selection.hpp>

#include "jobs/scoring/select_run.hpp"

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

/// The best frames of a video so far.
class FrameSelection {
 public:
  FrameSelection(SelectRun& run, FaceJudge& judge, const Crop& crop)
      : run_(run), judge_(judge), crop_(crop), best_(run.best) {}

  void take(const VideoFrame& frame) {
    if (!frame.status.ok()) return run_.report(frame.status.prefixed("skipped "));
    const auto score = judge_.judge({frame.image, crop_, frame.file, frame.number});
    if (!score) return run_.report(score.status().prefixed("frame ", frame.number, ": "));
    const double raw = double{score->value};
    LiveDecision decision{"", frame_name(frame.number), run_.shown(raw), best_.place(raw), {}};
    if (decision.rank > 0) best_.offer(raw, keep(frame, raw));
    for (const auto& entry : best_.entries()) decision.best.push_back(frame_name(entry.item.number));
    run_.print(decision);
  }

  /// Prints the chosen frames and writes them to the folder of --out.
  Status write() {
    for (std::size_t i = 0; i < best_.entries().size(); ++i) {
      const KeptFrame& kept = best_.entries()[i].item;
      run_.print(ChosenImage{"", i + 1, frame_name(kept.number), run_.shown(kept.raw), kept.raw});
      if (!run_.folder.wanted()) continue;
      const std::string file = "frame_" + std::to_string(kept.number) + (kept.head.empty() ? ".jpg" : ".ppm");
      const Bytes head(kept.head), bytes(kept.bytes);
      if (const Status s = run_.folder.write("", i + 1, file, head, bytes); !s) return s;
    }
    return Status();
  }

 private:
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

  SelectRun& run_;
  FaceJudge& judge_;
  const Crop& crop_;
  BestFew<KeptFrame> best_;
};

}  // namespace

Status select_frames(SelectRun& run, const FrameFormat& format, const Crop& crop) {
  auto judges = run.source.judges(1, 1);
  if (!judges) return judges.status();
  FrameSelection selection(run, *judges->front(), crop);
  const Status ended = read_frames(0, format, [&](const VideoFrame& frame) { selection.take(frame); });
  if (!ended) run.report(ended);  // the frames before the error still count
  return selection.write();
}
