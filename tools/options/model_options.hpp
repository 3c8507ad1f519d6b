// Options that several commands share: model, weights, instruction set, input size, threads.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include "options/command_line.hpp"
#include "options/messages.hpp"

#include <memory>
#include <string>
#include <vector>

/// --model, --weights, --weights-key, --isa and --precision.
struct ModelOptions {
  std::string model;
  std::vector<std::string> weights;
  std::string weights_key;
  std::string isa = "auto";
  std::string precision = "f32";  ///< of the weights that come with the program: f32, i8 or auto

  void add_to(const Command& command, const std::string& models);
  /// Only --precision, for commands that need no gradients.
  void add_precision_to(const Command& command);
  /// Only --model, --weights and --weights-key, for commands that run no network.
  void add_weights_to(const Command& command, const std::string& models);

  /// Removes from `weights` what is clearly an input, and returns it. On the command line
  /// "--weights a.pth b.pth photo.jpg", --weights takes the image too. What follows --weights at once is never an
  /// input.
  std::vector<std::string> take_stray_inputs();
};

/// The value of --size: HxW. Zeros if it is not given.
struct SizeOption {
  int height = 0, width = 0;
};
void add_size_option(const Command& command, SizeOption& size);

/// --check-finite and --max-arena-mib.
struct NetworkChecks {
  bool check_finite = false;
  int max_arena_mib = 4096;

  void add_to(const Command& command);
};

void add_isa_option(const Command& command, std::string& isa);
/// The backend that --isa names. Errors: unsupported, with the possible names.
tinyfiqa::Result<const tinyfiqa::Backend*> backend_option(const std::string& isa);

/// Adds --threads; 0 means that it is not given.
void add_threads_option(const Command& command, int& threads);
/// The number of threads to use: `threads`, or one per core if that is below 1.
int thread_count(int threads);

/// Adds --format: text, csv or jsonl. `note` ends its description.
void add_format_option(const Command& command, std::string& format, const std::string& note);

/// Adds --resamples: bootstrap resamples for confidence intervals.
void add_resamples_option(const Command& command, int& resamples);

/// The network of this name. Errors: bad_argument, with the known names.
tinyfiqa::Result<const tinyfiqa::ModelSpec*> model_option(const std::string& name);

/// Adds --weights-key: the set of weights to read from files that have several.
void add_weights_key_option(const Command& command, std::string& key);

/// Reads a weight file of any supported format. The tensors have PyTorch's names. `key` is the value of
/// --weights-key.
tinyfiqa::Result<tinyfiqa::TensorFile> read_weight_file(const std::string& path, const std::string& key = "");

/// Prints what was changed while a weight file was read.
void print_file_notes(const std::string& path, const std::vector<std::string>& notes);

/// Prints a note if the file does not name its network and is of another network just as well as of `chosen`.
void note_other_models(const tinyfiqa::TensorFile& file, const tinyfiqa::ModelSpec& chosen);

/// Reads a model with its weights from a file of any supported format. An empty `name` means the network that
/// the file names or fits. Prints notes: what was changed while it was read, that of note_other_models(), and one for
/// a network that is not fully trained.
tinyfiqa::Result<tinyfiqa::Model> read_model(const std::string& path, const std::string& name,
                                             const tinyfiqa::Backend& backend,
                                             tinyfiqa::Use use = tinyfiqa::Use::change,
                                             const std::string& key = "");

/// Reads all models that the options ask for, in the order of --weights. With `threads` 1 one after the
/// other, otherwise all at the same time.
tinyfiqa::Result<std::vector<std::shared_ptr<const tinyfiqa::Model>>> read_models(
    const ModelOptions& options, tinyfiqa::Use use = tinyfiqa::Use::change, int threads = 0);
/// The same for a backend in place of the one that --isa names.
tinyfiqa::Result<std::vector<std::shared_ptr<const tinyfiqa::Model>>> read_models(
    const ModelOptions& options, const tinyfiqa::Backend& backend, tinyfiqa::Use use, int threads);
