#include "jobs/training/ablation.hpp"

#include "jobs/text_file.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <cstdio>

using namespace tinyfiqa;

/// A row of Table 2 of Hamidi et al. 2025, with the published values.
struct AblationRow {
  const char* name;
  const char* folder;
  bool mobilenet, shufflenet;  ///< the members of the ensemble
  LossKind loss;
  std::vector<View> views;
  double published_srcc, published_plcc;
};

namespace {

const std::vector<AblationRow>& ablation_rows() {
  using Kind = LossKind;
  static const std::vector<View> one = {View::identity}, flips = {View::identity, View::hflip, View::vflip};
  static const std::vector<AblationRow> rows = {
      {"MobileNetV3-Small, MSE", "row1", true, false, Kind::mse, one, 0.9662, 0.9773},
      {"ShuffleNetV2, MSE", "row2", false, true, Kind::mse, one, 0.9638, 0.9726},
      {"ensemble, MSE", "row3", true, true, Kind::mse, one, 0.9747, 0.9836},
      {"ensemble, MSECorrLoss", "row4", true, true, Kind::msecorr, one, 0.9774, 0.9868},
      {"ensemble, MSECorrLoss, flips", "row5", true, true, Kind::msecorr, flips, 0.9829, 0.9894}};
  return rows;
}

}  // namespace

void AblationArguments::add_to(const Command& sub) {
  sub.add_option(
         "--init-mobilenet", mobilenet_init,
         "Start MobileNetV3-Small from this checkpoint, which may be of an ImageNet classifier (default: "
         "random weights)")
      .type_name("FILE");
  sub.add_option("--init-shufflenet", shufflenet_init,
                 "Start ShuffleNetV2 from this checkpoint (default: random weights)")
      .type_name("FILE");
  sub.add_option("--shufflenet", shufflenet, "Use this width: shufflenet_v2_x0_5 or shufflenet_v2_x1_0")
      .one_of({"shufflenet_v2_x0_5", "shufflenet_v2_x1_0"})
      .show_default();
  sub.add_option("--out", train.out,
                 "Write table.md, table.csv and a folder for each training and row to this folder")
      .type_name("DIR");
  sub.add_option("--resume", train.resume, "Continue the ablation in this folder, with its original options")
      .type_name("DIR");
  add_resamples_option(sub, resamples);
  train.add_settings(sub);
}

Status Ablation::begin() {
  if (const Status s = resume_study(arguments_, command_line_); !s) return s;
  TrainArguments probe = arguments_of(true, LossKind::mse);
  if (const auto settings = probe.settings(); !settings) return settings.status();
  return study_.begin(arguments_.train, FaceCrop::loose, command_line_);
}

TrainArguments Ablation::arguments_of(bool mobilenet, LossKind loss) const {
  TrainArguments a = arguments_.train;
  a.recipe = "ensemble";
  a.model = mobilenet ? "mobilenet_v3_small" : arguments_.shufflenet;
  a.init = mobilenet ? arguments_.mobilenet_init : arguments_.shufflenet_init;
  a.loss = loss_name(loss);
  if (!a.out.empty()) a.out += std::string(mobilenet ? "/mobilenet_" : "/shufflenet_") + *a.loss;
  return a;
}

int Ablation::train(bool mobilenet, LossKind loss) {
  TrainArguments a = arguments_of(mobilenet, loss);
  std::printf("== %s, %s\n", a.model.c_str(), loss_name(loss));
  return study_.train(std::move(a));
}

/// Compares the networks of a row with the held-out labels.
Status Ablation::score(const AblationRow& row) {
  std::vector<StudyMember> members;
  for (const bool mobilenet : {true, false}) {
    if (!(mobilenet ? row.mobilenet : row.shufflenet)) continue;
    const TrainArguments a = arguments_of(mobilenet, row.loss);
    members.push_back({a.out + "/best.safetensors", a.model});
  }
  ScoreOptions options;
  options.views = row.views;
  options.height = arguments_.train.size.height;
  options.width = arguments_.train.size.width;
  auto report =
      study_.evaluate(members, options, arguments_.resamples, arguments_.train.out + "/" + row.folder);
  if (report) reports_.push_back(std::move(*report));
  return report.status();
}

std::string Ablation::markdown() const {
  std::string text =
      "| networks and loss | SRCC | PLCC | final score | SRCC / PLCC published |\n|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    const AblationRow& row = ablation_rows()[i];
    const MetricIntervals& m = reports_[i].metrics;
    text += format_text(
        "| %s | %.4f (%.4f .. %.4f) | %.4f (%.4f .. %.4f) | %.4f (%.4f .. %.4f) | %.4f / %.4f |\n", row.name,
        m.value.srcc, m.srcc.low, m.srcc.high, m.value.plcc, m.plcc.low, m.plcc.high, m.value.final_score,
        m.final_score.low, m.final_score.high, row.published_srcc, row.published_plcc);
  }
  return text + "\n" + std::to_string(study_.held_out().samples.size()) + " " + study_.held_out_name() +
         " images. In brackets 95 % bootstrap intervals. Published: Table 2 of Hamidi et al. 2025, on other "
         "images.\n";
}

std::string Ablation::csv() const {
  std::string text =
      "row,networks,loss,views,split,images,srcc,srcc_low,srcc_high,plcc,plcc_low,plcc_high,final_score,"
      "final_score_low,final_score_high,published_srcc,published_plcc\n";
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    const AblationRow& row = ablation_rows()[i];
    const MetricIntervals& m = reports_[i].metrics;
    text += format_text("%zu,%s,%s,%zu,%s,%zu,", i + 1, join_text(reports_[i].models, "+").c_str(),
                        loss_name(row.loss), row.views.size(), study_.held_out_name().c_str(), m.value.count);
    text += format_text("%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,", m.value.srcc, m.srcc.low, m.srcc.high, m.value.plcc,
                        m.plcc.low, m.plcc.high);
    text += format_text("%.9g,%.9g,%.9g,%.4f,%.4f\n", m.value.final_score, m.final_score.low,
                        m.final_score.high, row.published_srcc, row.published_plcc);
  }
  return text;
}

/// Compares the trained networks, and writes and prints the tables.
Status Ablation::compare() {
  for (const AblationRow& row : ablation_rows())
    if (const Status s = score(row); !s) return s;
  if (const Status s = write_text(arguments_.train.out + "/table.md", markdown()); !s) return s;
  if (const Status s = write_text(arguments_.train.out + "/table.csv", csv()); !s) return s;
  std::printf("\n%s", markdown().c_str());
  return {};
}

int Ablation::run() {
  if (const Status s = begin(); !s) return report_failure(s);
  for (const LossKind loss : {LossKind::mse, LossKind::msecorr})
    for (const bool mobilenet : {true, false})
      if (const int code = train(mobilenet, loss); code != exit_done) return code;
  const Status s = compare();
  return s ? exit_done : report_failure(s, exit_some_failed);
}
