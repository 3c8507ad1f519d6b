#include "model.hpp"

#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/memory_errors.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

using namespace tinyfiqa;

namespace {

/// A NumPy array of these values, which it owns.
nb::object array_of(std::vector<float> values, const std::vector<std::size_t>& shape) {
  auto* const owned = new std::vector<float>(std::move(values));
  const nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, float>(owned->data(), shape.size(), shape.data(), owner));
}

/// Runs the network on all faces, some at a time. Errors: those of decoding, preprocessing and Session.
Status run_on_faces(const Model& model, const FaceImages& faces, int threads, std::vector<float>& out,
                    std::size_t& channels) {
  constexpr std::size_t at_once = 16;
  const InputSpec& input = model.input();
  std::vector<float> floats(std::min(at_once, faces.count()) * input.size());
  for (std::size_t first = 0; first < faces.count(); first += at_once) {
    const std::size_t n = std::min(at_once, faces.count() - first);
    for (std::size_t i = 0; i < n; ++i) {
      const auto image = faces.read(first + i);
      if (!image) return image.status();
      const Span<float> to(floats.data() + i * input.size(), input.size());
      if (const Status s = preprocess(*image, faces.crop(first + i), input, to); !s)
        return s.prefixed(faces.name(first + i).c_str(), ": ");
    }
    auto session = Session::create(model, static_cast<int>(n), input.height, input.width,
                                   SessionOptions{threads, Feed::floats, {}});
    if (!session) return session.status();
    const Extents& e = session->output_extents();
    if (session->output_count() != 1 || e.h != 1 || e.w != 1)
      return Status::error(Errc::bad_argument, model.spec().name,
                           " gives maps, not one result for a face; faces are found by Detector");
    channels = static_cast<std::size_t>(e.c);
    out.resize((first + n) * channels);
    session->run(floats.data(), out.data() + first * channels);
  }
  return {};
}

}  // namespace

const ModelSpec& spec_of(const std::string& name) {
  const ModelSpec* const spec = find_model(name);
  if (spec == nullptr)
    check(Status::error(Errc::bad_argument, "no model is called '", name, "'; there are ", model_names()));
  return *spec;
}

nb::dict NativeModel::parameters() const {
  nb::dict all;
  for (const NamedParam& p : model_->params()) {
    const Span<const float> values = param_values(model_->block(), p.param);
    const auto extents = detail::param_shape(p.param);
    all[p.name.c_str()] =
        array_of(std::vector<float>(values.begin(), values.end()), {extents.begin(), extents.end()});
  }
  return all;
}

nb::object NativeModel::predict(const FaceImages& faces, int threads) const {
  std::vector<float> out;
  std::size_t channels = 1;
  Status status;
  {
    const nb::gil_scoped_release unlocked;
    status =
        detail::with_memory_errors("", [&] { return run_on_faces(*model_, faces, threads, out, channels); });
  }
  check(status);
  return array_of(std::move(out), {faces.count(), channels});
}

void NativeModel::save(const std::string& path) const {
  const InputSpec& input = model_->input();
  Metadata metadata{{"model", model_->spec().name},
                    {"made_by", "tinyfiqa " TINYFIQA_VERSION},
                    {"input_size", std::to_string(input.height) + "x" + std::to_string(input.width)}};
  if (!metrics_.empty()) metadata.emplace_back("metrics", metrics_);
  check(save_params(path, model_->params(), model_->block(), metadata));
}

namespace {

NativeModel read_model(const std::string& path, const std::string& name) {
  return NativeModel(value_of(load_model(path, name, native_backend(), Use::change)), "");
}

NativeModel new_model(const std::string& name, std::uint64_t seed) {
  return NativeModel(Model(spec_of(name), native_backend(), seed), "");
}

}  // namespace

void define_model(nb::module_& m) {
  nb::class_<FaceImages>(m, "FaceImages")
      .def(nb::init<const nb::list&, const char*, const std::vector<float>&, const std::vector<float>&>());
  nb::class_<NativeModel>(m, "Model")
      .def_prop_ro("name", [](const NativeModel& n) { return n.model().spec().name; })
      .def_prop_ro("input_size",
                   [](const NativeModel& n) {
                     return nb::make_tuple(n.model().input().height, n.model().input().width);
                   })
      .def("parameters", &NativeModel::parameters)
      .def("predict", &NativeModel::predict)
      .def("save", &NativeModel::save);
  m.def("read_model", &read_model);
  m.def("new_model", &new_model);
}
