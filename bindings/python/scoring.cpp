// Scorer and Detector: tinyfiqa_scorer and tinyfiqa_detector for Python. An array may be scored in less than 200
// microseconds, so a call should cost few, and results are made here.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core.hpp"
#include "pixels.hpp"

namespace {

/// Most faces of an image that are returned: the detector's own limit.
constexpr std::size_t most_faces = 1000;

// Python's classes Face and ScoredFace, which are tuples with names. They are never freed: they live as long as the
// interpreter.
PyObject *face_class = nullptr, *scored_face_class = nullptr;

void set_result_classes(const nb::object& face, const nb::object& scored_face) {
  face_class = nb::object(face).release().ptr();
  scored_face_class = nb::object(scored_face).release().ptr();
}

/// An object of one of these classes with these fields.
template <class... Fields>
nb::object named(PyObject* type, const Fields&... fields) {
  const nb::object values = nb::make_tuple(nb::make_tuple(fields...));
  PyObject* const made = PyTuple_Type.tp_new(reinterpret_cast<PyTypeObject*>(type), values.ptr(), nullptr);
  if (made == nullptr) throw nb::python_error();
  return nb::steal(made);
}

nb::object object_of(const tinyfiqa_face& f) {
  const auto point = [&](int i) { return nb::make_tuple(f.landmarks[2 * i], f.landmarks[2 * i + 1]); };
  const nb::object landmarks = nb::make_tuple(point(0), point(1), point(2), point(3), point(4));
  return named(face_class, nb::make_tuple(f.x, f.y, f.width, f.height), f.confidence, landmarks,
               tinyfiqa_framing_name(f.framing));
}
/// `face` is None if the caller gave its place.
nb::object object_of(const tinyfiqa_score& s, const nb::object& face) {
  const char* const name = tinyfiqa_band_name(s.band);
  const nb::object band = *name == '\0' ? nb::none() : nb::object(nb::str(name));
  const nb::object quality = s.whole_quality < 0 ? nb::none() : nb::object(nb::int_(s.whole_quality));
  const nb::object exact = std::isnan(s.quality) ? nb::none() : nb::object(nb::float_(double{s.quality}));
  return named(scored_face_class, quality, band, s.raw, exact, face);
}
nb::object object_of(const tinyfiqa_scored_face& f) { return object_of(f.score, object_of(f.face)); }

/// Calls call(faces, capacity, &count, error) with room for all faces. Returns a list.
template <class Face, class Call>
nb::list faces_of(const Call& call) {
  thread_local std::vector<Face> room(most_faces);
  Face* const faces = room.data();
  std::size_t count = 0;
  checked([&](tinyfiqa_error* error) { return call(faces, most_faces, &count, error); });
  nb::list all;
  for (std::size_t i = 0; i < std::min(count, most_faces); ++i) all.append(object_of(faces[i]));
  return all;
}

using Text = std::optional<std::string>;
using Numbers = std::optional<std::vector<float>>;
const char* characters(const Text& text) { return text ? text->c_str() : nullptr; }

tinyfiqa_search search_of(const Text& detector, float threshold, float smallest_face, int longest_side,
                          bool tiles, bool quick, int threads) {
  tinyfiqa_search search = {};
  search.detector = characters(detector);
  search.threshold = threshold;
  search.smallest_face = smallest_face;
  search.longest_side = longest_side;
  search.tiles = tiles;
  search.quick = quick;
  search.threads = threads;
  return search;
}

/// tinyfiqa_scorer. For one thread at a time: another one gets an error.
class Scorer {
 public:
  Scorer(const std::vector<std::string>& weights, const Text& model, const std::string& precision,
         const Text& views, int faces, const Text& detector, float threshold, float smallest_face,
         int longest_side, bool tiles, bool quick, int threads) {
    std::vector<const char*> paths;
    for (const std::string& path : weights) paths.push_back(path.c_str());
    tinyfiqa_scorer_options options = {};
    options.weights = paths.data();
    options.weight_count = paths.size();
    options.model = characters(model);
    options.precision = precision.c_str();
    options.views = characters(views);
    options.faces = faces;
    options.search = search_of(detector, threshold, smallest_face, longest_side, tiles, quick, threads);
    make([&](auto** made, auto* error) { return tinyfiqa_scorer_create(&options, made, error); });
  }
  /// A scorer for another thread, which shares the weights.
  Scorer(const Scorer& other) {
    make([&](auto** made, auto* error) { return tinyfiqa_scorer_clone(other.scorer_.get(), made, error); });
  }

