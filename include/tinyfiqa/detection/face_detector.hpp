// Finds the faces in an image.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/detection/decode.hpp>
#include <tinyfiqa/detection/face_list.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/threads/in_use.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// How faces are searched.
struct DetectorOptions {
  float threshold = 0.6f;     ///< least confidence, in 0..1
  float most_overlap = 0.3f;  ///< two faces may have at most this IoU
  /// The image is searched with its longer side at most this many pixels. Faces below about 12 pixels at that size are
  /// not found: with 640, those below a fiftieth of the image's longer side.
  int longest_side = 640;
  float smallest_face = 0;  ///< least height of a face in pixels of the image
  /// If nothing is found, search again: at half the size, where noise averages out; with a margin around the image and
  /// small images enlarged (for close-ups that fill the image, and tiny crops); then with the image turned by 90, 270
  /// and 180 degrees. All that takes about five times as long. If faces are found, look at the largest ones that are not
  /// quite sure in all four directions.
  bool thorough = true;
  /// Search also parts of `longest_side` pixels that overlap by a quarter, for small faces in large images.
  bool tiles = false;
  std::size_t most_faces = 1000;
  int threads = 1;
  bool check_finite = false;  ///< see SessionOptions; detect() then gives its error
};

/// Quarter turns of an image, clockwise.
enum class Turn : unsigned char { none, right, half, left };

/// Finds faces with a detector of the registry. For one thread at a time: make one for each thread; they can
/// share the model. A call while another thread is in it is an error (in_use). Allocates only when it is made, and for an image that needs more memory than
/// any before.
///
///   auto detector = default_detector();             // detection/default_detector.hpp
///   auto faces = detector->detect(image);           // Span of Face, best first; empty if there is none
class FaceDetector {
 public:
  /// Errors: bad_argument for a model that is no detector and for options out of range; those of Session::create().
  static Result<FaceDetector> create(std::shared_ptr<const Model> model,
                                     const DetectorOptions& options = {}) {
    const ModelSpec& spec = model->spec();
    if (spec.detector == DetectorFamily::none)
      return Status::error(Errc::bad_argument, spec.name, " is no face detector, such as yunet_n");
    if (const Status s = check(options); !s) return s;
    const int side = padded(spec, options.longest_side);
    SessionOptions own;
    own.threads = options.threads;
    own.feed = Feed::levels;
    own.outputs = outputs_of(spec);
    own.check_finite = options.check_finite;
    auto session = Session::create(*model, 1, side, side, own);
    if (!session) return session.status();
    return FaceDetector(std::move(model), std::move(*session), options);
  }

  /// The outputs that it reads of a detector's network.
  static std::vector<std::string> outputs_of(const ModelSpec& spec) {
    if (spec.detector == DetectorFamily::yunet) return {"head_8", "head_16", "head_32"};
    return {"cls_8", "bbox_8", "kps_8", "cls_16", "bbox_16", "kps_16", "cls_32", "bbox_32", "kps_32"};
  }

  const Model& model() const { return *model_; }
  const DetectorOptions& options() const { return options_; }

  /// The faces in the image, highest confidence first, in pixels of the image. Valid until the next call. Errors:
  /// those of check_view() and Session::resize(); in_use; with check_finite not_finite.
  Result<Span<const Face>> detect(const ImageView& image) { return find(image, false); }
  /// The face with the largest box alone; empty if there is none. Faster where small faces are not quite sure, because
  /// only the largest one is then looked at in all four directions.
  Result<Span<const Face>> detect_largest(const ImageView& image) { return find(image, true); }
  /// The area of the second largest face that the last detect_largest() saw, in pixels of the image; 0 if there was one.
  float largest_other() const { return largest_other_; }

 private:
  static constexpr int enlarged_side = 192;
  // Of check_turns():
  static constexpr int most_checked = 4;
  static constexpr int checked_side = 128;
  static constexpr float checked_heights = 2.4f;  ///< side of the surroundings, in heights of the face
  static constexpr float sure = 0.9f;             ///< faces of this confidence are not checked
  static constexpr float clearly = 0.03f;         ///< by which another direction must be surer

  FaceDetector(std::shared_ptr<const Model> model, Session session, const DetectorOptions& options)
      : model_(std::move(model)),
        options_(options),
        session_(std::move(session)),
        maps_(session_),
        input_(static_cast<std::size_t>(session_.plan().input.floats())),
        found_(options.most_faces) {}

