// tinyfiqa label: labels faces of known people by quality, with a face recogniser (Peng et al., equation 1).
#include "commands/commands.hpp"
#include "jobs/output_path.hpp"
#include "jobs/text_file.hpp"
#include "jobs/verification/embed_only.hpp"
#include "jobs/verification/label_run.hpp"
#include "reports/label_table.hpp"

#include <cstdio>
#include <memory>
#include <optional>

using namespace tinyfiqa;

namespace {

struct LabelCommand {
  LabelRunOptions options;
  std::string out, skipped;
  bool embeds_only = false;

  int run();

 private:
  Status work(std::size_t& unusable);
  Status write(const LabelTable& result) const;
};

Status LabelCommand::write(const LabelTable& result) const {
  if (!out.empty()) return write_text(out, result.csv());
  for (const std::string& piece : result.csv()) std::fputs(piece.c_str(), stdout);
  return Status();
}

Status LabelCommand::work(std::size_t& unusable) {
  if (const Status s = check_label_options(options); !s) return s;
  for (std::string* file : {&out, &skipped}) {
    if (options.shard && !file->empty()) *file = shard_file(*file, *options.shard);
    if (const Status s = file->empty() ? Status() : check_output_file(*file); !s) return s;
  }
  const auto faces = read_known_faces(options.faces);
  if (!faces) return faces.status();
  const auto labels = make_labels(options, *faces);
  if (!labels) return labels.status();
  const LabelTable result(*faces, *labels, options.range(*faces), !options.no_nearest);
  result.print_summary();
  unusable = result.unusable();
  const Status listed = skipped.empty() ? Status() : write_text(skipped, result.skipped_csv());
  if (!listed) return listed;
  if (result.labelled() == 0 && !options.shard)  // other shards may have labels
    return Status::error(Errc::bad_argument, options.faces.data.csv, ": no face could be labelled");
  return write(result);
}

int LabelCommand::run() {
  std::size_t unusable = 0;
  if (embeds_only) {
    const auto failed = embed_only(options.faces, options.shard);
    if (!failed) return report_failure(failed.status());
    unusable = *failed;
  } else if (const Status s = work(unusable); !s) {
    return report_failure(s);
  }
  return unusable > 0 ? exit_some_failed : exit_done;
}

void add_label_options(const Command& sub, LabelRunOptions& options) {
  sub.add_option("--centres", options.centres,
                 "Compare a face with loo (the mean of the person's other images), mean (of all images) or "
                 "classifier (default: classifier if --classifier is given, otherwise loo)")
      .one_of({"loo", "mean", "classifier"});
  sub.add_option(
         "--classifier", options.classifier,
         "Read the recogniser's classifier weights from this file, as `train` writes it: one row per "
         "person, in the order of FILE.people.csv beside it (column identity), or else of their names")
      .type_name("FILE.npy");
  sub.add_option(
         "--original-column", options.original_column,
         "Read from this column which image a row's image is a changed copy of (degrade --copies); such "
         "copies count in no centre (default: original, if there is one)")
      .type_name("NAME");
  sub.add_option("--far", options.far_below, "Call a face far from its centre if its cosine is below this")
      .range(-1.0, 1.0)
      .show_default();
  sub.add_flag("--no-nearest", options.no_nearest,
               "Do not search the nearest other person, which takes most of the time with many people: "
               "nearest_identity and nearest_cosine stay empty, and no face is suspect as other_person");
}

void add_shard_options(const Command& sub, LabelCommand& command) {
  std::optional<Shard>& shard = command.options.shard;
  sub.add_option(
         "--shard", [&shard](const std::string& text) { return read_shard(text, shard); },
         "Label only part I of N: rows that follow each other, as if all were labelled. --out labels.csv and "
         "--skipped are written to labels.I-of-N.csv, which merge joins")
      .type_name("I/N");
  sub.add_flag("--embed-only", command.embeds_only,
               "Compute --embeddings and nothing else. With --shard I/N, only those of part I, to "
               "faces.I-of-N.npy; --embeddings faces.npy then reads all parts")
      .excludes(sub.option("--out"))
      .excludes(sub.option("--skipped"));
}

}  // namespace

void add_label(const Command& app, int& exit_code) {
  auto command = std::make_shared<LabelCommand>();
  const Command sub =
      app.add_command("label", "Label faces by quality: how close each face is to the centre of its person");
  command->options.faces.add_to(sub);
  add_label_options(sub, command->options);
  sub.add_option("--out", command->out, "Write the labels to this CSV (default: standard output)")
      .type_name("CSV");
  sub.add_option("--skipped", command->skipped, "Write the images without a label, and why, to this CSV")
      .type_name("CSV");
  add_shard_options(sub, *command);
  sub.footer(
      "The result has the columns of --data and score, nearest_identity, nearest_cosine, norm and suspect, "
      "with\n"
      "rows in the same order. train --data reads it. suspect marks labels not to trust: other_person (far "
      "from\n"
      "its own centre, near another one), stranger (far from its own centre, although the image is good), "
      "copy\n"
      "(the same image occurs under another name). People with a single image get no label.\n"
      "Exit status: 0 done, 1 some images could not be used, 2 wrong usage.\n\n"
      "Example:\n"
      "  tinyfiqa label --data tests/fixtures/recognition/faces.csv --embeddings "
      "tests/fixtures/recognition/faces.npy --out /tmp/labels.csv\n"
      "  tinyfiqa label --data faces.csv --recogniser mobilefacenet.safetensors --embeddings faces.npy --out "
      "labels.csv\n"
      "  tinyfiqa label --data faces.csv --recogniser mobilefacenet.safetensors --embeddings faces.npy "
      "--embed-only --shard 3/8\n"
      "  tinyfiqa label --data faces.csv --recogniser run1/best.safetensors --classifier "
      "run1/best_classifier.npy --out labels.csv");
  sub.on_run([command, &exit_code] { exit_code = command->run(); });
}
