// A helper of check_with_onnxruntime.py: the networks with fixtures, with weights of the formula as ONNX
// files.
//   write_models FOLDER     NAME.1xHxW.onnx (batch 1) and NAME.2xHxW.onnx (any batch), at the fixtures' sizes
#include "fixture_models.hpp"
#include "formula_model.hpp"
#include "jobs/text_file.hpp"
#include "onnx/onnx_model.hpp"

#include <cstdio>

using namespace tinyfiqa;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (const ModelSpec* spec : fixture_models())
    for (const FixtureSize& s : fixture_sizes(*spec)) {
      const auto bytes = onnx_model(formula_model(*spec), {s.n == 1 ? 1 : 0, s.h, s.w});
      const Status status =
          bytes ? write_text(std::string(argv[1]) + "/" + spec->name + "." + s.text() + ".onnx", *bytes)
                : bytes.status();
      if (!status.ok()) return std::fprintf(stderr, "%s\n", status.message()), 1;
    }
}
