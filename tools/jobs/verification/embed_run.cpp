#include "jobs/verification/embed_run.hpp"

#include <tinyfiqa/recognition/embedder.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "decoders/photo.hpp"
#include "jobs/faces/table_faces.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/verification/embedding_files.hpp"
#include "options/model_options.hpp"
#include "reports/text.hpp"

#include <tinyfiqa/quality/model_registry.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

using namespace tinyfiqa;

namespace {

constexpr int batch_faces = 8;

/// A hash of how faces are searched.
std::string search_key(const FaceOptions& options) {
  Fnv1a hash;
  hash.add(options.detector);
  hash.add(options.detector_model);
  for (const float value : {options.search.threshold, options.search.smallest_face}) hash.add(double{value});
  for (const int value : {options.search.longest_side, int{options.search.tiles}, int{options.quick}})
    hash.add(static_cast<std::uint64_t>(value));
  return hash.text();
}

/// A hash of the paths, their order, the file sizes and the crops of the samples first .. last - 1.
std::string faces_key(const Dataset& data, std::size_t first, std::size_t last) {
  Fnv1a hash;
  for (std::size_t i = first; i < last; ++i) {
    Sample s = data.samples[i];
    s.score = 0;
    s.split = Split::none;
    s.identity.clear();
    add_to_digest(hash, s);
  }
  return hash.text();
}

std::string weights_key(const Model& model) {
  Fnv1a hash;
  hash.add(std::string(model.spec().name));
  hash.add(model.block().data, model.block().size * sizeof(float));
  return hash.text();
}

/// Tells what embeddings are of: the faces, the recogniser, and how faces are searched.
class EmbeddingKey {
 public:
  EmbeddingKey(const DataOptions& source, const Dataset& data, const Model* model)
      : source_(source), data_(data), weights_(model == nullptr ? "" : " " + weights_key(*model)) {
    aligned = model == nullptr || model->input().crop == FaceCrop::aligned;
  }

  bool aligned = true;  ///< whether the recogniser wants aligned faces

  /// Of the samples first .. last - 1, as they are in the table: so saved embeddings are recognised without a search.
  /// Without a recogniser, only the beginning.
  std::string text(std::size_t first, std::size_t last) const {
    const bool search = !weights_.empty() && will_search(source_, aligned, data_, first, last);
    return faces_key(data_, first, last) + weights_ + (search ? " " + search_key(source_.faces) : "");
  }
  std::string text() const { return text(0, data_.samples.size()); }
  /// Whether a saved key is text(), or begins so without a recogniser.
  bool fits(const std::string& saved, std::size_t first, std::size_t last) const {
    const std::string own = text(first, last) + (weights_.empty() ? " " : "\n");
    return saved.compare(0, own.size(), own) == 0;
  }

