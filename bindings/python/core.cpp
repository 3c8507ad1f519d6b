// tinyfiqa._core: libtinyfiqa for Python. Small: what needs no C++ is in the Python files beside it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "tinyfiqa.h"

namespace nb = nanobind;

namespace {

/// An error of the library. Python's exception is chosen by the code.
struct Failure {
  tinyfiqa_code code;
  std::string message;
};

/// Calls call(error) without the interpreter's lock. Throws Failure.
template <class Call>
void checked(const Call& call) {
  tinyfiqa_error error;
  const nb::gil_scoped_release unlocked;
  if (call(&error) != TINYFIQA_OK) throw Failure{error.code, error.message};
}

/// Sets Python's exception: one of its own where it has one for this, otherwise tinyfiqa.Error.
void raise(const Failure& failure, PyObject* own_error) {
  const char* const message = failure.message.c_str();
  switch (failure.code) {
    case TINYFIQA_NOT_FOUND:
      return PyErr_SetString(PyExc_FileNotFoundError, message);
    case TINYFIQA_UNREADABLE:
      return PyErr_SetString(PyExc_OSError, message);
    case TINYFIQA_BAD_ARGUMENT:
      return PyErr_SetString(PyExc_ValueError, message);
    case TINYFIQA_OUT_OF_MEMORY:
      return PyErr_SetString(PyExc_MemoryError, message);
    default:
      return PyErr_SetString(own_error, message);
  }
}

/// Rows of pixels, as tinyfiqa_image has them. NumPy's arrays are [height, width] or [height, width, channels].
using Pixels = nb::ndarray<const std::uint8_t, nb::device::cpu, nb::ro>;

tinyfiqa_image image_of(const Pixels& pixels, std::int32_t order) {
  tinyfiqa_image image = {};
  image.data = pixels.data();
  image.height = static_cast<std::int32_t>(pixels.shape(0));
  image.width = static_cast<std::int32_t>(pixels.shape(1));
  image.row_stride = pixels.stride(0);
  image.order = order;
  return image;
}

/// The memory of an Arrow array of pixels of four bytes, such as Pillow's images give; nothing is copied. The layout is
/// that of Arrow's C data interface.
struct ArrowArray {
  std::int64_t length, null_count, offset, buffer_count, child_count;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
tinyfiqa_image image_of_arrow(const nb::capsule& array, std::int32_t height, std::int32_t width) {
  const auto* const a = static_cast<const ArrowArray*>(array.data("arrow_array"));
  if (a == nullptr || a->child_count != 1 || a->offset != 0 || a->length != std::int64_t{height} * width ||
      a->children[0]->buffer_count != 2 || a->children[0]->length != 4 * a->length)
    throw nb::value_error("not an Arrow array of pixels of four bytes");
  tinyfiqa_image image = {};
  image.data = static_cast<const unsigned char*>(a->children[0]->buffers[1]) + a->children[0]->offset;
  image.height = height;
  image.width = width;
  image.order = TINYFIQA_RGBA;
  return image;
}

tinyfiqa_search search_of(const std::optional<std::string>& detector, float threshold, float smallest_face,
                          int longest_side, bool tiles, bool quick, int threads) {
  tinyfiqa_search search = {};
  search.detector = detector ? detector->c_str() : nullptr;
  search.threshold = threshold;
  search.smallest_face = smallest_face;
  search.longest_side = longest_side;
  search.tiles = tiles;
  search.quick = quick;
  search.threads = threads;
  return search;
}

/// Most faces of an image that are returned: the detector's own limit.
constexpr std::size_t most_faces = 1000;

/// Calls call(faces, capacity, &count, error) with room for all faces.
template <class Face, class Call>
std::vector<Face> faces_of(const Call& call) {
  const std::unique_ptr<Face[]> room(
      new Face[most_faces]);  // not zeroed, which would take longer than some networks
  std::size_t count = 0;
  checked([&](tinyfiqa_error* error) { return call(room.get(), most_faces, &count, error); });
  return std::vector<Face>(room.get(), room.get() + std::min(count, most_faces));
}

using ScoredFaces = std::vector<tinyfiqa_scored_face>;

/// tinyfiqa_scorer. For one thread at a time: another one gets an error.
class Scorer {
 public:
  Scorer(const std::vector<std::string>& weights, const std::optional<std::string>& model,
         const std::optional<std::string>& views, int faces, const std::optional<std::string>& detector,
         float threshold, float smallest_face, int longest_side, bool tiles, bool quick, int threads) {
    std::vector<const char*> paths;
    for (const std::string& path : weights) paths.push_back(path.c_str());
    tinyfiqa_scorer_options options = {};
    options.weights = paths.data();
    options.weight_count = paths.size();
    options.model = model ? model->c_str() : nullptr;
    options.views = views ? views->c_str() : nullptr;
    options.faces = faces;
    options.search = search_of(detector, threshold, smallest_face, longest_side, tiles, quick, threads);
    make([&](auto** made, auto* error) { return tinyfiqa_scorer_create(&options, made, error); });
  }
  /// A scorer for another thread, which shares the weights.
  Scorer(const Scorer& other) {
    make([&](auto** made, auto* error) { return tinyfiqa_scorer_clone(other.scorer_.get(), made, error); });
  }

