// A network with its weights, for Python.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <memory>
#include <string>
#include <vector>

#include "faces.hpp"

/// Python's Model. Different threads may use it at the same time.
class NativeModel {
 public:
  NativeModel(tinyfiqa::Model model, std::string metrics)
      : model_(std::make_shared<const tinyfiqa::Model>(std::move(model))), metrics_(std::move(metrics)) {}

  const tinyfiqa::Model& model() const { return *model_; }
  /// Parameters by name, in PyTorch's layout.
  nb::dict parameters() const;
  /// The network's output for each face, float32 [n, channels]. Throws Failure.
  nb::object predict(const FaceImages& faces, int threads) const;
  /// Writes a weight file. Throws Failure.
  void save(const std::string& path) const;

 private:
  std::shared_ptr<const tinyfiqa::Model> model_;
  std::string metrics_;  ///< of the validation, for the file; empty: not trained here
};

/// The network of this name, with initial weights. Throws Failure.
const tinyfiqa::ModelSpec& spec_of(const std::string& name);

void define_model(nb::module_& m);
void define_training(nb::module_& m);
void define_evaluation(nb::module_& m);