 private:
  const DataOptions& source_;
  const Dataset& data_;
  std::string weights_;
};

/// The embeddings of one batch.
struct Chunk {
  std::vector<float> raw;
  std::vector<Status> status;
};

Chunk embed_chunk(Embedder& embedder, const Dataset& data, std::size_t first, std::size_t count) {
  Chunk chunk;
  for (std::size_t i = 0; i < count; ++i) {
    const Sample& sample = data.samples[first + i];
    chunk.status.push_back(sample.status);
    if (!sample.status.ok()) continue;
    const auto image = read_photo(sample.file);
    chunk.status[i] = image
                          ? embedder.set(static_cast<int>(i), *image, sample.crop).prefixed(sample.file, ": ")
                          : image.status();
  }
  const Span<const float> raw = embedder.run();
  const std::size_t dimension = embedder.dimension();
  chunk.raw.assign(raw.begin(), raw.begin() + count * dimension);
  for (std::size_t i = 0; i < count; ++i)
    if (!chunk.status[i].ok())
      std::fill_n(chunk.raw.begin() + static_cast<std::ptrdiff_t>(i * dimension), dimension,
                  std::numeric_limits<float>::quiet_NaN());
  return chunk;
}

Result<std::vector<Embedder>> make_embedders(const std::shared_ptr<const Model>& model, int threads,
                                             std::size_t faces) {
  std::vector<Embedder> embedders;
  const std::size_t chunks = (faces + batch_faces - 1) / batch_faces;
  const std::size_t count = std::clamp<std::size_t>(chunks, 1, static_cast<std::size_t>(threads));
  for (std::size_t i = 0; i < count; ++i) {
    auto embedder = Embedder::create(model, batch_faces);
    if (!embedder) return embedder.status();
    embedders.push_back(std::move(*embedder));
  }
  return embedders;
}

/// Embeds the samples from `done` on. Calls sink(values) for the rows of each batch in turn, until it returns false.
template <class Sink>
void run_network(std::vector<Embedder>& embedders, const Dataset& data, std::size_t done,
                 std::map<std::size_t, std::string>& problems, const Sink& sink) {
  const std::size_t left = data.samples.size() - done;
  if (done > 0) print_note("continued after the first " + std::to_string(done) + " faces of an earlier run");
  Progress progress(left, "faces");
  std::atomic<bool> stopped{false};
  const auto work = [&](Embedder& embedder, std::size_t chunk) {
    const std::size_t first = done + chunk * batch_faces;
    if (stopped) return Chunk();
    return embed_chunk(embedder, data, first,
                       std::min<std::size_t>(batch_faces, data.samples.size() - first));
  };
  OrderedRun<Chunk>((left + batch_faces - 1) / batch_faces)
      .start(embedders, work, [&](std::size_t index, const Chunk& chunk) {
        if (stopped) return;
        const std::size_t first = done + index * batch_faces;
        for (std::size_t i = 0; i < chunk.status.size(); ++i)
          if (!chunk.status[i].ok()) problems[first + i] = chunk.status[i].message();
        stopped = !sink(chunk.raw);
        progress.show(first - done + chunk.status.size());
      });
}

/// Computes the embeddings and, if --embeddings is given, keeps them there, so that only a batch is in memory.
Result<FaceEmbeddings> compute_embeddings(const Dataset& data, const EmbedOptions& options,
                                          const std::shared_ptr<const Model>& model, const std::string& key) {
  auto embedders = make_embedders(model, thread_count(options.threads), data.samples.size());
  if (!embedders) return embedders.status();
  const std::size_t dimension = (*embedders)[0].dimension();
  FaceEmbeddings faces;
  auto rows = Result<EmbeddingRows>(EmbeddingRows());
  if (options.embeddings.empty()) {
    std::vector<float> all;
    run_network(*embedders, data, 0, faces.problems, [&](const std::vector<float>& values) {
      all.insert(all.end(), values.begin(), values.end());
      return true;
    });
    rows = EmbeddingRows::from_values(std::move(all), dimension);
  } else {
    auto file = UnfinishedEmbeddings::open(options.embeddings, key, dimension);
    if (!file) return file.status();
    run_network(*embedders, data, std::min(file->rows(), data.samples.size()), faces.problems,
                [&](const std::vector<float>& values) { return file->append(values); });
    if (const Status s = file->finish(data.samples.size()); !s) return s;
    rows = EmbeddingRows::open({options.embeddings});
  }
  if (!rows) return rows.status();
  faces.rows = std::move(*rows);
  return faces;
}

/// Checks the keys of the files. Errors: mismatch if they are of other faces, of another recogniser than --recogniser, or
/// of several recognisers.
Status check_keys(const std::vector<EmbeddingRows::Part>& files, const EmbeddingKey& key) {
  std::string recogniser;  // that of the first file with a key
  for (const EmbeddingRows::Part& file : files) {
    const auto saved = read_file(embedding_key_file(file.path), FileAccess::copy);
    if (!saved) continue;
    const std::string text(reinterpret_cast<const char*>(saved->bytes.data), saved->bytes.size);
    const std::vector<std::string> words = split_text(text.substr(0, text.find('\n')), ' ');
    const std::string by = words.size() > 1 ? words[1] : "";
    if (recogniser.empty()) recogniser = by;
    if (!key.fits(text, file.first, file.first + file.rows) || by != recogniser)
      return Status::error(
          Errc::mismatch, file.path,
          ": made of other faces or by another recogniser; delete it to compute it again, or "
          "name another file");
  }
  return {};
}

/// The saved embeddings. Errors: mismatch if they are of other faces, or if --recogniser names another one.
Result<FaceEmbeddings> read_embeddings(const Dataset& data, const EmbedOptions& options,
                                       const EmbeddingKey& key) {
  const auto files = embedding_files(options.embeddings);
  if (!files) return files.status();
  auto rows = EmbeddingRows::open(*files);
  if (!rows) return rows.status();
  const std::size_t wanted = data.samples.size();
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(rows->size()),
                                           static_cast<std::int64_t>(rows->dimension())};
  if (rows->size() != wanted)
    return Status::error(Errc::mismatch, options.embeddings, ": its shape is ", shape_text(shape),
                         files->size() > 1 ? " in all parts" : "", "; ", wanted, " faces need [", wanted,
                         ", dimension]; name another file, or delete it to compute it again");
  if (const Status s = check_keys(rows->parts(), key); !s) return s;
  FaceEmbeddings faces;
  faces.rows = std::move(*rows);
  return faces;
}

}  // namespace

