// Options that several commands share: which model, which weights, which instruction set.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include "options/command_line.hpp"

#include <memory>
#include <string>
#include <vector>

/// --model, --weights, --isa.
struct ModelOptions {
  std::string model;
  std::vector<std::string> weights;
  std::string isa = "auto";

  void add_to(const Command& command, const std::string& models);
  /// --model and --weights alone, where nothing is run.
  void add_weights_to(const Command& command, const std::string& models);

  /// "--weights a.pth b.pth photo.jpg": what --weights took but is plainly no weight file, taken out again.
  std::vector<std::string> take_stray_inputs();
};

/// HxW as on the command line; zeros when not given.
struct SizeOption {
  int height = 0, width = 0;
};
/// Adds --size HxW.
void add_size_option(const Command& command, SizeOption& size);

/// The backend that --isa names, or why there is none.
tinyfiqa::Result<const tinyfiqa::Backend*> backend_option(const std::string& isa);

/// The tensors of a weight file of any supported kind, under PyTorch's names.
tinyfiqa::Result<tinyfiqa::TensorFile> read_weight_file(const std::string& path);

/// One model with the weights of a file of any supported kind; `name` may be empty. Notes go to stderr.
/// An untrained head is an error.
tinyfiqa::Result<tinyfiqa::Model> read_model(const std::string& path, const std::string& name,
                                             const tinyfiqa::Backend& backend,
                                             tinyfiqa::Use use = tinyfiqa::Use::change);

/// All models that the options ask for, in the order of --weights. `threads` 1: one after the other; else all
/// at once.
tinyfiqa::Result<std::vector<std::shared_ptr<const tinyfiqa::Model>>> read_models(
    const ModelOptions& options, tinyfiqa::Use use = tinyfiqa::Use::change, int threads = 0);

/// Prints "tinyfiqa: message" to stderr.
void print_error(const tinyfiqa::Status& status);
void print_note(const std::string& text);
