#include "jobs/verification/embed_run.hpp"

#include <tinyfiqa/runtime/dispatch.hpp>
#include "decoders/photo.hpp"
#include "jobs/faces/table_faces.hpp"
#include "jobs/ordered_run.hpp"
#include "jobs/output_path.hpp"
#include "jobs/progress.hpp"
#include "jobs/text_file.hpp"
#include "options/model_options.hpp"

#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

constexpr int batch_faces = 8;

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

/// A hash of how faces are searched.
std::string search_key(const FaceOptions& options) {
  Fnv1a hash;
  hash.add(options.detector);
  hash.add(options.detector_model);
  for (const float value : {options.search.threshold, options.search.smallest_face}) hash.add(double{value});
  for (const int value : {options.search.longest_side, int{options.search.tiles}, int{options.quick}})
    hash.add(static_cast<std::uint64_t>(value));
  return hex(hash.hash());
}

/// A hash of the paths, their order, the file sizes and the crops.
std::string faces_key(const Dataset& data) {
  Dataset faces = data;
  for (Sample& s : faces.samples) {
    s.score = 0;
    s.split = Split::none;
    s.identity.clear();
  }
  return digest(faces);
}

std::string weights_key(const Model& model) {
  Fnv1a hash;
  hash.add(std::string(model.spec().name));
  hash.add(model.block().data, model.block().size * sizeof(float));
  return hex(hash.hash());
}

std::string key_file(const EmbedOptions& options) { return options.embeddings + ".key"; }
std::string part_file(const EmbedOptions& options) { return options.embeddings + ".part"; }

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

/// The file of finished rows, to which more are appended: the key on one line, then floats.
class PartFile {
 public:
  PartFile(std::string path, const std::string& key) : path_(std::move(path)), head_(key + "\n") {}
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() { close(); }

  /// Returns the floats of an earlier run with the same key (whole rows only), and opens the file to
  /// add more.
  Result<std::vector<float>> open(std::size_t dimension) {
    std::vector<float> rows;
    const auto old = read_file(path_, FileAccess::copy);
    if (old && old->bytes.size >= head_.size() &&
        std::memcmp(old->bytes.data, head_.data(), head_.size()) == 0) {
      const std::size_t row_bytes = dimension * sizeof(float);
      rows.resize((old->bytes.size - head_.size()) / row_bytes * dimension);
      if (!rows.empty())
        std::memcpy(rows.data(), old->bytes.data + head_.size(), rows.size() * sizeof(float));
    }
    file_ = std::fopen(path_.c_str(), "wb");
    if (file_ != nullptr) std::fwrite(head_.data(), 1, head_.size(), file_);
    append(rows.data(), rows.size());
    if (file_ != nullptr && good_) return rows;
    return Status::error(Errc::cannot_write, path_,
                         ": can't be written; check the folder and the free space");
  }
  void append(const float* values, std::size_t count) {
    if (file_ == nullptr) return;
    good_ = std::fwrite(values, sizeof(float), count, file_) == count && std::fflush(file_) == 0 && good_;
  }
  void close() {
    if (file_ != nullptr) std::fclose(file_);
    file_ = nullptr;
  }

 private:
  std::string path_, head_;
  std::FILE* file_ = nullptr;
  bool good_ = true;
};