  static Status check(const DetectorOptions& o) {
    if (!(o.threshold > 0 && o.threshold < 1))
      return Status::error(Errc::bad_argument, "the detector's threshold must lie between 0 and 1");
    if (o.longest_side < 32 || o.longest_side > 8192)
      return Status::error(Errc::bad_argument, "the longest side to search must be 32 to 8192 pixels, not ",
                           o.longest_side);
    if (o.most_faces < 1) return Status::error(Errc::bad_argument, "most_faces must be at least 1");
    return {};
  }
  /// YuNet takes multiples of 32.
  static int padded(const ModelSpec& spec, int side) {
    return spec.detector == DetectorFamily::yunet ? (side + 31) / 32 * 32 : std::max(side, 32);
  }

  Result<Span<const Face>> find(const ImageView& image, bool only_largest) {
    const InUse::Guard guard(in_use_);
    if (!guard) return InUse::error("this FaceDetector");
    if (const Status s = check_view(image); !s) return s;
    found_.clear();
    const Box whole{0, 0, image.width, image.height};
    if (const Status s = search(image, whole, Turn::none, 0); !s) return s;
    if (options_.tiles)
      if (const Status s = search_tiles(image); !s) return s;
    if (options_.thorough && found_.size() == 0)
      if (const Status s = search_again(image, whole); !s) return s;
    found_.suppress(options_.most_overlap);
    if (only_largest) {
      largest_other_ = found_.second_area();
      found_.keep_largest();
    }
    if (options_.thorough)
      if (const Status s = check_turns(image, whole); !s) return s;
    if (only_largest) found_.keep_largest();  // a turned image is searched as a whole
    return found_.faces();
  }

  /// Noisy images, close-ups whose face is larger than the image, turned images.
  Status search_again(const ImageView& image, const Box& whole) {
    if (const Status s = search(image, whole, Turn::none, 0, 0.5); !s || found_.size() > 0) return s;
    const int margin = std::max(image.width, image.height) / 2;
    if (const Status s = search(image, whole, Turn::none, margin); !s || found_.size() > 0) return s;
    // Three more chances to be wrong: a face in a turned image must be twice as sure.
    const float least = 1 - (1 - options_.threshold) / 2;
    for (const Turn turn : {Turn::right, Turn::left, Turn::half}) {
      if (const Status s = search(image, whole, turn, 0); !s) return s;
      found_.keep_if([&](const Face& face) { return face.confidence >= least; });
      if (found_.size() > 0) return {};
      found_.clear();
    }
    return {};
  }

  Status search_tiles(const ImageView& image) {
    const int side = options_.longest_side, step = side - side / 4;
    const auto last = [&](int size) { return std::max(0, size - side); };
    if (last(image.width) == 0 && last(image.height) == 0) return {};
    for (int y = 0;; y += step) {
      const int top = std::min(y, last(image.height));
      for (int x = 0;; x += step) {
        const int left = std::min(x, last(image.width));
        const Box tile{left, top, std::min(side, image.width), std::min(side, image.height)};
        if (const Status s = search(image, tile, Turn::none, 0); !s) return s;
        if (left == last(image.width)) break;
      }
      if (top == last(image.height)) break;
    }
    return {};
  }