  ScoredFaces score_file(const std::string& path) {
    return faces_of<tinyfiqa_scored_face>(
        [&](auto... to) { return tinyfiqa_score_file(scorer_.get(), path.c_str(), to...); });
  }
  ScoredFaces score_bytes(const nb::bytes& bytes) {
    const void* const data = bytes.data();
    const std::size_t size = bytes.size();
    return faces_of<tinyfiqa_scored_face>(
        [&](auto... to) { return tinyfiqa_score_bytes(scorer_.get(), data, size, to...); });
  }
  ScoredFaces score_pixels(const Pixels& pixels, int order) { return score_image(image_of(pixels, order)); }
  ScoredFaces score_arrow(const nb::capsule& array, int height, int width) {
    return score_image(image_of_arrow(array, height, width));
  }
  tinyfiqa_score score_known_face(const Pixels& pixels, int order,
                                  const std::optional<std::vector<float>>& box,
                                  const std::optional<std::vector<float>>& landmarks) {
    if (box && box->size() != 4) throw nb::value_error("a box has four numbers: x, y, width, height");
    if (landmarks && landmarks->size() != 10) throw nb::value_error("a face has five landmarks: ten numbers");
    const tinyfiqa_image image = image_of(pixels, order);
    tinyfiqa_score score = {};
    checked([&](tinyfiqa_error* error) {
      return tinyfiqa_score_known_face(scorer_.get(), &image, box ? box->data() : nullptr,
                                       landmarks ? landmarks->data() : nullptr, &score, error);
    });
    return score;
  }
  std::tuple<int, int, int> bands() const {
    std::int32_t limits[3] = {};
    tinyfiqa_scorer_bands(scorer_.get(), limits);
    return {limits[0], limits[1], limits[2]};
  }

 private:
  template <class Make>
  void make(const Make& call) {
    tinyfiqa_scorer* made = nullptr;
    checked([&](tinyfiqa_error* error) { return call(&made, error); });
    scorer_.reset(made);
  }
  ScoredFaces score_image(const tinyfiqa_image& image) {
    return faces_of<tinyfiqa_scored_face>(
        [&](auto... to) { return tinyfiqa_score_image(scorer_.get(), &image, to...); });
  }

  struct Free {
    void operator()(tinyfiqa_scorer* scorer) const { tinyfiqa_scorer_free(scorer); }
  };
  std::unique_ptr<tinyfiqa_scorer, Free> scorer_;
};

using Faces = std::vector<tinyfiqa_face>;

/// tinyfiqa_detector. For one thread at a time: another one gets an error.
class Detector {
 public:
  Detector(const std::optional<std::string>& detector, float threshold, float smallest_face, int longest_side,
           bool tiles, bool quick, int threads) {
    const tinyfiqa_search search =
        search_of(detector, threshold, smallest_face, longest_side, tiles, quick, threads);
    tinyfiqa_detector* made = nullptr;
    checked([&](tinyfiqa_error* error) { return tinyfiqa_detector_create(&search, &made, error); });
    detector_.reset(made);
  }

