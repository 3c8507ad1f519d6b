// A helper of check_with_onnxruntime.py.
//   write_models FOLDER [WEIGHTS_I8]
// Networks with fixtures, with weights of the formula, at the fixtures' sizes: NAME.1xHxW.onnx (batch 1) and NAME.2xHxW.onnx
// (any batch). The 8-bit networks of the folder WEIGHTS_I8: NAME.2xHxW.i8.onnx, with an input and our output of it in
// NAME.2xHxW.i8.input.npy and NAME.2xHxW.i8.output.npy.
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/quality/load_model.hpp>

#include "fixture_models.hpp"
#include "formula_model.hpp"
#include "jobs/text_file.hpp"
#include "onnx/onnx_model.hpp"
#include "session_outputs.hpp"
#include "shipped_i8.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

Status write_model(const Model& model, const OnnxInput& input, const std::string& path) {
  const auto bytes = onnx_model(model, input);
  return bytes ? write_text(path + ".onnx", *bytes) : bytes.status();
}

Status write_i8(const std::string& weights, const std::string& name, const std::string& folder) {
  const auto model = load_model(weights + "/" + name + ".safetensors");
  if (!model) return model.status();
  const int h = model->input().height, w = model->input().width;
  const auto x = smooth_images(*model, 2, h, w);
  const std::string path = folder + "/" + name + "." + FixtureSize{2, h, w}.text() + ".i8";
  Status status = write_model(*model, {0, h, w}, path);
  if (status.ok()) status = write_npy(path + ".input.npy", x.shape, x.v);
  if (status.ok()) status = write_npy(path + ".output.npy", {2, 1}, run_session(*model, x)[0]);
  return status;
}

Status write_all(const std::string& folder, const char* weights) {
  Status status;
  for (const ModelSpec* spec : fixture_models())
    for (const FixtureSize& s : fixture_sizes(*spec))
      if (status.ok())
        status = write_model(formula_model(*spec), {s.n == 1 ? 1 : 0, s.h, s.w},
                             folder + "/" + spec->name + "." + s.text());
  if (weights == nullptr) return status;
  for (const char* name : shipped_i8)
    if (status.ok()) status = write_i8(weights, name, folder);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  const Status status = write_all(argv[1], argc == 3 ? argv[2] : nullptr);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message());
  return status.ok() ? 0 : 1;
}