  /// Detectors also fire at faces that lie or stand on their head, less surely and with wrong landmarks. So the
  /// surroundings of the largest faces that are not quite sure are looked at in all four directions, and the surest
  /// face is taken. If most of these faces are turned alike, the whole image is searched that way.
  Status check_turns(const ImageView& image, const Box& whole) {
    int order[most_checked], checked = 0, votes[4] = {};
    for (; checked < most_checked; ++checked) {
      order[checked] = largest_unsure({order, static_cast<std::size_t>(checked)});
      if (order[checked] < 0) break;
    }
    for (int i = 0; i < checked; ++i) {
      Face& face = found_[static_cast<std::size_t>(order[i])];
      Turn turn = Turn::none;
      if (const Status s = take_surest(image, face, turn); !s) return s;
      ++votes[static_cast<unsigned char>(turn)];
    }
    for (const Turn turn : {Turn::right, Turn::left, Turn::half}) {
      if (2 * votes[static_cast<unsigned char>(turn)] <= checked) continue;
      const Face largest = found_[static_cast<std::size_t>(order[0])];
      found_.clear();
      if (const Status s = search(image, whole, turn, 0); !s) return s;
      if (found_.size() == 0) found_.add(largest);  // seen only from nearby
      found_.suppress(options_.most_overlap);
    }
    return {};
  }
  /// The index of the largest face below `sure` that is not in `before`; -1 if there is none.
  int largest_unsure(Span<const int> before) const {
    int largest = -1;
    for (int i = 0; i < static_cast<int>(found_.size()); ++i) {
      const Face& face = found_[static_cast<std::size_t>(i)];
      const bool taken = std::find(before.begin(), before.end(), i) != before.end();
      if (taken || face.confidence >= sure) continue;
      if (largest < 0 || face.box.area() > found_[static_cast<std::size_t>(largest)].box.area()) largest = i;
    }
    return largest;
  }
  /// Replaces the face by what is clearly surer in another direction, which goes to `turn`.
  Status take_surest(const ImageView& image, Face& face, Turn& turn) {
    const float half = checked_heights * std::max(face.box.width, face.box.height) / 2;
    const auto edge = [](float at, int size) {
      return static_cast<int>(std::clamp(at, 0.0f, static_cast<float>(size)));
    };
    Box box;
    box.x = std::min(edge(face.box.centre_x() - half, image.width), image.width - 1);
    box.y = std::min(edge(face.box.centre_y() - half, image.height), image.height - 1);
    box.width = std::max(1, edge(face.box.centre_x() + half, image.width) - box.x);
    box.height = std::max(1, edge(face.box.centre_y() + half, image.height) - box.y);
    const double scale = static_cast<double>(checked_side) / std::max(box.width, box.height);
    const FaceBox place = face.box;
    float least = face.confidence + clearly;
    for (const Turn other : {Turn::none, Turn::right, Turn::left, Turn::half}) {
      if (const Status s = look(image, box, other, 0, scale); !s) return s;
      for (const Face& seen : faces_.faces()) {
        if (!(box_iou(seen.box, place) > options_.most_overlap && seen.confidence > least)) continue;
        least = seen.confidence + (other == Turn::none ? clearly : 0.0f);
        if (other == Turn::none) continue;
        face = seen;
        turn = other;
      }
    }
    return {};
  }

  /// Adds the faces of the part of the image that `box` shows, turned, with a black margin of `margin` pixels around it.
  /// With a margin, small images are enlarged. `reduction`: the searched size as a share of the usual one.
  Status search(const ImageView& image, const Box& box, Turn turn, int margin, double reduction = 1) {
    const int longest = std::max(box.width, box.height) + 2 * margin;
    const double most = margin > 0 ? std::max(1.0, static_cast<double>(enlarged_side) / longest) : 1.0;
    const double scale = std::min(most, static_cast<double>(options_.longest_side) / longest);
    if (const Status s = look(image, box, turn, margin, scale * reduction); !s) return s;
    for (const Face& face : faces_.faces()) found_.add(face);
    return {};
  }

  /// Fills faces_ with the faces of a part of the image, resized by `scale`, in pixels of the image.
  Status look(const ImageView& image, const Box& box, Turn turn, int margin, double scale) {
    const auto scaled = [&](int side) { return std::max(1, static_cast<int>(std::lround(side * scale))); };
    Placement p;
    p.box = box;
    p.turn = turn;
    p.width = scaled(box.width);
    p.height = scaled(box.height);
    p.margin = static_cast<int>(std::lround(margin * scale));
    const bool sideways = turn == Turn::right || turn == Turn::left;
    const int width = padded(model_->spec(), (sideways ? p.height : p.width) + 2 * p.margin);
    const int height = padded(model_->spec(), (sideways ? p.width : p.height) + 2 * p.margin);
    const Extents& planned = session_.plan().input;
    if (planned.h != height || planned.w != width) {
      if (const Status s = session_.resize(1, height, width); !s) return s;
      maps_.resize(session_);
    }
    fill_input(image, p, height, width);
    session_.run(input_.data(), maps_.pointers());
    decode(p);
    return session_.finite();
  }

  /// Where the searched pixels come from.
  struct Placement {
    Box box;  ///< of the image
    Turn turn = Turn::none;
    int width = 0, height = 0;  ///< of the box after resizing, before turning
    int margin = 0;             ///< left and above
  };

