#include "jobs/training/contents_digest.hpp"

#include <tinyfiqa/formats/file.hpp>

#include "jobs/ordered_run.hpp"
#include "jobs/progress.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <vector>

using namespace tinyfiqa;

std::string contents_digest(const Dataset& data, int threads) {
  std::vector<const std::string*> files;
  std::unordered_set<std::string> known;
  for (const Sample& s : data.samples)
    if (known.insert(s.file).second) files.push_back(&s.file);
  std::vector<int> workers(static_cast<std::size_t>(std::max(1, threads)));
  Progress progress(files.size(), "images compared");
  Fnv1a all;
  OrderedRun<std::uint64_t>(files.size())
      .start(
          workers,
          [&](int, std::size_t i) {
            Fnv1a one;
            if (const auto file = read_file(*files[i], FileAccess::copy))
              one.add(file->bytes.data, file->bytes.size);
            return one.hash();
          },
          [&](std::size_t i, std::uint64_t hash) {
            all.add(hash);
            progress.show(i + 1);
          });
  return all.text();
}
