#include "jobs/verification/verify_templates.hpp"

#include "options/data_options.hpp"

#include <algorithm>
#include <cmath>
#include <map>

using namespace tinyfiqa;

namespace {

/// The images of each template, by name.
using Templates = std::map<std::string, std::vector<std::uint32_t>>;

Result<Templates> find_templates(const CsvTable& table, const std::string& template_column,
                                 const VerifyFaces& faces) {
  auto names = column_by_line(table, template_column, "template");
  if (!names) return names.status();
  const Identities& people = *faces.people;
  Templates templates;
  for (const std::uint32_t i : faces.list()) {
    const std::size_t line = faces.data->samples[i].line;
    auto& images = templates[(*names)[line]];
    if (!images.empty() && people.of[images[0]] != people.of[i])
      return Status::error(Errc::bad_format, table.path, ":", line,
                           ": a template with two people: ", people.names[people.of[images[0]]], " and ",
                           people.names[people.of[i]], "; give each person other templates");
    images.push_back(i);
  }
  return templates;
}

/// The best image of each template.
std::vector<std::uint32_t> choose_images(const Templates& templates, const std::vector<double>& values) {
  const auto quality = [&](std::uint32_t i) { return std::isfinite(values[i]) ? values[i] : -HUGE_VAL; };
  std::vector<std::uint32_t> chosen;
  for (const auto& [name, images] : templates)
    chosen.push_back(*std::max_element(images.begin(), images.end(),
                                       [&](auto a, auto b) { return quality(a) < quality(b); }));
  return chosen;
}

}  // namespace

Status compare_templates(const CsvTable& table, const std::string& template_column, const VerifyFaces& faces,
                         const std::vector<QualityMethod>& methods, const DiscardOptions& options,
                         VerifyReport& report) {
  const auto templates = find_templates(table, template_column, faces);
  if (!templates) return templates.status();
  report.templates = templates->size();
  report.template_rates = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5};
  for (const QualityMethod& m : methods) {
    const std::vector<std::uint32_t> chosen = choose_images(*templates, m.values);
    const auto genuine = genuine_pairs(faces, chosen, options.most_genuine, options.seed);
    const auto impostors = impostor_scores(faces, chosen, options.most_impostors, options.seed);
    if (genuine.empty())
      return Status::error(Errc::bad_argument, table.path, ": no two templates (column ", template_column,
                           ") show one person, so nothing can be verified");
    report.template_genuine = genuine.size();
    report.template_impostors = impostors.size();
    report.template_results.emplace_back();
    for (const double rate : report.template_rates)
      report.template_results.back().push_back(
          true_positive_rate(genuine, impostors, rate, options.bootstrap()));
  }
  return Status();
}
