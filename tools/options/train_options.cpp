#include "options/train_options.hpp"

#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/training/recipes.hpp>

#include <algorithm>

#include "decoders/photo.hpp"
#include "reports/text.hpp"

using namespace tinyfiqa;

namespace {

void add_recipe_options(const Command& sub, TrainArguments& a) {
  sub.add_option(
         "--recipe", a.recipe,
         "Start from these settings, which other options change: ensemble (Hamidi et al. 2025), "
         "tinyfqnet (Peng et al.), recognition (a face recogniser from images and identities: Peng "
         "et al., Algorithm 1, step 1) or detector (a face detector from photos and another detector) "
         "(default: by the model)")
      .one_of({"ensemble", "tinyfqnet", "recognition", "detector"});
  sub.add_option("--model", a.model,
                 "Train this network: tinyfqnet, mobilenet_v3_small, shufflenet_v2_x0_5 or "
                 "shufflenet_v2_x1_0, or a recogniser: " +
                     recogniser_names() + ", or a detector: " + detector_names() +
                     " (default: by the recipe)")
      .type_name("NAME");
  sub.add_option("--init", a.init,
                 "Start from this checkpoint (.pth, .pt, .safetensors), which may be of an ImageNet "
                 "classifier (default: random weights)")
      .type_name("FILE");
  sub.add_option("--loss", a.loss,
                 "Minimise msecorr, mse, l2norm or smooth_l1; for recognisers arcface or cosface (default: "
                 "ensemble msecorr, tinyfqnet mse, recognition arcface)")
      .one_of({"msecorr", "mse", "l2norm", "smooth_l1", "arcface", "cosface"});
  sub.add_option("--out", a.out,
                 "Write best.safetensors, last.safetensors, log.csv, curves.svg, run.json and the state of "
                 "the training to this folder")
      .type_name("DIR");
  sub.add_option("--resume", a.resume, "Continue the training in this folder, with its original options")
      .type_name("DIR");
}

void add_recognition_options(const Command& sub, TrainArguments& a) {
  const MarginOptions arcface = recipe_margin(LossKind::arcface);
  const MarginOptions cosface = recipe_margin(LossKind::cosface);
  sub.add_option("--scale", a.scale,
                 format_text("arcface, cosface: multiply the cosines by this (default: %g)", arcface.scale))
      .positive();
  sub.add_option("--margin", a.margin,
                 format_text("Set the margin: arcface in radians (default: %g), cosface as a cosine "
                             "(default: %g)",
                             arcface.margin, cosface.margin))
      .range(0.0, 1.5707);
  sub.add_flag("--easy-margin", a.easy_margin, "arcface: use no margin if the angle is above 90 degrees");
  sub.add_flag("--folder-identities", a.folder_identities,
               "Recognisers: take the name of an image's folder as its identity");
}

void add_detector_options(const Command& sub, TrainArguments& a) {
  sub.add_option("--teacher", a.teacher, "Detectors: learn from the detector with these weights")
      .type_name("FILE");
  sub.add_option("--epoch-images", a.epoch_images,
                 "Detectors: compose this many images for an epoch (default: 8192)")
      .range(1, 1 << 24);
}

void add_step_options(const Command& sub, TrainArguments& a) {
  add_size_option(sub, a.size);
  sub.add_option("--epochs", a.epochs,
                 "Train for this many epochs (default: ensemble 30, tinyfqnet 17, recognition 20)")
      .range(1, 1000000);
  sub.add_option("--batch", a.batch, "Use this many images per step (default: 64, tinyfqnet 1024)")
      .range(1, 1 << 20);
  sub.add_option("--micro-batch", a.micro_batch,
                 "Hold this many images in memory at a time, and add up the gradient of the batch in parts; "
                 "0: the whole batch")
      .range(0, 1 << 20)
      .show_default();
  sub.add_option("--alpha", a.alpha, "Weight the correlation term of msecorr by this (default: 1)")
      .not_negative();
}

void add_optimizer_options(const Command& sub, TrainArguments& a) {
  sub.add_option("--optim", a.optim, "Use adam, adamw or sgd (default: ensemble adam, others sgd)")
      .one_of({"adam", "adamw", "sgd"});
  sub.add_option("--momentum", a.momentum, "sgd: use this momentum (default: 0.9)").range(0.0, 0.999999);
  sub.add_flag("--nesterov", a.nesterov, "sgd: use Nesterov's momentum");
  sub.add_option("--lr", a.lr,
                 "Set the learning rate, or that of the head if the network has one (default: ensemble 5e-4, "
                 "tinyfqnet 0.01, recognition 0.1)")
      .positive();
  sub.add_option(
         "--backbone-lr", a.backbone_lr,
         "Set the learning rate of the backbone (default: a tenth of --lr if that is given; otherwise "
         "ensemble 5e-5, tinyfqnet 0.01, recognition 0.1)")
      .not_negative();
  sub.add_option("--weight-decay", a.weight_decay,
                 "Set the L2 weight decay (default: 1e-4, recognition 5e-4)")
      .not_negative();
  sub.add_flag("--decay-weights-only", a.decay_weights_only, "Apply no weight decay to norms and biases");
  sub.add_option(
         "--lr-schedule", a.lr_schedule,
         "Change the learning rate by step, multi-step, cosine or constant (default: step, recognition "
         "cosine)")
      .one_of({"step", "multi-step", "cosine", "constant"});
  sub.add_option("--lr-step", a.lr_step, "step: reduce the learning rate every so many epochs (default: 5)")
      .range(1, 1000000);
  sub.add_option("--lr-milestones", a.lr_milestones,
                 "multi-step: reduce the learning rate after these epochs, such as 10,20")
      .delimiter(',')
      .range(1, 1000000);
  sub.add_option("--lr-gamma", a.lr_gamma,
                 "step, multi-step: multiply the learning rate by this (default: 0.5, tinyfqnet 0.1)")
      .positive();
  sub.add_option("--warm-up", a.warm_up,
                 "Raise the learning rate linearly during this many epochs (default: 0)")
      .range(0, 1000000);
}

void add_weight_options(const Command& sub, TrainArguments& a) {
  sub.add_option("--clip", a.clip, "Limit the norm of the gradient to this; 0: no limit")
      .not_negative()
      .show_default();
  sub.add_option("--ema", a.ema,
                 "Keep a moving average of the weights with this decay, and save that; 0: no average")
      .range(0.0, 0.999999)
      .show_default();
  sub.add_option("--freeze", a.freeze, "Do not train the parameters whose names begin with these prefixes")
      .type_name("PREFIX");
  sub.add_flag("--freeze-norms", a.freeze_norms,
               "Use the running statistics of batch norm, and do not update them");
}

void add_run_options(const Command& sub, TrainArguments& a) {
  sub.add_option("--train-share", a.train_share,
                 "Train on this share of the rows, if the CSV has no column split")
      .range(0.01, 0.99)
      .show_default();
  sub.add_option("--label-range", a.label_range,
                 "Bring labels of this range to 0..1, such as 0,100 (default: the labels as they are)")
      .type_name("LOW,HIGH");
  sub.add_flag("--split-by-identity", a.split_by_identity,
               "Keep all images of one person on the same side of the split");
  sub.add_option("--seed", a.seed, "Seed the weights, the split, the order and dropout").show_default();
  add_threads_option(sub, a.threads);
  sub.add_option(
         "--sync-norms", a.sync_norms,
         "With several processes (mpirun): let batch norms use the images of all of them: on, off, or "
         "auto, if a process has fewer than 16 images of a batch (default: auto)")
      .one_of({"auto", "on", "off"});
  sub.add_option("--cache-mib", a.cache_mib, "Keep up to this many MiB of decoded images in memory")
      .range(0LL, 1LL << 20)
      .show_default();
  add_isa_option(sub, a.isa);
}

/// The defaults are off, as in Hamidi et al. 2025. The strengths are those of image/augment.hpp.
void add_augmentation_options(const Command& sub, TrainArguments& a) {
  const auto add = [&](const char* name, auto& probability, const char* what) {
    sub.add_option(name, probability, std::string("With this probability, ") + what).range(0.0f, 1.0f);
  };
  add("--hflip", a.hflip, "flip an image horizontally (default: 0, recognition 0.5)");
  add("--crop", a.crop, "crop an image to 85..100 % of its sides (default: 0)");
  add("--color", a.color, "change brightness and contrast by up to 5 % (default: 0)");
  add("--blur", a.blur,
      "blur an image with a Gaussian of 0.3..1.5 pixels, which the label should reflect (default: 0)");
  add("--jpeg", a.jpeg,
      "compress an image as JPEG of quality 50..95, which the label should reflect (default: 0)");
  add("--grey", a.grey,
      "make an image grey; with 1 the network can be made blind to colour (calibrate --ignore-colour) "
      "(default: 0)");
}

/// Overrides the recipe by what the command line gives.
void apply_arguments(const TrainArguments& a, TrainOptions& o) {
  const auto take = [](const auto& given, auto& target) {
    if (given) target = *given;
  };
  take(a.epochs, o.epochs);
  take(a.batch, o.batch);
  take(a.alpha, o.alpha);
  take(a.lr, o.rate);
  if (a.lr) o.backbone_rate = *a.lr / 10;
  take(a.backbone_lr, o.backbone_rate);
  take(a.weight_decay, o.weight_decay);
  take(a.lr_step, o.schedule.period);
  take(a.lr_gamma, o.schedule.gamma);
  take(a.warm_up, o.schedule.warm_up);
  take(a.momentum, o.optim.momentum);
  if (a.loss) o.loss = loss_of_name(*a.loss);
  if (a.optim)
    o.optim.kind = *a.optim == "adam"    ? OptimKind::adam
                   : *a.optim == "adamw" ? OptimKind::adamw
                                         : OptimKind::sgd;
  if (a.lr_schedule && *a.lr_schedule == "constant") o.schedule.kind = ScheduleKind::constant;
  if (a.lr_schedule && *a.lr_schedule == "multi-step") {
    o.schedule.kind = ScheduleKind::multi_step;
    o.schedule.milestones = a.lr_milestones;
  }
  if (a.lr_schedule && *a.lr_schedule == "step") o.schedule.kind = ScheduleKind::step;
  if (a.lr_schedule && *a.lr_schedule == "cosine") o.schedule.kind = ScheduleKind::cosine;
  fit_schedule(o);
  if (is_margin_loss(o.loss)) {
    o.margin = recipe_margin(o.loss);
    take(a.scale, o.margin.scale);
    take(a.margin, o.margin.margin);
    o.margin.easy = a.easy_margin;
  }
}

void apply_augmentation(const TrainArguments& a, Augmentation& augmentation) {
  if (a.hflip) augmentation.hflip = *a.hflip;
  augmentation.crop.probability = a.crop;
  augmentation.brightness.probability = augmentation.contrast.probability = a.color;
  augmentation.blur.probability = a.blur;
  augmentation.jpeg.probability = a.jpeg;
  augmentation.grey = a.grey;
}

Status check_combinations(const TrainArguments& a, const TrainOptions& o) {
  if (a.nesterov && (o.optim.kind != OptimKind::sgd || o.optim.momentum <= 0))
    return Status::error(Errc::bad_argument, "--nesterov needs --optim sgd and a --momentum above 0");
  if ((o.schedule.kind == ScheduleKind::multi_step) == a.lr_milestones.empty())
    return Status::error(Errc::bad_argument, "--lr-milestones and --lr-schedule multi-step need each other");
  const bool people = a.scale || a.margin || a.easy_margin || a.folder_identities;
  if (people && !is_margin_loss(o.loss))
    return Status::error(
        Errc::bad_argument,
        "--scale, --margin, --easy-margin and --folder-identities need --recipe recognition");
  return {};
}

}  // namespace