  nb::list score_file(const std::string& path) {
    return scored([&](auto... to) { return tinyfiqa_score_file(scorer_.get(), path.c_str(), to...); });
  }
  nb::list score_bytes(const nb::bytes& bytes) {
    const void* const data = bytes.data();
    const std::size_t size = bytes.size();
    return scored([&](auto... to) { return tinyfiqa_score_bytes(scorer_.get(), data, size, to...); });
  }
  nb::list score_pixels(nb::handle array, const char* order) {
    const Pixels pixels(array, order);
    return score_image(pixels.image());
  }
  nb::list score_arrow(const nb::capsule& array, int height, int width) {
    return score_image(image_of_arrow(array, height, width));
  }
  nb::object score_known_face_file(const std::string& path, const Numbers& box, const Numbers& landmarks) {
    return known(box, landmarks, [&](auto... at) {
      return tinyfiqa_score_known_face_file(scorer_.get(), path.c_str(), at...);
    });
  }
  nb::object score_known_face_bytes(const nb::bytes& bytes, const Numbers& box, const Numbers& landmarks) {
    const void* const data = bytes.data();
    const std::size_t size = bytes.size();
    return known(box, landmarks, [&](auto... at) {
      return tinyfiqa_score_known_face_bytes(scorer_.get(), data, size, at...);
    });
  }
  nb::object score_known_face_pixels(nb::handle array, const char* order, const Numbers& box,
                                     const Numbers& landmarks) {
    const Pixels pixels(array, order);
    return known(box, landmarks, [&](auto... at) {
      return tinyfiqa_score_known_face(scorer_.get(), &pixels.image(), at...);
    });
  }
  nb::object score_known_face_arrow(const nb::capsule& array, int height, int width, const Numbers& box,
                                    const Numbers& landmarks) {
    const tinyfiqa_image image = image_of_arrow(array, height, width);
    return known(box, landmarks,
                 [&](auto... at) { return tinyfiqa_score_known_face(scorer_.get(), &image, at...); });
  }
  const char* precision() const { return tinyfiqa_scorer_precision(scorer_.get()); }
  nb::object bands() const {
    std::int32_t limits[3] = {};
    tinyfiqa_scorer_bands(scorer_.get(), limits);
    return nb::make_tuple(limits[0], limits[1], limits[2]);
  }

 private:
  template <class Make>
  void make(const Make& call) {
    tinyfiqa_scorer* made = nullptr;
    checked([&](tinyfiqa_error* error) { return call(&made, error); });
    scorer_.reset(made);
  }
  /// Calls call(box, landmarks, &score, error).
  template <class Call>
  static nb::object known(const Numbers& box, const Numbers& landmarks, const Call& call) {
    if (box && box->size() != 4) throw nb::value_error("a box has four numbers: x, y, width, height");
    if (landmarks && landmarks->size() != 10) throw nb::value_error("a face has five landmarks: ten numbers");
    const float* const numbers = box ? box->data() : nullptr;
    const float* const points = landmarks ? landmarks->data() : nullptr;
    tinyfiqa_score score = {};
    checked([&](tinyfiqa_error* error) { return call(numbers, points, &score, error); });
    return object_of(score, nb::none());
  }
  template <class Call>
  static nb::list scored(const Call& call) {
    return faces_of<tinyfiqa_scored_face>(call);
  }
  nb::list score_image(const tinyfiqa_image& image) {
    return scored([&](auto... to) { return tinyfiqa_score_image(scorer_.get(), &image, to...); });
  }

