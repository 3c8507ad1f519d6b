// tinyfiqa_scorer: finds faces and scores them.
#include <tinyfiqa/quality/default_model.hpp>
#include <tinyfiqa/quality/default_model_i8.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/precision.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include "common.hpp"
#include "jobs/faces/face_pixels.hpp"

#include <cmath>
#include <optional>
#include <utility>

using namespace tinyfiqa;
using c_api::call;

struct tinyfiqa_scorer {
  std::vector<std::shared_ptr<const Model>> models;
  std::shared_ptr<const Model> detector;  ///< null: whole images are scored
  ScoreOptions options;
  tinyfiqa_search search;  ///< without the path
  FaceChoice choice;
  Scorer scorer;
  std::optional<FaceFinder> finder;
  InUse in_use = {};
};

namespace {

using Made = Result<std::unique_ptr<tinyfiqa_scorer>>;

/// A scorer of these networks, for one thread at a time.
Made make_scorer(std::vector<std::shared_ptr<const Model>> models, std::shared_ptr<const Model> detector,
                 const ScoreOptions& options, const tinyfiqa_search& search, FaceChoice choice) {
  auto scorer = Scorer::create(models, options);
  if (!scorer) return scorer.status();
  std::optional<FaceFinder> finder;
  if (detector != nullptr) {
    auto made = c_api::make_finder(detector, search, choice);
    if (!made) return made.status();
    finder = std::move(*made);
  }
  return std::unique_ptr<tinyfiqa_scorer>(new tinyfiqa_scorer{std::move(models), std::move(detector), options,
                                                              search, choice, std::move(*scorer),
                                                              std::move(finder)});
}

/// The built-in network in floats or in 8 bits.
Result<Model> built_in_model(bool eight_bits) {
  const Backend& backend = native_backend();
  return eight_bits ? default_model_i8(backend) : default_model(backend);
}

Result<std::vector<std::shared_ptr<const Model>>> read_models(const tinyfiqa_scorer_options& options) {
  std::vector<std::shared_ptr<const Model>> models;
  const std::size_t count = options.weights != nullptr ? options.weight_count : 0;
  const std::string name = options.model != nullptr ? options.model : "";
  if (count == 0 && !name.empty())
    return Status::error(Errc::bad_argument, "`model` names the network of `weights`; give that, too");
  for (std::size_t i = 0; i < count; ++i)
    if (options.weights[i] == nullptr) return c_api::null_argument("a path of `weights`");
  const auto eight_bits =
      takes_eight_bits(options.precision != nullptr ? options.precision : "f32",
                       count == 0 ? "" : options.weights[0], tinyfqnet_m_spec.name, native_backend());
  if (!eight_bits) return eight_bits.status();
  for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
    auto model = count == 0 ? built_in_model(*eight_bits)
                            : load_model(options.weights[i], name, native_backend(), Use::run);
    if (!model) return model.status();
    models.push_back(std::make_shared<const Model>(std::move(*model)));
  }
  return models;
}

Made read_scorer(const tinyfiqa_scorer_options& options) {
  if (options.faces < TINYFIQA_LARGEST_FACE || options.faces > TINYFIQA_WHOLE_IMAGE)
    return Status::error(Errc::bad_argument, "`faces` is ", options.faces,
                         "; it may be TINYFIQA_LARGEST_FACE, TINYFIQA_ALL_FACES or TINYFIQA_WHOLE_IMAGE");
  auto models = read_models(options);
  if (!models) return models.status();
  ScoreOptions score;
  if (options.search.threads != 0) score.threads = options.search.threads;
  if (options.views != nullptr) {
    auto views = parse_views(options.views);
    if (!views) return views.status();
    score.views = std::move(*views);
  }
  std::shared_ptr<const Model> detector;
  if (options.faces != TINYFIQA_WHOLE_IMAGE) {
    auto read = c_api::detector_model(options.search);
    if (!read) return read.status();
    detector = std::move(*read);
  }
  tinyfiqa_search search = options.search;
  search.detector = nullptr;  // the caller's text
  return make_scorer(std::move(*models), std::move(detector), score, search,
                     static_cast<FaceChoice>(options.faces));
}
static_assert(static_cast<int>(FaceChoice::all) == TINYFIQA_ALL_FACES);
static_assert(static_cast<int>(FaceChoice::whole) == TINYFIQA_WHOLE_IMAGE);

