// A recogniser for tests of commands that need one.
#pragma once

#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include <string>

/// Writes an untrained MobileFaceNet into the folder. Returns its path.
inline std::string write_recogniser(const std::string& dir) {
  tinyfiqa::Model model(*tinyfiqa::find_model("mobilefacenet"));
  const std::string path = dir + "/net.safetensors";
  REQUIRE(tinyfiqa::save_params(path, model.params(), model.block(), {{"model", "mobilefacenet"}}).ok());
  return path;
}
