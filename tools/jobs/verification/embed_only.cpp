#include "jobs/verification/embed_only.hpp"

#include "options/messages.hpp"

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

/// Keeps the rows of the part, without paths that were in an earlier row. Errors: those of csv_column(); bad_argument for
/// more parts than rows.
Status keep_part(CsvTable& table, const std::string& path_column, const Shard& shard) {
  const auto column = csv_column(table, path_column, "path");
  if (!column) return column.status();
  if (table.rows.size() < shard.count)
    return Status::error(Errc::bad_argument, table.path, ": has only ", table.rows.size(),
                         " rows; give --shard at most as many parts");
  const auto [first, last] = shard.range(table.rows.size());
  std::unordered_set<std::string> known;
  std::vector<CsvRow> part;
  for (std::size_t i = 0; i < last; ++i) {
    CsvRow& row = table.rows[i];
    const bool is_new = *column >= row.fields.size() || known.insert(row.fields[*column]).second;
    if (is_new && i >= first) part.push_back(std::move(row));
  }
  table.rows = std::move(part);
  return {};
}

/// The table of the part, with its usable rows.
Result<DataTable> read_part(const DataOptions& options, const std::optional<Shard>& shard) {
  auto table = read_table(options);
  if (!table) return table.status();
  if (shard)
    if (const Status s = keep_part(*table, options.dataset.columns.path, *shard); !s) return s;
  auto data = read_data(options, *table);
  if (!data) return data.status();
  drop_repeated_paths(*data);
  return DataTable{std::move(*table), std::move(*data)};
}

}  // namespace

Result<std::size_t> embed_only(KnownFacesOptions options, const std::optional<Shard>& shard) {
  std::string& file = options.embed.embeddings;
  if (file.empty() || options.embed.recogniser.empty())
    return Status::error(
        Errc::bad_argument,
        "--embed-only needs --recogniser FILE and --embeddings FILE.npy, to which it writes");
  if (shard) file = shard_file(file, *shard);
  if (shard && !options.data.save_faces.empty())
    options.data.save_faces = shard_file(options.data.save_faces, *shard);
  if (const Status s = options.embed.check_output(); !s) return s;
  const bool done = options.embed.saved();
  options.prepare();
  auto faces = read_part(options.data, shard);
  if (!faces) return faces.status();
  const auto embedded = embed_faces(options.data, options.embed, *faces);
  if (!embedded) return embedded.status();
  if (done) print_note(file + ": is done already; nothing to do");
  std::vector<RowProblem> problems;
  for (const auto& [i, text] : embedded->problems) problems.push_back({faces->data.samples[i].line, text});
  print_problems(faces->data.path, problems);
  return problems.size();
}