tinyfiqa_score score_of(const Score& score) {
  tinyfiqa_score result = {};
  result.quality = score.quality;
  result.whole_quality = std::isnan(score.quality) ? -1 : whole_quality(score.quality);
  result.band = score.band ? static_cast<std::int32_t>(*score.band) : TINYFIQA_BAND_NONE;
  result.raw = score.value;
  return result;
}

/// The whole image as a face.
FoundFace whole_image(int width, int height) {
  FoundFace found;
  found.face.box = {0, 0, static_cast<float>(width), static_cast<float>(height)};
  found.face.confidence = 1;
  found.framing = Framing::tight;
  return found;
}

using Scored = Result<std::vector<tinyfiqa_scored_face>>;

Scored score_photo(tinyfiqa_scorer& s, Bytes file) {
  DecodeRequest request;
  request.longest_side = s.finder ? s.finder->decoded_side() : 0;
  const auto photo = decode_photo(file, request);
  if (!photo) return photo.status();
  const auto score_face = [&](const FoundFace& found) -> Result<Score> {
    if (!s.finder || found.framing == Framing::aligned) return s.scorer.score(photo->image, Crop());
    const auto pixels = face_pixels(*photo, file, found.face, s.scorer.wanted_crop_side());
    return pixels ? s.scorer.score(pixels->image(*photo), pixels->face) : pixels.status();
  };
  auto found = s.finder ? s.finder->find(photo->image, photo->scale_y)
                        : std::vector<FoundFace>{whole_image(photo->width, photo->height)};
  if (!found) return found.status();
  std::vector<tinyfiqa_scored_face> all;
  for (FoundFace& face : *found) {
    const auto score = score_face(face);
    if (!score) return score.status();
    if (s.finder) face.face = in_full_photo(*photo, face.face);
    all.push_back({c_api::face_of(face), score_of(*score)});
  }
  return all;
}

Scored score_view(tinyfiqa_scorer& s, const ImageView& view) {
  const auto found =
      s.finder ? s.finder->find(view) : std::vector<FoundFace>{whole_image(view.width, view.height)};
  if (!found) return found.status();
  std::vector<tinyfiqa_scored_face> all;
  for (const FoundFace& face : *found) {
    const bool whole = !s.finder || face.framing == Framing::aligned;
    const auto score = whole ? s.scorer.score(view, Crop()) : s.scorer.score(view, face.face);
    if (!score) return score.status();
    all.push_back({c_api::face_of(face), score_of(*score)});
  }
  return all;
}

/// Scores the face at this place; `box` and `landmarks` may be null.
Status score_known(tinyfiqa_scorer& s, const ImageView& view, const float* box, const float* landmarks,
                   tinyfiqa_score* score) {
  if (score == nullptr) return c_api::null_argument("score");
  Crop crop;
  if (box != nullptr) crop.box = FaceBox{box[0], box[1], box[2], box[3]};
  if (landmarks != nullptr) {
    crop.landmarks.emplace();
    for (int i = 0; i < 5; ++i) {
      crop.landmarks->x[i] = landmarks[2 * i];
      crop.landmarks->y[i] = landmarks[2 * i + 1];
    }
  }
  const auto result = s.scorer.score(view, crop);
  if (!result) return result.status();
  *score = score_of(*result);
  return {};
}

/// The same in a file, which is decoded at its full size: places are pixels of that.
Status score_known(tinyfiqa_scorer& s, Bytes file, const float* box, const float* landmarks,
                   tinyfiqa_score* score) {
  const auto photo = decode_photo(file, DecodeRequest());
  return photo ? score_known(s, photo->image, box, landmarks, score) : photo.status();
}

/// Calls work(), which returns a Status, if the scorer is free.
template <class Work>
tinyfiqa_code use(tinyfiqa_scorer* scorer, tinyfiqa_error* error, const Work& work) {
  return call(error, [&]() -> Status {
    if (scorer == nullptr) return c_api::null_argument("scorer");
    const InUse::Guard guard(scorer->in_use);
    return guard ? work() : InUse::error("this tinyfiqa_scorer");
  });
}

/// Gives the caller the result.
Status give(const Scored& scored, tinyfiqa_scored_face* faces, std::size_t capacity, std::size_t* count) {
  if (scored) c_api::give(*scored, faces, capacity, count);
  return scored.status();
}

}  // namespace