  Faces detect_file(const std::string& path) {
    return faces_of<tinyfiqa_face>(
        [&](auto... to) { return tinyfiqa_detect_file(detector_.get(), path.c_str(), to...); });
  }
  Faces detect_bytes(const nb::bytes& bytes) {
    const void* const data = bytes.data();
    const std::size_t size = bytes.size();
    return faces_of<tinyfiqa_face>(
        [&](auto... to) { return tinyfiqa_detect_bytes(detector_.get(), data, size, to...); });
  }
  Faces detect_pixels(const Pixels& pixels, int order) { return detect_image(image_of(pixels, order)); }
  Faces detect_arrow(const nb::capsule& array, int height, int width) {
    return detect_image(image_of_arrow(array, height, width));
  }

 private:
  Faces detect_image(const tinyfiqa_image& image) {
    return faces_of<tinyfiqa_face>(
        [&](auto... to) { return tinyfiqa_detect_image(detector_.get(), &image, to...); });
  }

  struct Free {
    void operator()(tinyfiqa_detector* detector) const { tinyfiqa_detector_free(detector); }
  };
  std::unique_ptr<tinyfiqa_detector, Free> detector_;
};

std::optional<std::string> word(const char* text) {
  return *text != '\0' ? std::optional<std::string>(text) : std::nullopt;
}

void define_results(nb::module_& m) {
  nb::class_<tinyfiqa_face>(m, "Face")
      .def_prop_ro("box", [](const tinyfiqa_face& f) { return std::tuple(f.x, f.y, f.width, f.height); })
      .def_ro("confidence", &tinyfiqa_face::confidence)
      .def_prop_ro("landmarks",
                   [](const tinyfiqa_face& f) { return nb::bytes(f.landmarks, sizeof f.landmarks); })
      .def_prop_ro("framing", [](const tinyfiqa_face& f) { return tinyfiqa_framing_name(f.framing); });
  nb::class_<tinyfiqa_score>(m, "Score")
      .def_prop_ro("quality",
                   [](const tinyfiqa_score& s) {
                     return s.whole_quality < 0 ? std::nullopt : std::optional<int>(s.whole_quality);
                   })
      .def_prop_ro("exact_quality",
                   [](const tinyfiqa_score& s) {
                     return std::isnan(s.quality) ? std::nullopt : std::optional<float>(s.quality);
                   })
      .def_prop_ro("band", [](const tinyfiqa_score& s) { return word(tinyfiqa_band_name(s.band)); })
      .def_ro("raw", &tinyfiqa_score::raw);
  nb::class_<tinyfiqa_scored_face>(m, "ScoredFace")
      .def_ro("face", &tinyfiqa_scored_face::face)
      .def_ro("score", &tinyfiqa_scored_face::score);
}

}  // namespace

NB_MODULE(_core, m) {
  static PyObject* const own_error = PyErr_NewException("tinyfiqa.Error", nullptr, nullptr);
  m.attr("Error") = nb::borrow(own_error);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      raise(failure, own_error);
    }
  });
  define_results(m);
  nb::class_<Scorer>(m, "Scorer")
      .def(nb::init<const std::vector<std::string>&, const std::optional<std::string>&,
                    const std::optional<std::string>&, int, const std::optional<std::string>&, float, float,
                    int, bool, bool, int>())
      .def("clone", [](const Scorer& scorer) { return Scorer(scorer); })
      .def("score_file", &Scorer::score_file)
      .def("score_bytes", &Scorer::score_bytes)
      .def("score_pixels", &Scorer::score_pixels)
      .def("score_arrow", &Scorer::score_arrow)
      .def("score_known_face", &Scorer::score_known_face, nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none())
      .def_prop_ro("bands", &Scorer::bands);
  nb::class_<Detector>(m, "Detector")
      .def(nb::init<const std::optional<std::string>&, float, float, int, bool, bool, int>())
      .def("detect_file", &Detector::detect_file)
      .def("detect_bytes", &Detector::detect_bytes)
      .def("detect_pixels", &Detector::detect_pixels)
      .def("detect_arrow", &Detector::detect_arrow);
  m.attr("__version__") = tinyfiqa_version();
  m.attr("instruction_set") = tinyfiqa_instruction_set();
}
