// Fine-tunes tinyFQnet on labelled faces: reads a CSV of (path, score) and optional pretrained weights,
// trains some epochs, and writes the weights.
#include <tinyfiqa/training.hpp>

#include <cstdio>

namespace fq = tinyfiqa;

static int fail(const fq::Status& status) {
  std::fprintf(stderr, "%s\n", status.message());
  return 1;
}

// finetune LABELS.csv OUT.safetensors [START.safetensors]
int main(int argc, char** argv) {
  if (argc < 3)
    return std::fprintf(stderr, "usage: finetune LABELS.csv OUT.safetensors [START.safetensors]\n"), 2;
  const auto data = fq::read_dataset(argv[1]);
  if (!data) return fail(data.status());
  auto split = fq::split_dataset(*data, {0.5, false, 1});
  if (!split) return fail(split.status());
  fq::TrainOptions options;  // the defaults are those of the perceptual ensemble
  options.epochs = 3;
  options.batch = 2;
  options.loss = fq::LossKind::mse;
  options.threads = 2;
  auto trainer = fq::Trainer::create(*fq::find_model("tinyfqnet"), fq::native_training_backend(), *data,
                                     *split, options);
  if (!trainer) return fail(trainer.status());
  if (argc > 3) {
    const auto file = fq::read_safetensors(argv[3]);
    if (!file) return fail(file.status());
    const auto report = fq::load_params(*file, trainer->model().params(), trainer->block());
    if (!report) return fail(report.status());
  }
  while (trainer->state().epoch < options.epochs) {
    const auto done = trainer->run_epoch([](std::size_t, std::size_t) { return true; });
    if (!done) return fail(done.status());
    const fq::EpochRow& row = trainer->state().log.back();
    std::printf("epoch %d  loss %.4f  validation RMSE %.4f\n", row.epoch, row.loss, row.val.rmse);
  }
  const fq::Status saved =
      fq::save_params(argv[2], trainer->model().params(), trainer->result(), {{"model", "tinyfqnet"}});
  return saved.ok() ? 0 : fail(saved);
}