tinyfiqa_code tinyfiqa_scorer_create(const tinyfiqa_scorer_options* options, tinyfiqa_scorer** scorer,
                                     tinyfiqa_error* error) {
  return call(error, [&]() -> Status {
    if (scorer == nullptr) return c_api::null_argument("scorer");
    auto made = read_scorer(options != nullptr ? *options : tinyfiqa_scorer_options{});
    if (!made) return made.status();
    *scorer = made->release();
    return {};
  });
}

tinyfiqa_code tinyfiqa_scorer_clone(const tinyfiqa_scorer* scorer, tinyfiqa_scorer** clone,
                                    tinyfiqa_error* error) {
  return call(error, [&]() -> Status {
    if (scorer == nullptr) return c_api::null_argument("scorer");
    if (clone == nullptr) return c_api::null_argument("clone");
    auto made =
        make_scorer(scorer->models, scorer->detector, scorer->options, scorer->search, scorer->choice);
    if (!made) return made.status();
    *clone = made->release();
    return {};
  });
}

void tinyfiqa_scorer_free(tinyfiqa_scorer* scorer) { delete scorer; }

const char* tinyfiqa_scorer_precision(const tinyfiqa_scorer* scorer) {
  if (scorer == nullptr) return "";
  std::size_t in_levels = 0;
  for (const auto& model : scorer->models) in_levels += model->has_levels();
  return in_levels == 0 ? "f32" : in_levels == scorer->models.size() ? "i8" : "mixed";
}

void tinyfiqa_scorer_bands(const tinyfiqa_scorer* scorer, int32_t limits[3]) {
  BandLimits bands;
  if (scorer != nullptr) bands = scorer->scorer.band_limits().value_or(bands);
  limits[0] = bands.poor;
  limits[1] = bands.fair;
  limits[2] = bands.good;
}

tinyfiqa_code tinyfiqa_score_file(tinyfiqa_scorer* scorer, const char* path, tinyfiqa_scored_face* faces,
                                  size_t capacity, size_t* count, tinyfiqa_error* error) {
  return use(scorer, error, [&] {
    return c_api::on_file(
        path, [&](Bytes file) { return give(score_photo(*scorer, file), faces, capacity, count); });
  });
}

tinyfiqa_code tinyfiqa_score_bytes(tinyfiqa_scorer* scorer, const void* bytes, size_t size,
                                   tinyfiqa_scored_face* faces, size_t capacity, size_t* count,
                                   tinyfiqa_error* error) {
  return use(scorer, error, [&]() -> Status {
    const auto file = c_api::bytes_of(bytes, size);
    return file ? give(score_photo(*scorer, *file), faces, capacity, count) : file.status();
  });
}

tinyfiqa_code tinyfiqa_score_image(tinyfiqa_scorer* scorer, const tinyfiqa_image* image,
                                   tinyfiqa_scored_face* faces, size_t capacity, size_t* count,
                                   tinyfiqa_error* error) {
  return use(scorer, error, [&]() -> Status {
    const auto view = c_api::view_of(image);
    return view ? give(score_view(*scorer, *view), faces, capacity, count) : view.status();
  });
}

tinyfiqa_code tinyfiqa_score_known_face(tinyfiqa_scorer* scorer, const tinyfiqa_image* image,
                                        const float box[4], const float landmarks[10], tinyfiqa_score* score,
                                        tinyfiqa_error* error) {
  return use(scorer, error, [&]() -> Status {
    const auto view = c_api::view_of(image);
    return view ? score_known(*scorer, *view, box, landmarks, score) : view.status();
  });
}

tinyfiqa_code tinyfiqa_score_known_face_file(tinyfiqa_scorer* scorer, const char* path, const float box[4],
                                             const float landmarks[10], tinyfiqa_score* score,
                                             tinyfiqa_error* error) {
  return use(scorer, error, [&] {
    return c_api::on_file(path,
                          [&](Bytes file) { return score_known(*scorer, file, box, landmarks, score); });
  });
}

tinyfiqa_code tinyfiqa_score_known_face_bytes(tinyfiqa_scorer* scorer, const void* bytes, size_t size,
                                              const float box[4], const float landmarks[10],
                                              tinyfiqa_score* score, tinyfiqa_error* error) {
  return use(scorer, error, [&]() -> Status {
    const auto file = c_api::bytes_of(bytes, size);
    return file ? score_known(*scorer, *file, box, landmarks, score) : file.status();
  });
}