void TrainArguments::add_to(const Command& sub) {
  add_recipe_options(sub, *this);
  add_recognition_options(sub, *this);
  add_detector_options(sub, *this);
  add_settings(sub);
  sub.option("--data").description(
      "Read the images and labels from this CSV: columns path and score, or path and identity to train a "
      "recogniser; optional: split, identity, a box or five landmarks");
}

void TrainArguments::add_settings(const Command& sub) {
  data.add_to(sub);
  sub.option("--data").required(false);  // run.json has it for --resume
  data.add_faces_to(sub);
  add_step_options(sub, *this);
  add_optimizer_options(sub, *this);
  add_weight_options(sub, *this);
  add_augmentation_options(sub, *this);
  add_run_options(sub, *this);
}

void TrainArguments::choose_recipe() {
  const ModelSpec* spec = find_model(model);
  if (recipe.empty() && spec != nullptr && spec->embeds) recipe = "recognition";
  if (recipe.empty() && spec != nullptr && spec->detector != DetectorFamily::none) recipe = "detector";
  if (recipe.empty()) recipe = model.empty() || model.rfind("tinyfqnet", 0) == 0 ? "tinyfqnet" : "ensemble";
  if (model.empty())
    model = recipe == "tinyfqnet"     ? "tinyfqnet"
            : recipe == "recognition" ? "mobilefacenet"
            : recipe == "detector"    ? "yunet_n"
                                      : "mobilenet_v3_small";
}

