// Follows faces from frame to frame of a video.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/face.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>
#include <vector>

TINYFIQA_BEGIN

/// How faces are followed.
struct TrackOptions {
  float least_iou = 0.25f;  ///< of a face with the box that its track is expected to have
  /// A face that moves so fast that the boxes do not overlap may be this far from the expected place, in widths of its
  /// box, if it has about the same size.
  float farthest = 0.7f;
  int most_missed = 15;  ///< frames that a face may be lost before its track ends
};

/// A face of a frame and the person that it belongs to.
struct TrackedFace {
  int track = 0;  ///< from 1, in the order of their first frames
  Face face;
};

/// Follows the faces of one video. Each track expects its face to move on as it did before (constant velocity); faces
/// and tracks are joined by IoU, the best pairs first. Who leaves and comes back later gets a new track.
///
///   FaceTracks tracks;
///   for each frame: for (const TrackedFace& f : tracks.follow(*detector.detect(frame))) ...
class FaceTracks {
 public:
  explicit FaceTracks(const TrackOptions& options = {}) : options_(options) {}

  /// The faces of the next frame, in their order, each with its track. Valid until the next call.
  Span<const TrackedFace> follow(Span<const Face> faces) {
    joined_.clear();
    for (const Face& face : faces) joined_.push_back({0, face});
    for (Track& t : tracks_) ++t.missed;
    find_pairs();
    std::sort(pairs_.begin(), pairs_.end(), [](const Pair& a, const Pair& b) {
      return a.fit != b.fit ? a.fit > b.fit : std::tie(a.track, a.face) < std::tie(b.track, b.face);
    });
    for (const Pair& p : pairs_)
      if (tracks_[p.track].missed > 0 && joined_[p.face].track == 0) join(tracks_[p.track], joined_[p.face]);
    for (TrackedFace& f : joined_) {
      if (f.track != 0) continue;
      f.track = ++count_;
      tracks_.push_back({f.track, f.face.box, 0, 0, 0});
    }
    const auto ended = [&](const Track& t) { return t.missed > options_.most_missed; };
    tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(), ended), tracks_.end());
    return {joined_.data(), joined_.size()};
  }

  /// All tracks so far.
  int count() const { return count_; }
  /// Those among them that the next frame may continue.
  std::size_t live() const { return tracks_.size(); }

 private:
  struct Track {
    int number = 0;
    FaceBox box;                     ///< in the frame where it was seen last
    float speed_x = 0, speed_y = 0;  ///< of the centre, pixels a frame
    int missed = 0;                  ///< frames since then
  };
  struct Pair {
    std::size_t track, face;
    float fit;  ///< IoU, or below 0 for boxes that do not overlap
  };

  static FaceBox expected(const Track& t) {
    FaceBox box = t.box;
    box.x += t.speed_x * static_cast<float>(t.missed);
    box.y += t.speed_y * static_cast<float>(t.missed);
    return box;
  }

  void find_pairs() {
    pairs_.clear();
    for (std::size_t t = 0; t < tracks_.size(); ++t)
      for (std::size_t f = 0; f < joined_.size(); ++f) {
        const FaceBox box = expected(tracks_[t]), &seen = joined_[f].face.box;
        const float iou = box_iou(box, seen);
        if (iou >= options_.least_iou) {
          pairs_.push_back({t, f, iou});
          continue;
        }
        const float width = std::max(box.width, seen.width);
        const float distance =
            std::hypot(box.centre_x() - seen.centre_x(), box.centre_y() - seen.centre_y()) / width;
        const bool same_size = std::min(box.width, seen.width) > 0.7f * width;
        if (same_size && distance <= options_.farthest) pairs_.push_back({t, f, -distance});
      }
  }

  void join(Track& t, TrackedFace& f) {
    const auto frames = static_cast<float>(t.missed);
    const FaceBox& seen = f.face.box;
    const auto smooth = [](float& speed, float now) { speed += 0.5f * (now - speed); };
    smooth(t.speed_x, (seen.centre_x() - t.box.centre_x()) / frames);
    smooth(t.speed_y, (seen.centre_y() - t.box.centre_y()) / frames);
    t.box = seen;
    t.missed = 0;
    f.track = t.number;
  }

  TrackOptions options_;
  std::vector<Track> tracks_;
  std::vector<TrackedFace> joined_;
  std::vector<Pair> pairs_;
  int count_ = 0;
};

TINYFIQA_END
