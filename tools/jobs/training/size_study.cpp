#include "jobs/training/size_study.hpp"

#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/scoring/quality_methods.hpp"
#include "options/model_options.hpp"

#include <cstdio>

using namespace tinyfiqa;

void SizeStudyArguments::add_to(const Command& sub) {
  sub.add_option("--members", members,
                 "Compare these networks (see info for names); the default is Table 6 of Peng et al. without "
                 "ResNet-50")
      .type_name("NAME")
      .show_default();
  sub.add_option("--out", train.out,
                 "Write table.md, table.csv, table.svg and a folder for each network to this folder")
      .type_name("DIR");
  sub.add_option("--resume", train.resume, "Continue the study in this folder, with its original options")
      .type_name("DIR");
  add_resamples_option(sub, resamples);
  sub.add_option("--seconds", seconds, "Measure the speed of each network for this many seconds")
      .range(0.0, 3600.0)
      .show_default();
  sub.add_option(
         "--faces", faces.data.csv,
         "Measure error versus discard on the faces of this CSV, which should show other people: columns "
         "path and identity; optional: a box or five landmarks")
      .type_name("CSV");
  sub.add_option("--faces-images", faces.data.dataset.image_root,
                 "Resolve relative paths of --faces from this folder (default: the folder of the CSV)")
      .type_name("DIR");
  sub.add_flag("--folder-identities", faces.folder_identities,
               "Take the name of an image's folder as its identity in --faces");
  faces.embed.add_files_to(sub);
  discard.add_pairs_to(sub);
  train.split_by_identity = true;
  train.add_settings(sub);
}

/// Finds every wrong option before the first hour of training.
Status SizeStudy::begin() {
  if (const Status s = resume_study(arguments_, command_line_); !s) return s;
  if (arguments_.train.size.height > 0)
    return Status::error(Errc::bad_argument,
                         "--size: each network has its own size; choose other networks with --members");
  FaceCrop wanted = FaceCrop::aligned;
  for (const std::string& member : arguments_.members) {
    TrainArguments probe = arguments_of(member);
    if (const auto settings = probe.settings(); !settings) return settings.status();
    if (find_model(member)->input.crop != wanted) wanted = FaceCrop::whole;
  }
  const EmbedOptions& embed = arguments_.faces.embed;
  const bool verifies = arguments_.verifies();
  if (!verifies && (!embed.recogniser.empty() || !arguments_.discard.pairs.empty()))
    return Status::error(Errc::bad_argument, "--recogniser and --pairs need --faces");
  if (verifies && embed.recogniser.empty() && !embed.saved())
    return Status::error(Errc::bad_argument,
                         "--faces needs --recogniser FILE, or a file of --embeddings that exists");
  if (verifies)
    if (const Status s = embed.check_output(); !s) return s;
  return study_.begin(arguments_.train, wanted, command_line_);
}

TrainArguments SizeStudy::arguments_of(const std::string& member) const {
  TrainArguments a = arguments_.train;
  a.recipe = "tinyfqnet";
  a.model = member;
  if (!a.out.empty()) a.out += "/" + member;
  return a;
}

/// Adds the row of a trained network to the tables.
Status SizeStudy::measure(const std::string& member) {
  const std::string weights = weights_of(member);
  auto report = study_.evaluate({{weights, member}}, ScoreOptions(), arguments_.resamples,
                                arguments_of(member).out + "/held_out");
  if (!report) return report.status();
  const auto backend = backend_option(arguments_.train.isa);
  if (!backend) return backend.status();
  const auto model = read_model(weights, member, **backend);
  if (!model) return model.status();
  const InputSpec& input = model->input();
  const auto speed = measure_speed(*model, 1, input.height, input.width, 1, arguments_.seconds);
  if (!speed) return speed.status();
  tables_.rows.push_back(
      {member, std::to_string(input.height) + "x" + std::to_string(input.width), *speed, report->metrics});
  return {};
}

/// Error versus discard of all networks on --faces, judged by the recogniser.
Status SizeStudy::verify() {
  if (!arguments_.verifies()) return {};
  KnownFacesOptions& faces = arguments_.faces;
  faces.embed.isa = arguments_.train.isa;
  faces.embed.threads = arguments_.train.threads;
  faces.data.faces = arguments_.train.data.faces;
  faces.data.whole_image = arguments_.train.data.whole_image;
  auto known = read_known_faces(faces);
  if (!known) return known.status();
  std::vector<std::string> qualities;
  for (const std::string& member : arguments_.members) qualities.push_back(member + "=" + weights_of(member));
  DiscardOptions options = arguments_.discard;
  options.resamples = arguments_.resamples;
  options.seed = arguments_.train.seed;
  const auto methods = make_methods(*known, qualities, options.seed);
  if (!methods) return methods.status();
  tables_.verifies = true;
  return compare_discarding(verify_faces(*known), *methods, options, tables_.verified);
}

/// Compares the trained networks, and writes and prints the tables.
Status SizeStudy::compare() {
  for (const std::string& member : arguments_.members)
    if (const Status s = measure(member); !s) return s;
  if (const Status s = verify(); !s) return s;
  tables_.held_out_images = study_.held_out().samples.size();
  tables_.held_out_name = study_.held_out_name();
  if (const Status s = tables_.write(arguments_.train.out); !s) return s;
  std::printf("\n%s", tables_.markdown().c_str());
  return {};
}

int SizeStudy::run() {
  if (const Status s = begin(); !s) return report_failure(s);
  for (const std::string& member : arguments_.members) {
    std::printf("== %s\n", member.c_str());
    if (const int code = study_.train(arguments_of(member)); code != exit_done) return code;
  }
  const Status s = compare();
  return s ? exit_done : report_failure(s, exit_some_failed);
}
