// tinyfiqa sample: draws a training set with balanced qualities (Peng et al., section 3.4).
#include "charts/charts.hpp"
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "jobs/text_file.hpp"
#include "jobs/verification/identities.hpp"
#include "options/data_options.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/data/sampling.hpp>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

using namespace tinyfiqa;

namespace {

struct SampleCommand {
  DataOptions data;
  SamplingOptions sampling;
  std::size_t fewest_images = 100;
  bool keep_suspects = false;
  std::string mode = "smooth", out, svg;

  Status run();

 private:
  std::vector<std::size_t> usable(const CsvTable& table, const Dataset& set) const;
  Result<std::vector<std::size_t>> draw(const std::vector<double>& scores) const;
  Status write(const CsvTable& table, const std::vector<const CsvRow*>& rows) const;
  Status draw_chart(const std::vector<double>& before, const std::vector<double>& after) const;
};

/// The indices of samples of people with enough images, without the labels that `label` marked as suspect.
std::vector<std::size_t> SampleCommand::usable(const CsvTable& table, const Dataset& set) const {
  std::unordered_map<std::string, std::size_t> images;
  for (const Sample& s : set.samples) ++images[s.identity];
  auto row_of_line = rows_by_line(table);
  const std::size_t column = table.column("suspect");
  std::vector<std::size_t> rows;
  std::size_t few = 0, suspects = 0;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    const Sample& s = set.samples[i];
    const bool suspect = column != CsvTable::npos && !row_of_line[s.line]->fields[column].empty();
    if (images[s.identity] < fewest_images)
      ++few;
    else if (suspect && !keep_suspects)
      ++suspects;
    else
      rows.push_back(i);
  }
  std::fprintf(stderr,
               "tinyfiqa: left out %zu images of people with fewer than %zu images, and %zu suspects\n", few,
               fewest_images, suspects);
  return rows;
}

/// Draws indices of `scores`.
Result<std::vector<std::size_t>> SampleCommand::draw(const std::vector<double>& scores) const {
  if (mode == "smooth") return sample_by_quality(scores, sampling);
  std::vector<std::size_t> all(scores.size()), drawn;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const std::size_t target = sampling.target > 0 ? sampling.target : all.size();
  detail::draw_rows(std::move(all), target, Rng(sampling.seed, detail::shuffle_streams::order), drawn);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

Status SampleCommand::write(const CsvTable& table, const std::vector<const CsvRow*>& rows) const {
  std::string text = csv_line(table.header);
  for (const CsvRow* row : rows) text += csv_line(row->fields);
  if (!out.empty()) return write_text(out, text);
  std::fputs(text.c_str(), stdout);
  return Status();
}

Status SampleCommand::draw_chart(const std::vector<double>& before, const std::vector<double>& after) const {
  if (svg.empty()) return Status();
  const auto chart = [&](const char* title, const std::vector<double>& scores) {
    return histogram_chart({title, std::to_string(scores.size()) + " images", "quality", "images"},
                           {{title, {}, scores}},
                           static_cast<int>(std::min<std::size_t>(sampling.bins, 500)));
  };
  return write_text(svg, svg_document({chart("before sampling", before), chart("after", after)}));
}

Status SampleCommand::run() {
  for (const std::string& file : {out, svg})
    if (const Status s = file.empty() ? Status() : check_output_file(file); !s) return s;
  const auto table = read_csv(data.csv);
  if (!table) return table.status();
  data.dataset.check_files = false;
  auto set = read_data(data, *table);
  if (!set) return set.status();
  if (fewest_images > 1)
    if (const auto people = find_identities(*set, false); !people) return people.status();
  const std::vector<std::size_t> rows = usable(*table, *set);
  if (rows.empty())
    return Status::error(Errc::bad_argument, data.csv, ": no person has ", fewest_images,
                         " images; lower --fewest-images");
  std::vector<double> before, after;
  for (const std::size_t i : rows) before.push_back(set->samples[i].score);
  const auto drawn = draw(before);
  if (!drawn) return drawn.status().prefixed(data.csv, ": ");
  auto row_of_line = rows_by_line(*table);
  std::vector<const CsvRow*> chosen;
  for (const std::size_t i : *drawn) {
    chosen.push_back(row_of_line[set->samples[rows[i]].line]);
    after.push_back(before[i]);
  }
  if (sampling.target > drawn->size())
    print_note("the bins have only " + std::to_string(drawn->size()) + " rows at --most-copies");
  std::fprintf(stderr, "tinyfiqa: %zu of %zu images drawn\n", drawn->size(), rows.size());
  const Status status = write(*table, chosen);
  return status ? draw_chart(before, after) : status;
}

void add_sampling_options(const Command& sub, SampleCommand& command) {
  SamplingOptions& s = command.sampling;
  sub.add_option("--fewest-images", command.fewest_images, "Leave out people with fewer images than this")
      .show_default();
  sub.add_flag("--keep-suspects", command.keep_suspects,
               "Keep the rows that `label` marked in the column suspect");
  sub.add_option("--mode", command.mode, "Draw smooth (equal bins) or random (for comparison)")
      .one_of({"smooth", "random"})
      .show_default();
  sub.add_option("--bins", s.bins, "Divide the scores 0..1 into this many equal bins")
      .range(1, 100000)
      .show_default();
  sub.add_option("--lowest", s.lowest_share,
                 "Over-sample this share of the images, those with the lowest scores")
      .range(0.0, 1.0)
      .show_default();
  sub.add_option("--highest", s.highest_share,
                 "Over-sample this share of the images, those with the highest scores")
      .range(0.0, 1.0)
      .show_default();
  sub.add_option("--most-copies", s.most_copies, "Take an over-sampled image at most this many times")
      .range(1.0, 1000.0)
      .show_default();
  sub.add_option("--target", s.target, "Draw this many rows (default: as many as there are)")
      .range(1, 1000000000);
  sub.add_option("--seed", s.seed, "Seed the random draws").show_default();
}

}  // namespace

void add_sample(const Command& app, int& exit_code) {
  auto command = std::make_shared<SampleCommand>();
  const Command sub =
      app.add_command("sample", "Draw a training set with balanced qualities from labelled images");
  command->data.add_to(sub);
  add_sampling_options(sub, *command);
  sub.add_option("--out", command->out, "Write the rows to this CSV (default: standard output)")
      .type_name("CSV");
  sub.add_option("--svg", command->svg, "Draw histograms of the scores before and after to this file")
      .type_name("FILE");
  sub.footer(
      "The result has the columns of --data, with over-sampled rows several times. train --data reads it.\n"
      "Exit status: 0 done, 1 it could not be written, 2 wrong usage or unusable labels.\n\n"
      "Example:\n"
      "  tinyfiqa sample --data examples/faces/labels.csv --fewest-images 1 --target 4 --svg "
      "/tmp/histogram.svg");
  sub.on_run([command, &exit_code] { exit_code = report_result(command->run()); });
}
