#include "jobs/verification/identities.hpp"

#include "options/messages.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

using namespace tinyfiqa;

namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void note_case(const std::vector<std::string>& names) {
  std::unordered_map<std::string, const std::string*> known;
  std::size_t found = 0;
  std::string first;
  for (const std::string& name : names) {
    const auto [at, is_new] = known.emplace(lower_case(name), &name);
    if (is_new) continue;
    if (found++ == 0) first = "'" + *at->second + "' and '" + name + "'";
  }
  if (found > 0)
    print_note("identities that differ only in case count as different people: " + first +
               (found > 1 ? " and " + std::to_string(found - 1) + " more" : ""));
}

}  // namespace

Result<Identities> find_identities(Dataset& data, bool from_folders) {
  Identities people;
  for (Sample& s : data.samples) {
    if (from_folders) s.identity = std::filesystem::path(s.path).parent_path().filename().string();
    if (s.identity.empty())
      return Status::error(Errc::bad_format, data.path, ":", s.line,
                           from_folders ? ": the path has no folder: " : ": no identity of ", s.path,
                           from_folders ? "; put the image into a folder named after the person"
                                        : "; fill in the column identity, name another column with "
                                          "--identity-column, or use folders with --folder-identities");
    people.names.push_back(s.identity);
  }
  std::sort(people.names.begin(), people.names.end());
  people.names.erase(std::unique(people.names.begin(), people.names.end()), people.names.end());
  people.names.shrink_to_fit();
  for (const Sample& s : data.samples) {
    const auto at = std::lower_bound(people.names.begin(), people.names.end(), s.identity);
    people.of.push_back(static_cast<std::uint32_t>(at - people.names.begin()));
  }
  note_case(people.names);
  return people;
}

void drop_repeated_paths(Dataset& data) {
  std::vector<bool> repeated;
  {
    std::unordered_set<std::string_view> known;  // while no sample moves
    for (const Sample& s : data.samples) repeated.push_back(!known.insert(s.path).second);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < repeated.size(); ++i) {
    if (repeated[i]) continue;
    if (kept != i) data.samples[kept] = std::move(data.samples[i]);
    ++kept;
  }
  data.samples.resize(kept);
}