void EmbedOptions::add_files_to(const Command& command) {
  command
      .add_option("--recogniser", recogniser,
                  "Compute embeddings with these weights of a face recogniser: " + recogniser_names())
      .type_name("FILE");
  command
      .add_option(
          "--embeddings", embeddings,
          "Read the embeddings from this NumPy file, or from its parts (label --embed-only), or write them "
          "to "
          "it if there are neither: [images, dimension], the output of the recogniser, not normalised")
      .type_name("FILE.npy");
}

void EmbedOptions::add_to(const Command& command) {
  add_files_to(command);
  add_isa_option(command, isa);
  add_threads_option(command, threads);
}

bool EmbedOptions::saved() const {
  if (embeddings.empty()) return false;
  const auto files = embedding_files(embeddings);
  return !files || !files->empty();
}

Status EmbedOptions::check_output() const {
  if (embeddings.empty()) return Status();
  const auto files = embedding_files(embeddings);
  if (!files) return files.status();
  return files->empty() ? check_output_file(embeddings) : Status();
}

std::string FaceEmbeddings::problem(const Dataset& data, std::size_t i) const {
  if (const auto known = problems.find(i); known != problems.end()) return known->second;
  std::vector<float> row(rows.dimension());
  rows.read(i, row.data());
  const bool finite = std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); });
  return finite ? "" : data.samples[i].file + ": no embedding (the image could not be used)";
}

Result<FaceEmbeddings> embed_faces(const DataOptions& source, const EmbedOptions& options, DataTable& faces) {
  Dataset& data = faces.data;
  const bool saved = options.saved();
  std::shared_ptr<const Model> model;
  if (!options.recogniser.empty()) {
    const auto backend = backend_option(options.isa);
    if (!backend) return backend.status();
    auto read = read_model(options.recogniser, "", **backend);
    if (!read) return read.status();
    model = std::make_shared<const Model>(std::move(*read));
  }
  if (!saved && model == nullptr)
    return Status::error(Errc::bad_argument, options.embeddings,
                         options.embeddings.empty() ? "" : ": no such file; ",
                         "give the weights of a recogniser with --recogniser FILE");
  const EmbeddingKey key(source, data, model.get());
  // That of the table as it is.
  auto known = saved ? read_embeddings(data, options, key) : Result<FaceEmbeddings>(FaceEmbeddings());
  if (!known) return known.status();
  const std::string text = saved ? "" : key.text();
  if (!saved || !source.save_faces.empty())
    if (const Status s =
            find_table_faces({source, options.isa, options.threads}, key.aligned, faces.table, data);
        !s)
      return s;
  return saved ? std::move(known) : compute_embeddings(data, options, model, text);
}
