// Computes embeddings and nothing else, for `tinyfiqa label --embed-only`.
#pragma once

#include "jobs/verification/known_faces.hpp"
#include "options/shard_option.hpp"

#include <cstddef>
#include <optional>

/// Computes the embeddings of all rows of the table, or of the rows of a part of it, into --embeddings, or its file for the
/// part. A part has the rows that follow each other, without paths that were in an earlier row: so the parts together have
/// the faces of the table. Returns how many faces have no embedding, and prints the first ten. Errors: those of reading the
/// table and of embed_faces(); bad_argument without --recogniser and --embeddings, or for more parts than rows.
tinyfiqa::Result<std::size_t> embed_only(KnownFacesOptions options, const std::optional<Shard>& shard);