  /// Writes the resized and turned part of the image to the input, in the network's channel order.
  void fill_input(const ImageView& image, const Placement& p, int height, int width) {
    const std::size_t row = std::size_t{3} * static_cast<std::size_t>(width);
    input_.resize(row * static_cast<std::size_t>(height));
    std::fill(input_.begin(), input_.end(), static_cast<unsigned char>(0));
    const bool bgr = model_->input().order == ChannelOrder::bgr;
    const ImageView ordered = bgr ? with_red_and_blue_exchanged(image) : image;
    unsigned char* const corner = input_.data() + static_cast<std::size_t>(p.margin) * row +
                                  std::size_t{3} * static_cast<std::size_t>(p.margin);
    if (p.turn == Turn::none)
      return resizer_.resize(ordered, p.box, p.height, p.width, corner, static_cast<std::ptrdiff_t>(row),
                             model_->backend());
    const std::ptrdiff_t from_row = std::ptrdiff_t{3} * p.width;
    turned_.resize(static_cast<std::size_t>(from_row * p.height));
    resizer_.resize(ordered, p.box, p.height, p.width, turned_.data(), from_row, model_->backend());
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x) {
        const auto [to_x, to_y] = turned(p, x, y);
        const unsigned char* from = turned_.data() + y * from_row + std::ptrdiff_t{3} * x;
        std::copy_n(from, 3, corner + static_cast<std::ptrdiff_t>(row) * to_y + std::ptrdiff_t{3} * to_x);
      }
  }
  /// Where a pixel goes when the image is turned clockwise.
  static std::pair<int, int> turned(const Placement& p, int x, int y) {
    switch (p.turn) {
      case Turn::right:
        return {p.height - 1 - y, x};
      case Turn::half:
        return {p.width - 1 - x, p.height - 1 - y};
      case Turn::left:
        return {y, p.width - 1 - x};
      case Turn::none:
        break;
    }
    return {x, y};
  }

  /// Fills faces_ with the faces of the maps, in pixels of the image.
  void decode(const Placement& p) {
    faces_.clear();
    for (int level = 0; level < 3; ++level) {
      if (model_->spec().detector == DetectorFamily::yunet) {
        const Extents& e = session_.output_extents(level);
        decode_yunet(maps_[level], e.h, e.w, detector_strides[level], options_.threshold, faces_);
      } else {
        const Extents& e = session_.output_extents(3 * level);
        decode_retinaface(maps_[3 * level], maps_[3 * level + 1], maps_[3 * level + 2], e.h, e.w, level,
                          model_->spec().anchors, options_.threshold, faces_);
      }
    }
    faces_.suppress(options_.most_overlap);
    faces_.keep_if([&](Face& face) {
      face = in_image(face, p);  // of a larger image: numbers may overflow
      return detail::is_proper(face) && face.box.height >= options_.smallest_face;
    });
  }
  static Face in_image(const Face& found, const Placement& p) {
    const float scale_x = static_cast<float>(p.box.width) / static_cast<float>(p.width);
    const float scale_y = static_cast<float>(p.box.height) / static_cast<float>(p.height);
    const auto margin = static_cast<float>(p.margin);
    const auto width = static_cast<float>(p.width), height = static_cast<float>(p.height);
    const auto move = [&](float& x, float& y) {
      const float tx = x - margin, ty = y - margin;
      x = p.turn == Turn::right  ? ty
          : p.turn == Turn::half ? width - tx
          : p.turn == Turn::left ? width - ty
                                 : tx;
      y = p.turn == Turn::right  ? height - tx
          : p.turn == Turn::half ? height - ty
          : p.turn == Turn::left ? tx
                                 : ty;
      x = x * scale_x + static_cast<float>(p.box.x);
      y = y * scale_y + static_cast<float>(p.box.y);
    };
    Face face = found;
    float x1 = face.box.x, y1 = face.box.y, x2 = x1 + face.box.width, y2 = y1 + face.box.height;
    move(x1, y1);
    move(x2, y2);
    face.box = {std::min(x1, x2), std::min(y1, y2), std::abs(x2 - x1), std::abs(y2 - y1)};
    for (int i = 0; i < 5; ++i) move(face.landmarks.x[i], face.landmarks.y[i]);
    return face;
  }

  InUse in_use_;
  std::shared_ptr<const Model> model_;
  DetectorOptions options_;
  Session session_;
  OutputArrays maps_;
  std::vector<unsigned char> input_, turned_;
  Resizer resizer_;
  FaceList found_{0}, faces_{1000};
  float largest_other_ = 0;
};

TINYFIQA_END
