#include "jobs/verification/same_faces.hpp"

#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "options/messages.hpp"
#include "reports/face_columns.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <system_error>

using namespace tinyfiqa;

namespace {

/// A face of the report as a row of a table. Its digest is that of the row that `score` writes, so that embeddings can be
/// kept.
Sample sample_of(const ReportFace& face) {
  Sample sample;
  sample.path = face.path;
  sample.file = face.file;
  std::error_code none;
  sample.file_bytes = std::filesystem::file_size(face.file, none);
  if (none) sample.file_bytes = 0;
  if (!face.scored()) {
    sample.status = Status::error(Errc::no_face, face.path, ": ", face.error);
  } else if (!face.face || face.face->framing == Framing::aligned) {
    sample.is_face = true;
    if (face.face) sample.landmarks = written_landmarks(face.face->face);
  } else {
    sample.crop.landmarks = written_landmarks(face.face->face);
  }
  return sample;
}

/// Best first, by quality or, if faces have none, by the raw score; faces without either last.
std::vector<std::size_t> best_first(const std::vector<ReportFace>& faces) {
  std::vector<std::size_t> order(faces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto value = [&](std::size_t i) {
    const double score = faces[i].quality ? double{1} * *faces[i].quality : faces[i].score;
    return faces[i].scored() && !std::isnan(score) ? score : -1e300;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  return order;
}

}  // namespace

std::vector<std::optional<std::size_t>> group_faces(const FaceEmbeddings& faces,
                                                    const std::vector<std::size_t>& order, double same) {
  const std::size_t d = faces.rows.dimension();
  std::vector<float> unit(faces.rows.size() * d);
  std::vector<std::optional<std::size_t>> groups(order.size());
  std::vector<std::size_t> best;  // of each group
  for (const std::size_t i : order) {
    float* const row = unit.data() + i * d;
    faces.rows.read(i, row);
    const double norm = normalise({row, d});
    if (!(std::isfinite(norm) && norm > 0)) continue;
    double nearest = same;
    for (std::size_t g = 0; g < best.size(); ++g) {
      const double cosine = double{dot_product(row, unit.data() + best[g] * d, d)};
      if (cosine >= nearest) nearest = cosine, groups[i] = g;
    }
    if (groups[i]) continue;
    groups[i] = best.size();
    best.push_back(i);
  }
  return groups;
}

Status add_persons(Report& report, const EmbedOptions& options, double same) {
  DataTable table;
  for (const ReportFace& face : report.faces) table.data.samples.push_back(sample_of(face));
  const auto embedded = embed_faces(DataOptions(), options, table);
  if (!embedded) return embedded.status();
  const auto groups = group_faces(*embedded, best_first(report.faces), same);
  std::size_t missing = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    report.faces[i].person = groups[i];
    missing += report.faces[i].scored() && !groups[i];
  }
  if (missing > 0)
    print_note(count_text(missing, "face") + (missing == 1 ? " has" : " have") +
               " no embedding, so each of them is shown as a person of its own");
  return Status();
}
