#include "options/train_options.hpp"

#include <algorithm>
#include <thread>

using namespace tinyfiqa;

namespace {

/// Where training starts from a few hundred people: the published scale and margins (64; 0.5 and 0.35) are
/// for tens of thousands.
MarginOptions recognition_margin(LossKind loss) {
  MarginOptions margin;
  margin.scale = 32;
  margin.margin = loss == LossKind::cosface ? 0.2 : 0.3;
  return margin;
}

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void add_recipe_options(const Command& sub, TrainWords& w) {
  sub.add_option("--recipe", w.recipe,
                 "Settings, which other options then change: ensemble (P1), tinyfqnet (P2), or recognition "
                 "(a face recogniser from images and identities: P2, Algorithm 1, step 1); default: by the "
                 "model")
      .one_of({"ensemble", "tinyfqnet", "recognition"});
  sub.add_option(
         "--model", w.model,
         "tinyfqnet, mobilenet_v3_small, shufflenet_v2_x0_5 or shufflenet_v2_x1_0, or a recogniser: " +
             recogniser_names() + "; default: by the recipe")
      .type_name("NAME");
  sub.add_option(
         "--init", w.init,
         "Checkpoint to start from, an ImageNet one too (.pth, .pt, .safetensors); default: random weights")
      .type_name("FILE");
  sub.add_option("--loss", w.loss, "msecorr, mse, l2norm or smooth_l1; for recognisers arcface or cosface")
      .one_of({"msecorr", "mse", "l2norm", "smooth_l1", "arcface", "cosface"});
  sub.add_option("--out", w.out,
                 "Folder for best.safetensors, last.safetensors, log.csv, curves.svg, run.json and the state")
      .type_name("DIR");
  sub.add_option("--resume", w.resume,
                 "Go on with the training in this folder, with the options it was begun with")
      .type_name("DIR");
}

/// Of recognisers.
void add_recognition_options(const Command& sub, TrainWords& w) {
  const MarginOptions margin = recognition_margin(LossKind::arcface);
  sub.add_option("--scale", w.scale,
                 "arcface, cosface: what cosines are multiplied by; default: " + text_of(margin.scale))
      .positive();
  sub.add_option("--margin", w.margin,
                 "arcface: radians, default " + text_of(margin.margin) +
                     "; cosface: of the cosine, default " +
                     text_of(recognition_margin(LossKind::cosface).margin))
      .range(0.0, 1.5707);
  sub.add_flag("--easy-margin", w.easy_margin, "arcface: no margin where the angle is beyond 90 degrees");
  sub.add_flag("--folder-identities", w.folder_identities,
               "Recognisers: the folder that an image is in says who it shows");
}

void add_step_options(const Command& sub, TrainWords& w) {
  add_size_option(sub, w.size);
  sub.add_option("--epochs", w.epochs, "Epochs").range(1, 1000000);
  sub.add_option("--batch", w.batch, "Images a step").range(1, 1 << 20);
  sub.add_option("--micro-batch", w.micro_batch,
                 "Images in memory at a time: the batch's gradient is added up in parts; 0: all at once")
      .range(0, 1 << 20)
      .show_default();
  sub.add_option("--alpha", w.alpha, "Weight of msecorr's correlation term; default: 1").not_negative();
}

void add_optimizer_options(const Command& sub, TrainWords& w) {
  sub.add_option("--optim", w.optim, "adam, adamw or sgd").one_of({"adam", "adamw", "sgd"});
  sub.add_option("--momentum", w.momentum, "Of sgd; default: 0.9").range(0.0, 0.999999);
  sub.add_flag("--nesterov", w.nesterov, "Nesterov's momentum, with sgd");
  sub.add_option("--lr", w.lr, "Learning rate (of the head, where there is one)").positive();
  sub.add_option("--backbone-lr", w.backbone_lr, "Learning rate of the backbone; default: a tenth of --lr")
      .not_negative();
  sub.add_option("--weight-decay", w.weight_decay, "L2 weight decay").not_negative();
  sub.add_flag("--decay-weights-only", w.decay_weights_only, "No decay of norms and biases");
  sub.add_option("--lr-schedule", w.lr_schedule,
                 "step, multi-step, cosine or constant; default: step, for recognisers cosine")
      .one_of({"step", "multi-step", "cosine", "constant"});
  sub.add_option("--lr-step", w.lr_step, "Epochs between two drops of the rate; default: 5")
      .range(1, 1000000);
  sub.add_option("--lr-milestones", w.lr_milestones, "Epochs of multi-step's drops, such as 10,20")
      .delimiter(',')
      .range(1, 1000000);
  sub.add_option("--lr-gamma", w.lr_gamma, "What a drop multiplies the rate by").positive();
  sub.add_option("--warm-up", w.warm_up, "Epochs of linear warm-up").range(0, 1000000);
  sub.add_option("--clip", w.clip, "Largest norm of the gradient; 0: none").not_negative();
  sub.add_option("--ema", w.ema,
                 "Decay of a moving average of the weights, which is then the result; 0: none")
      .range(0.0, 0.999999);
  sub.add_option("--freeze", w.freeze, "Beginnings of the names of parameters that stay as they are")
      .type_name("PREFIX");
  sub.add_flag("--freeze-norms", w.freeze_norms, "Batch norm by its running statistics, which stay");
}

void add_run_options(const Command& sub, TrainWords& w) {
  sub.add_option("--train-share", w.train_share, "Share of the rows to train on, where the CSV has no split")
      .range(0.01, 0.99)
      .show_default();
  sub.add_flag("--split-by-identity", w.split_by_identity, "No identity on both sides of the split");
  sub.add_option("--seed", w.seed, "Seed of weights, split, order and dropout").show_default();
  sub.add_option("--threads", w.threads, "Threads; default: one for each core").range(1, 1024);
  sub.add_option("--cache-mib", w.cache_mib, "Memory for decoded images")
      .range(0LL, 1LL << 20)
      .show_default();
  sub.add_option("--isa", w.isa, "Instruction set (see --version)").type_name("NAME").show_default();
}

/// Off by default, as in P1; strengths are those of image/augment.hpp.
void add_augmentation_options(const Command& sub, TrainWords& w) {
  const auto add = [&](const char* name, auto& probability, const char* what) {
    sub.add_option(name, probability, std::string("Probability of ") + what).range(0.0f, 1.0f);
  };
  add("--hflip", w.hflip, "a horizontal flip; default: 0, as all of these, but 0.5 for recognisers");
  add("--crop", w.crop, "a crop to 85..100 % of the sides");
  add("--color", w.color, "brightness and contrast changed by up to 5 %");
  add("--blur", w.blur, "Gaussian blur of 0.3..1.5 pixels (which the label should know of)");
  add("--jpeg", w.jpeg, "JPEG compression of quality 50..95 (likewise)");
  add("--grey", w.grey,
      "a grey picture; with 1 the network can be made to see no colour (calibrate --ignore-colour)");
}

/// Settings of the papers: P1's are TrainOptions' defaults, these are P2's.
void apply_tinyfqnet_recipe(TrainOptions& o) {
  o.epochs = 17;
  o.batch = 1024;
  o.loss = LossKind::mse;
  o.optim.kind = OptimKind::sgd;
  o.rate = o.backbone_rate = 0.01;
  o.schedule.gamma = 0.1;
}

/// A small recogniser on a CPU; P2 does not say how its own were trained.
void apply_recognition_recipe(TrainOptions& o) {
  o.epochs = 20;
  o.loss = LossKind::arcface;
  o.optim.kind = OptimKind::sgd;
  o.rate = o.backbone_rate = 0.1;
  o.weight_decay = 5e-4;
  o.schedule.kind = ScheduleKind::cosine;
  o.augmentation.hflip = 0.5f;
}

void apply_words(const TrainWords& w, TrainOptions& o) {
  const auto take = [](const auto& given, auto& target) {
    if (given) target = *given;
  };
  take(w.epochs, o.epochs);
  take(w.batch, o.batch);
  take(w.alpha, o.alpha);
  take(w.lr, o.rate);
  if (w.lr) o.backbone_rate = *w.lr / 10;
  take(w.backbone_lr, o.backbone_rate);
  take(w.weight_decay, o.weight_decay);
  take(w.lr_step, o.schedule.period);
  take(w.lr_gamma, o.schedule.gamma);
  take(w.warm_up, o.schedule.warm_up);
  take(w.momentum, o.optim.momentum);
  if (w.loss) o.loss = loss_of_name(*w.loss);
  if (w.optim)
    o.optim.kind = *w.optim == "adam"    ? OptimKind::adam
                   : *w.optim == "adamw" ? OptimKind::adamw
                                         : OptimKind::sgd;
  if (w.lr_schedule && *w.lr_schedule == "constant") o.schedule.kind = ScheduleKind::constant;
  if (w.lr_schedule && *w.lr_schedule == "multi-step") {
    o.schedule.kind = ScheduleKind::multi_step;
    o.schedule.milestones = w.lr_milestones;
  }
  if (w.lr_schedule && *w.lr_schedule == "step") o.schedule.kind = ScheduleKind::step;
  if (w.lr_schedule && *w.lr_schedule == "cosine") o.schedule.kind = ScheduleKind::cosine;
  if (o.schedule.kind == ScheduleKind::cosine) o.schedule.period = std::max(1, o.epochs - o.schedule.warm_up);
  if (is_margin_loss(o.loss)) {
    o.margin = recognition_margin(o.loss);
    take(w.scale, o.margin.scale);
    take(w.margin, o.margin.margin);
    o.margin.easy = w.easy_margin;
  }
}

void apply_augmentation(const TrainWords& w, Augmentation& a) {
  if (w.hflip) a.hflip = *w.hflip;
  a.crop.probability = w.crop;
  a.brightness.probability = a.contrast.probability = w.color;
  a.blur.probability = w.blur;
  a.jpeg.probability = w.jpeg;
  a.grey = w.grey;
}

Status check_combinations(const TrainWords& w, const TrainOptions& o) {
  if (w.nesterov && (o.optim.kind != OptimKind::sgd || o.optim.momentum <= 0))
    return Status::error(Errc::bad_argument, "--nesterov goes with --optim sgd and a momentum");
  if ((o.schedule.kind == ScheduleKind::multi_step) == w.lr_milestones.empty())
    return Status::error(Errc::bad_argument, "--lr-milestones goes with --lr-schedule multi-step");
  const bool people = w.scale || w.margin || w.easy_margin || w.folder_identities;
  if (people && !is_margin_loss(o.loss))
    return Status::error(
        Errc::bad_argument,
        "--scale, --margin, --easy-margin and --folder-identities go with --recipe recognition");
  return {};
}

}  // namespace

