#include "jobs/training/train_output.hpp"

#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/load_params.hpp>
#include <tinyfiqa/formats/npy.hpp>

#include "charts/charts.hpp"
#include "jobs/text_file.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

std::string log_csv(const std::vector<EpochRow>& log) {
  const bool scores = log.back().has_scores();
  std::string text = scores ? "epoch,loss,srcc,plcc,final_score,kendall,rmse,images_per_s\n"
                            : "epoch,loss,accuracy,images_per_s\n";
  for (const EpochRow& r : log) {
    char line[256];
    if (scores)
      std::snprintf(line, sizeof line, "%d,%.8g,%.6f,%.6f,%.6f,%.6f,%.6f,%.1f\n", r.epoch, r.loss, r.val.srcc,
                    r.val.plcc, r.val.final_score, r.val.kendall, r.val.rmse, r.images_per_s);
    else
      std::snprintf(line, sizeof line, "%d,%.8g,%.6f,%.1f\n", r.epoch, r.loss, r.accuracy, r.images_per_s);
    text += line;
  }
  return text;
}

std::string curves_svg(const std::vector<EpochRow>& log) {
  const bool scores = log.back().has_scores();
  ChartSeries loss{"training loss", {}, {}}, first{scores ? "SRCC" : "accuracy", {}, {}},
      plcc{"PLCC", {}, {}};
  for (const EpochRow& r : log) {
    for (auto* s : {&loss, &first, &plcc}) s->x.push_back(r.epoch);
    loss.y.push_back(r.loss);
    first.y.push_back(scores ? r.val.srcc : r.accuracy);
    plcc.y.push_back(r.val.plcc);
  }
  std::vector<ChartSeries> validation{first};
  if (scores) validation.push_back(plcc);
  return svg_document(
      {line_chart({"Training loss", "", "epoch", "loss"}, {loss}),
       line_chart({"Validation", "", "epoch", scores ? "correlation" : "accuracy"}, validation)});
}

}  // namespace

Status TrainOutput::write_run(const nlohmann::ordered_json& run) const {
  return write_text(run_path(),
                    run.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

Status TrainOutput::write_weights(const std::string& name, Trainer& trainer) const {
  const EpochRow& row = trainer.state().log.back();
  auto params = trainer.model().params();
  if (trainer.recognises()) params.pop_back();  // the class weights
  const std::string count = row.has_scores() ? ", n " + std::to_string(row.val.count) : "";
  return save_params(folder_ + "/" + name, params, trainer.result(),
                     {{"model", trainer.model().spec().name},
                      {"made_by", "tinyfiqa " TINYFIQA_VERSION},
                      {"epoch", std::to_string(row.epoch)},
                      {"metrics", "validation: " + validation_text(row, ", ") + count}});
}

Status TrainOutput::write_class_weights(const std::string& name, Trainer& trainer) const {
  const Param& param = trainer.model().params().back().param;
  const Span<const float> values = param_values(trainer.result(), param);
  std::string people = "identity\n";
  for (const std::string& person : trainer.people()) people += csv_field(person) + "\n";
  if (const Status s = write_text(folder_ + "/" + name + ".people.csv", people); !s) return s;
  return write_npy(folder_ + "/" + name + ".npy", {param.extents[0], param.extents[1]}, values);
}

Status TrainOutput::write_epoch(Trainer& trainer) const {
  const TrainState& s = trainer.state();
  for (const std::string name : {"best", "last"}) {
    if (name == "best" && s.best_epoch != s.epoch) continue;
    if (const Status status = write_weights(name + ".safetensors", trainer); !status) return status;
    if (!trainer.recognises()) continue;
    if (const Status status = write_class_weights(name + "_classifier", trainer); !status) return status;
  }
  if (const Status status = write_text(folder_ + "/log.csv", log_csv(s.log)); !status) return status;
  return write_text(folder_ + "/curves.svg", curves_svg(s.log));
}
