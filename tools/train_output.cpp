#include "train_output.hpp"

#include <tinyfiqa/io/load_params.hpp>

#include "svg_chart.hpp"
#include "text_file.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

std::string log_csv(const std::vector<EpochRow>& log) {
  std::string text = "epoch,loss,srcc,plcc,final_score,kendall,rmse,images_per_s\n";
  for (const EpochRow& r : log) {
    char line[256];
    std::snprintf(line, sizeof line, "%d,%.8g,%.6f,%.6f,%.6f,%.6f,%.6f,%.1f\n", r.epoch, r.loss, r.val.srcc,
                  r.val.plcc, r.val.final_score, r.val.kendall, r.val.rmse, r.images_per_s);
    text += line;
  }
  return text;
}

std::string curves_svg(const std::vector<EpochRow>& log) {
  ChartSeries loss{"training loss", {}, {}}, srcc{"SRCC", {}, {}}, plcc{"PLCC", {}, {}};
  for (const EpochRow& r : log) {
    for (auto* s : {&loss, &srcc, &plcc}) s->x.push_back(r.epoch);
    loss.y.push_back(r.loss);
    srcc.y.push_back(r.val.srcc);
    plcc.y.push_back(r.val.plcc);
  }
  return svg_document({line_chart({"Training loss", "", "epoch", "loss"}, {loss}),
                       line_chart({"Validation", "", "epoch", "correlation"}, {srcc, plcc})});
}

}  // namespace

Status TrainOutput::write_run(const nlohmann::ordered_json& run) const {
  return write_text(run_path(),
                    run.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

Status TrainOutput::write_weights(const std::string& name, Trainer& trainer) const {
  const EpochRow& row = trainer.state().log.back();
  char metrics[160];
  std::snprintf(metrics, sizeof metrics, "validation: SRCC %.4f, PLCC %.4f, RMSE %.4f, n %zu", row.val.srcc,
                row.val.plcc, row.val.rmse, row.val.count);
  return save_params(folder_ + "/" + name, trainer.model().params(), trainer.result(),
                     {{"model", trainer.model().spec().name},
                      {"made_by", "tinyfiqa " TINYFIQA_VERSION},
                      {"epoch", std::to_string(row.epoch)},
                      {"metrics", metrics}});
}

Status TrainOutput::write_epoch(Trainer& trainer) const {
  const TrainState& s = trainer.state();
  if (s.best_epoch == s.epoch)
    if (const Status status = write_weights("best.safetensors", trainer); !status) return status;
  if (const Status status = write_weights("last.safetensors", trainer); !status) return status;
  if (const Status status = write_text(folder_ + "/log.csv", log_csv(s.log)); !status) return status;
  return write_text(folder_ + "/curves.svg", curves_svg(s.log));
}