void TrainWords::add_to(const Command& sub) {
  add_recipe_options(sub, *this);
  add_recognition_options(sub, *this);
  add_settings(sub);
}

void TrainWords::add_settings(const Command& sub) {
  data.add_to(sub);
  sub.option("--data").required(false);  // --resume knows it
  add_step_options(sub, *this);
  add_optimizer_options(sub, *this);
  add_augmentation_options(sub, *this);
  add_run_options(sub, *this);
}

void TrainWords::choose_recipe() {
  const ModelSpec* spec = find_model(model);
  if (recipe.empty() && spec != nullptr && spec->embeds) recipe = "recognition";
  if (recipe.empty()) recipe = model.empty() || model.rfind("tinyfqnet", 0) == 0 ? "tinyfqnet" : "ensemble";
  if (model.empty())
    model = recipe == "tinyfqnet"     ? "tinyfqnet"
            : recipe == "recognition" ? "mobilefacenet"
                                      : "mobilenet_v3_small";
}

Result<TrainOptions> TrainWords::settle() {
  if (data.csv.empty())
    return Status::error(Errc::bad_argument,
                         "--data names the CSV to train on (or --resume a training to go on with)");
  if (out.empty()) return Status::error(Errc::bad_argument, "--out names the folder to write to");
  choose_recipe();
  const ModelSpec* spec = find_model(model);
  if (spec == nullptr)
    return Status::error(Errc::bad_argument, "no model is called '", model, "'; there are ", model_names());
  if (recognises() != spec->embeds)
    return Status::error(Errc::bad_argument, model, spec->embeds ? " is" : " is not",
                         " a recogniser, so --recipe ", recipe, " can't train it; recognisers are ",
                         recogniser_names());
  TrainOptions o;
  if (recipe == "tinyfqnet") apply_tinyfqnet_recipe(o);
  if (recipe == "recognition") apply_recognition_recipe(o);
  apply_words(*this, o);
  o.height = size.height > 0 ? size.height : spec->input.height;
  o.width = size.width > 0 ? size.width : spec->input.width;
  o.decay_weights_only = decay_weights_only;
  o.clip = clip;
  o.average = ema;
  o.frozen = freeze;
  o.frozen_norms = freeze_norms;
  o.seed = seed;
  o.threads = threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  o.cache_bytes = static_cast<std::size_t>(cache_mib) << 20u;
  o.micro_batch = micro_batch;
  o.optim.nesterov = nesterov;
  apply_augmentation(*this, o.augmentation);
  if (const Status s = check_combinations(*this, o); !s) return s;
  return o;
}

Result<DataSplit> TrainWords::split(const Dataset& rows) const {
  SplitOptions options;
  options.train_share = train_share;
  options.by_identity = split_by_identity;
  options.seed = seed;
  return split_dataset(rows, options);
}