  struct Free {
    void operator()(tinyfiqa_scorer* scorer) const { tinyfiqa_scorer_free(scorer); }
  };
  std::unique_ptr<tinyfiqa_scorer, Free> scorer_;
};

/// tinyfiqa_detector. For one thread at a time: another one gets an error.
class Detector {
 public:
  Detector(const Text& detector, float threshold, float smallest_face, int longest_side, bool tiles,
           bool quick, int threads) {
    const tinyfiqa_search search =
        search_of(detector, threshold, smallest_face, longest_side, tiles, quick, threads);
    tinyfiqa_detector* made = nullptr;
    checked([&](tinyfiqa_error* error) { return tinyfiqa_detector_create(&search, &made, error); });
    detector_.reset(made);
  }

  nb::list detect_file(const std::string& path) {
    return found([&](auto... to) { return tinyfiqa_detect_file(detector_.get(), path.c_str(), to...); });
  }
  nb::list detect_bytes(const nb::bytes& bytes) {
    const void* const data = bytes.data();
    const std::size_t size = bytes.size();
    return found([&](auto... to) { return tinyfiqa_detect_bytes(detector_.get(), data, size, to...); });
  }
  nb::list detect_pixels(nb::handle array, const char* order) {
    const Pixels pixels(array, order);
    return detect_image(pixels.image());
  }
  nb::list detect_arrow(const nb::capsule& array, int height, int width) {
    return detect_image(image_of_arrow(array, height, width));
  }

 private:
  template <class Call>
  static nb::list found(const Call& call) {
    return faces_of<tinyfiqa_face>(call);
  }
  nb::list detect_image(const tinyfiqa_image& image) {
    return found([&](auto... to) { return tinyfiqa_detect_image(detector_.get(), &image, to...); });
  }

  struct Free {
    void operator()(tinyfiqa_detector* detector) const { tinyfiqa_detector_free(detector); }
  };
  std::unique_ptr<tinyfiqa_detector, Free> detector_;
};

}  // namespace

void define_scoring(nb::module_& m) {
  m.def("set_result_classes", &set_result_classes);
  nb::class_<Scorer>(m, "Scorer")
      .def(nb::init<const std::vector<std::string>&, const Text&, const std::string&, const Text&, int,
                    const Text&, float, float, int, bool, bool, int>())
      .def("clone", [](const Scorer& scorer) { return Scorer(scorer); })
      .def("score_file", &Scorer::score_file)
      .def("score_bytes", &Scorer::score_bytes)
      .def("score_pixels", &Scorer::score_pixels)
      .def("score_arrow", &Scorer::score_arrow)
      .def("score_known_face_file", &Scorer::score_known_face_file, nb::arg(), nb::arg().none(),
           nb::arg().none())
      .def("score_known_face_bytes", &Scorer::score_known_face_bytes, nb::arg(), nb::arg().none(),
           nb::arg().none())
      .def("score_known_face_pixels", &Scorer::score_known_face_pixels, nb::arg(), nb::arg(),
           nb::arg().none(), nb::arg().none())
      .def("score_known_face_arrow", &Scorer::score_known_face_arrow, nb::arg(), nb::arg(), nb::arg(),
           nb::arg().none(), nb::arg().none())
      .def_prop_ro("precision", &Scorer::precision)
      .def_prop_ro("bands", &Scorer::bands);
  nb::class_<Detector>(m, "Detector")
      .def(nb::init<const Text&, float, float, int, bool, bool, int>())
      .def("detect_file", &Detector::detect_file)
      .def("detect_bytes", &Detector::detect_bytes)
      .def("detect_pixels", &Detector::detect_pixels)
      .def("detect_arrow", &Detector::detect_arrow);
}