Result<TrainOptions> TrainArguments::settings() {
  if (data.csv.empty())
    return Status::error(Errc::bad_argument,
                         "give the CSV to train on with --data, or continue a training with --resume DIR");
  if (out.empty()) return Status::error(Errc::bad_argument, "give the folder to write to with --out DIR");
  choose_recipe();
  const auto found = model_option(model);
  if (!found) return found.status();
  const ModelSpec* spec = *found;
  if (recognises() != spec->embeds)
    return Status::error(Errc::bad_argument, model, spec->embeds ? " is" : " is not",
                         " a recogniser, so --recipe ", recipe, " can't train it; the recognisers are ",
                         recogniser_names());
  TrainOptions o = recipe == "tinyfqnet"     ? tinyfqnet_recipe()
                   : recipe == "recognition" ? recognition_recipe()
                                             : TrainOptions();
  apply_arguments(*this, o);
  o.height = size.height > 0 ? size.height : spec->input.height;
  o.width = size.width > 0 ? size.width : spec->input.width;
  o.decay_weights_only = decay_weights_only;
  o.clip = clip;
  o.average = ema;
  o.frozen = freeze;
  o.frozen_norms = freeze_norms;
  o.seed = seed;
  o.threads = thread_count(threads);
  o.cache_bytes = static_cast<std::size_t>(cache_mib) << 20u;
  o.micro_batch = micro_batch;
  o.optim.nesterov = nesterov;
  if (sync_norms && *sync_norms != "auto")
    o.sync_norms = *sync_norms == "on" ? SyncNorms::on : SyncNorms::off;
  apply_augmentation(*this, o.augmentation);
  o.read = [](const Sample& sample) { return read_training_photo(sample.file); };
  if (const Status s = check_combinations(*this, o); !s) return s;
  return o;
}

Result<DataSplit> TrainArguments::split(const Dataset& rows) const {
  SplitOptions options;
  options.train_share = train_share;
  options.by_identity = split_by_identity;
  options.seed = seed;
  return split_dataset(rows, options);
}
