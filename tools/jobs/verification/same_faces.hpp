// Groups the faces of a report by person, for `tinyfiqa report --recogniser` and `--embeddings`.
#pragma once

#include "jobs/verification/embed_run.hpp"
#include "reports/report_page.hpp"

/// By MobileFaceNets, one in 100,000 pairs of strangers has this cosine, and 95 % of the pairs of one person
/// (docs/report.md).
inline constexpr double default_same_face = 0.45;

/// The group of each face: 0, 1, ... Faces are taken best first. A face joins the group with whose best face it has the
/// largest cosine, if that is at least `same`; otherwise it begins a group. So no chain of similar faces joins two
/// strangers. Faces without an embedding have no group. `order`: the indices of the faces, best first.
std::vector<std::optional<std::size_t>> group_faces(const FaceEmbeddings& faces,
                                                    const std::vector<std::size_t>& order, double same);

/// Computes or reads the embeddings of all faces of the report, and sets ReportFace::person. Errors: those of
/// embed_faces().
tinyfiqa::Status add_persons(Report& report, const EmbedOptions& options, double same);
