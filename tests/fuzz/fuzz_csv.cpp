// Reads any bytes as a table of labels. If that works, the table is written and
// must be read as the same table.
#include <tinyfiqa/data/read_dataset.hpp>

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace tinyfiqa;
  const auto table = read_csv(FileBytes::from_memory({data, size}, "fuzz.csv"));
  if (!table) return 0;
  DatasetOptions options;
  options.skip_bad = true;
  options.check_files = false;
  const auto labels = read_dataset(*table, options);
  if (labels && digest(*labels).size() != 16) std::abort();

  std::string text;
  for (std::size_t i = 0; i < table->header.size(); ++i)
    text += (i > 0 ? "," : "") + csv_field("," + table->header[i]);
  text += "\n";
  for (const CsvRow& row : table->rows) {
    for (std::size_t i = 0; i < row.fields.size(); ++i)
      text += (i > 0 ? "," : "") + csv_field("," + row.fields[i]);
    text += "\n";
  }
  const Bytes bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  const auto again = read_csv(FileBytes::from_memory(bytes, "again.csv"));
  if (!again || again->rows.size() != table->rows.size()) std::abort();
  for (std::size_t r = 0; r < table->rows.size(); ++r)
    for (std::size_t i = 0; i < table->rows[r].fields.size(); ++i)
      if (again->rows[r].fields[i] != "," + table->rows[r].fields[i]) std::abort();
  return 0;
}