Status finish(const EmbedOptions& options, const FaceEmbeddings& faces, const std::string& key) {
  const auto rows = static_cast<std::int64_t>(faces.problems.size());
  Status status = write_text(key_file(options), key + "\n");
  if (status)
    status = write_npy(options.embeddings, {rows, static_cast<std::int64_t>(faces.dimension)}, faces.raw);
  if (status) std::remove(part_file(options).c_str());
  return status;
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

Result<FaceEmbeddings> run_network(const Dataset& data, const EmbedOptions& options,
                                   const std::shared_ptr<const Model>& model, const std::string& key) {
  auto embedders = make_embedders(model, thread_count(options.threads), data.samples.size());
  if (!embedders) return embedders.status();
  FaceEmbeddings faces;
  faces.dimension = (*embedders)[0].dimension();
  faces.problems.resize(data.samples.size());
  const bool keep = !options.embeddings.empty();
  PartFile part(part_file(options), key);
  if (keep) {
    auto old = part.open(faces.dimension);
    if (!old) return old.status();
    faces.raw = std::move(*old);
    faces.raw.resize(std::min(faces.raw.size(), data.samples.size() * faces.dimension));
  }
  const std::size_t done = faces.raw.size() / faces.dimension, left = data.samples.size() - done;
  if (done > 0) print_note("continued after the first " + std::to_string(done) + " faces of an earlier run");
  Progress progress(left, "faces");
  const auto work = [&](Embedder& embedder, std::size_t chunk) {
    const std::size_t first = done + chunk * batch_faces;
    return embed_chunk(embedder, data, first,
                       std::min<std::size_t>(batch_faces, data.samples.size() - first));
  };
  OrderedRun<Chunk>((left + batch_faces - 1) / batch_faces)
      .start(*embedders, work, [&](std::size_t index, const Chunk& chunk) {
        for (std::size_t i = 0; i < chunk.status.size(); ++i)
          faces.problems[done + index * batch_faces + i] = chunk.status[i].message();
        faces.raw.insert(faces.raw.end(), chunk.raw.begin(), chunk.raw.end());
        if (keep) part.append(chunk.raw.data(), chunk.raw.size());
        progress.show(faces.raw.size() / faces.dimension - done);
      });
  progress.clear();
  part.close();
  if (keep)
    if (const Status status = finish(options, faces, key); !status) return status;
  return faces;
}

/// The saved embeddings. Errors: mismatch if they are of other faces, or if --recogniser names another one.
Result<FaceEmbeddings> read_embeddings(const Dataset& data, const EmbedOptions& options,
                                       const std::string& key) {
  auto array = read_npy(options.embeddings);
  if (!array) return array.status();
  const auto rows = static_cast<std::int64_t>(data.samples.size());
  if (array->shape.size() != 2 || array->shape[0] != rows || array->shape[1] < 1)
    return Status::error(Errc::mismatch, options.embeddings, ": its shape is ", shape_text(array->shape),
                         "; ", rows, " faces need [", rows,
                         ", dimension]; name another file, or delete it to compute it again");
  const auto saved = read_file(key_file(options), FileAccess::copy);
  if (saved) {
    const std::string text(reinterpret_cast<const char*>(saved->bytes.data), saved->bytes.size);
    // Without --recogniser, the key has only its first part.
    if (text.compare(0, key.size() + 1, key + (options.recogniser.empty() ? " " : "\n")) != 0)
      return Status::error(
          Errc::mismatch, options.embeddings,
          ": made of other faces or by another recogniser; delete it to compute it again, or "
          "name another file");
  }
  FaceEmbeddings faces;
  faces.dimension = static_cast<std::size_t>(array->shape[1]);
  faces.raw = std::move(array->values);
  return faces;
}

/// Gives a reason to faces that have no embedding.
void name_problems(const Dataset& data, FaceEmbeddings& faces) {
  faces.problems.resize(data.samples.size());
  for (std::size_t i = 0; i < data.samples.size(); ++i) {
    const float* row = faces.raw.data() + i * faces.dimension;
    const bool finite = std::all_of(row, row + faces.dimension, [](float v) { return std::isfinite(v); });
    if (!finite && faces.problems[i].empty())
      faces.problems[i] = data.samples[i].file + ": no embedding (the image could not be used)";
  }
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
          "Read the embeddings from this NumPy file, or write them to it if it does not exist: [images, "
          "dimension], the output of the recogniser, not normalised")
      .type_name("FILE.npy");
}

void EmbedOptions::add_to(const Command& command) {
  add_files_to(command);
  add_isa_option(command, isa);
  add_threads_option(command, threads);
}

bool EmbedOptions::saved() const {
  std::error_code ignored;
  return !embeddings.empty() && fs::exists(embeddings, ignored);
}

Status EmbedOptions::check_output() const {
  return embeddings.empty() || saved() ? Status() : check_output_file(embeddings);
}

Result<FaceEmbeddings> embed_faces(const DataOptions& source, const EmbedOptions& options, DataTable& faces) {
  Dataset& data = faces.data;
  const bool saved = options.saved();
  std::shared_ptr<const Model> model;
  std::string key = faces_key(data);
  if (!options.recogniser.empty()) {
    const auto backend = backend_option(options.isa);
    if (!backend) return backend.status();
    auto read = read_model(options.recogniser, "", **backend);
    if (!read) return read.status();
    key += " " + weights_key(*read);
    model = std::make_shared<const Model>(std::move(*read));
  }
  if (!saved && model == nullptr)
    return Status::error(Errc::bad_argument, options.embeddings,
                         options.embeddings.empty() ? "" : ": no such file; ",
                         "give the weights of a recogniser with --recogniser FILE");
  const bool aligned = model == nullptr || model->input().crop == FaceCrop::aligned;
  // The key is that of the table as it is, so that saved embeddings are recognised without a search.
  if (model != nullptr && will_search(source, aligned, data)) key += " " + search_key(source.faces);
  if (!saved || !source.save_faces.empty())
    if (const Status s = find_table_faces({source, options.isa, options.threads}, aligned, faces.table, data);
        !s)
      return s;
  auto embeddings = saved ? read_embeddings(data, options, key) : run_network(data, options, model, key);
  if (embeddings) name_problems(data, *embeddings);
  return embeddings;
}
