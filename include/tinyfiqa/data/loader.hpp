// Batches of face images for training. Worker threads prepare them while the training step runs.
#pragma once

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/formats/memory_errors.hpp>
#include <tinyfiqa/image/augment.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/threads/start.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Gives the image of a row, such as that of Sample::file. Several threads call it at once.
using ImageReader = std::function<Result<Image>(const Sample&)>;

/// How batches are made.
struct LoaderOptions {
  InputSpec input;         ///< size and normalisation of the network's input
  int batch = 64;          ///< images per batch
  bool shuffle = true;     ///< true: a new order in each epoch; false: the order of the rows
  bool drop_last = false;  ///< true: the last batch of an epoch is left out if it is not full
  std::uint64_t seed = 1;  ///< of the order and of the augmentation
  int workers = 0;         ///< threads; 0: one for each core
  int ahead = 2;           ///< batches that are prepared in advance, besides the one that the caller has
  /// Memory for decoded and resized images, 3 bytes per pixel. The first rows that fit stay cached.
  std::size_t cache_bytes = std::size_t{1} << 30u;
  /// Processes that share each batch: this one gets only its images. Null: it gets all of them. At least one image a rank
  /// must be in a batch.
  Communicator* ranks = nullptr;
  Augmentation augmentation;
  ImageReader read = [](const Sample& sample) { return read_image(sample.file); };
};

/// The input of one training step. Pass the same Batch to each next(), so that its memory is used again.
struct Batch {
  int count = 0;                     ///< images of this process
  int first = 0;                     ///< the place in the batch of its first image
  int total = 0;                     ///< images of the batch
  std::vector<float> images;         ///< [count, H, W, 3]
  std::vector<float> scores;         ///< [count]
  std::vector<std::size_t> samples;  ///< [count] indices of Dataset::samples
};

/// Makes epochs of batches over some rows of a data set. The batches of an epoch depend only on the rows, the
/// options and the number of the epoch. They do not depend on threads, timing, the cache or earlier epochs.
/// One thread at a time may call the functions of a loader.
///
///   ImageLoader loader(data, split.train, options);
///   if (const Status s = loader.start(epoch); !s) return s;
///   for (Batch batch;;) {
///     const auto more = loader.next(batch);
///     if (!more) return more.status();
///     if (!*more) break;
///     step(batch);
///   }
class ImageLoader {
 public:
  /// `rows` are indices of data.samples; a row may occur more than once. `data` must outlive the loader.
  ImageLoader(const Dataset& data, std::vector<std::size_t> rows, const LoaderOptions& options)
      : data_(&data), rows_(std::move(rows)), options_(options) {}
  ImageLoader(const ImageLoader&) = delete;
  ImageLoader& operator=(const ImageLoader&) = delete;
  ~ImageLoader() { stop(); }

  const LoaderOptions& options() const { return options_; }
  const std::vector<std::size_t>& rows() const { return rows_; }
  /// Changes LoaderOptions::drop_last. Call it only between epochs.
  void set_drop_last(bool drop) { options_.drop_last = drop; }
  /// The number of batches of an epoch.
  std::size_t batches() const {
    const std::size_t size = batch_size();
    return options_.drop_last ? rows_.size() / size : (rows_.size() + size - 1) / size;
  }
  /// The number of rows whose images stay in memory after they were decoded.
  std::size_t cached_rows() const { return std::min(rows_.size(), options_.cache_bytes / face_bytes()); }

  /// Begins epoch number `epoch` at its batch `first_batch`. An epoch that is running is stopped first.
  /// Errors: bad_argument; out_of_memory if no thread can be started.
  Status start(std::uint64_t epoch, std::size_t first_batch = 0) {
    stop();
    const Status status = check();
    if (!status) return status;
    epoch_ = epoch;
    order_.resize(rows_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    if (options_.shuffle)
      detail::shuffle(order_, Rng(detail::mix_seed(options_.seed, epoch), detail::shuffle_streams::order));
    cache_.resize(cached_rows());
    taken_ = std::min(first_batch, batches());
    next_item_ = taken_ * share_size();
    const std::size_t whole = rows_.size() / batch_size();
    end_item_ = whole * share_size() + (whole < batches() ? share_of(whole).count : 0);
    slots_.resize(static_cast<std::size_t>(options_.ahead));
    for (std::size_t b = taken_; b < taken_ + slots_.size(); ++b) prepare_slot(b);
    stopping_ = false;
    start_workers([this] { work(); });
    if (!workers_.empty()) return Status();
    return Status::error(Errc::out_of_memory,
                         "the system starts no thread that reads images; raise its limit on ",
                         "processes and threads");
  }

  /// Waits for the next batch and swaps it into `batch`. Returns false after the last one. Errors: those of
  /// reading and preprocessing an image; the message names the file. The epoch can't continue after an error.
  Result<bool> next(Batch& batch) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (workers_.empty())
      return Status::error(Errc::bad_argument, "no epoch is running; call ImageLoader::start() first");
    if (taken_ == batches()) return false;
    Slot& slot = slots_[taken_ % slots_.size()];
    finished_.wait(lock, [&] { return slot.items_left == 0; });
    if (!slot.status.ok()) return slot.status;
    std::swap(batch, slot.batch);
    prepare_slot(taken_ + slots_.size());
    ++taken_;
    wanted_.notify_all();
    return true;
  }

  /// Stops the epoch at any point. Waits for images that are being decoded.
  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wanted_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  /// Decodes every image once and fills the cache. Returns the rows whose image can't be used; if `drop_bad`,
  /// they are left out from now on. After each image, on_done(number of images done) is called; several
  /// threads call it at the same time. Several ranks share the images.
  template <class OnDone>
  std::vector<RowProblem> preload(bool drop_bad, const OnDone& on_done) {
    stop();
    cache_.resize(cached_rows());
    std::vector<Status> found(rows_.size());
    std::atomic<std::size_t> next{0}, done{0};
    const auto check = [&](std::size_t at) {
      Image face;
      found[at] = detail::with_memory_errors("", [&] { return load_face(at, face); });
    };
    const auto decode = [&] {
      for (std::size_t at; (at = rank() + ranks() * next++) < rows_.size();) {
        check(at);
        on_done(std::min(rows_.size(), ranks() * ++done));
      }
    };
    start_workers(decode);
    if (workers_.empty()) decode();
    stop();
    if (ranks() > 1) share_problems(found, check);
    return take_problems(found, drop_bad);
  }
  std::vector<RowProblem> preload(bool drop_bad = false) {
    return preload(drop_bad, [](std::size_t) {});
  }

 private:
  struct Slot {
    Batch batch;
    std::size_t items_left = 0;
    std::size_t failed_item = 0;  // first in order, so that the message does not depend on timing
    Status status;
  };

  std::size_t batch_size() const { return static_cast<std::size_t>(std::max(1, options_.batch)); }
  std::size_t rank() const {
    return options_.ranks == nullptr ? 0 : static_cast<std::size_t>(options_.ranks->rank());
  }
  std::size_t ranks() const {
    return options_.ranks == nullptr ? 1 : static_cast<std::size_t>(options_.ranks->size());
  }

  /// The images of one batch that this process makes.
  struct Share {
    std::size_t first, count, total;  // as in Batch
  };
  /// That of batch `b`. Earlier ranks get one image more if the images don't go into the ranks.
  Share share_of(std::size_t b) const {
    const std::size_t total = std::min(batch_size(), rows_.size() - b * batch_size());
    const std::size_t each = total / ranks(), more = total % ranks();
    return {rank() * each + std::min(rank(), more), each + (rank() < more ? 1 : 0), total};
  }
  /// This process's images of a full batch, which no batch exceeds.
  std::size_t share_size() const {
    return batch_size() / ranks() + (rank() < batch_size() % ranks() ? 1 : 0);
  }
  int face_height() const { return detail::uncropped_side(options_.input.height, options_.augmentation); }
  int face_width() const { return detail::uncropped_side(options_.input.width, options_.augmentation); }
  std::size_t face_bytes() const {
    return std::max<std::size_t>(
        1, 3 * static_cast<std::size_t>(face_height()) * static_cast<std::size_t>(face_width()));
  }
  std::size_t worker_count() const {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    return options_.workers > 0 ? static_cast<std::size_t>(options_.workers) : cores;
  }

  /// As many as there are to be, or as the system allows.
  template <class Work>
  void start_workers(const Work& work) {
    workers_.reserve(worker_count());  // before a thread runs: an exception must not leave one behind
    for (std::size_t i = 0; i < worker_count(); ++i)
      if (std::thread worker = try_thread(work); worker.joinable()) workers_.push_back(std::move(worker));
  }

  Status check() const {
    if (options_.batch < 1 || options_.ahead < 1 || options_.workers < 0 || options_.input.height < 1 ||
        options_.input.width < 1)
      return Status::error(Errc::bad_argument,
                           "the loader's batch, ahead, input height and input width must be at least 1, and "
                           "its workers at least 0");
    if (batch_size() < ranks())
      return Status::error(Errc::bad_argument, "a batch of ", batch_size(), " images can't be shared by ",
                           ranks(), " processes; start fewer, or use a larger batch");
    for (const std::size_t row : rows_)
      if (row >= data_->samples.size())
        return Status::error(Errc::bad_argument, "row ", row, " (from 0) is not in the data set, which has ",
                             data_->samples.size(), " rows");
    return check_augmentation(options_.augmentation);
  }

  /// Prepares the slot of batch `b` for the workers. Call it with the lock held, or before workers run.
  void prepare_slot(std::size_t b) {
    if (b >= batches()) return;
    Slot& slot = slots_[b % slots_.size()];
    const Share share = share_of(b);
    slot.batch.count = static_cast<int>(share.count);
    slot.batch.first = static_cast<int>(share.first);
    slot.batch.total = static_cast<int>(share.total);
    slot.batch.images.resize(share.count * options_.input.size());
    slot.batch.scores.resize(share.count);
    slot.batch.samples.resize(share.count);
    slot.items_left = share.count;
    slot.failed_item = end_item_;
    slot.status = Status();
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      const auto in_reach = [this] { return next_item_ / share_size() < taken_ + slots_.size(); };
      wanted_.wait(lock, [&] { return stopping_ || next_item_ >= end_item_ || in_reach(); });
      if (stopping_ || next_item_ >= end_item_) return;
      const std::size_t item = next_item_++;  // counts the images of this process
      Slot& slot = slots_[item / share_size() % slots_.size()];
      lock.unlock();
      const Status status = detail::with_memory_errors("", [&] { return load_item(item, slot.batch); });
      lock.lock();
      if (!status.ok() && item < slot.failed_item) {
        slot.failed_item = item;
        slot.status = status;
      }
      if (--slot.items_left == 0) finished_.notify_all();
    }
  }

  /// Loads one item into its place in the batch. No lock is needed: each item
  /// has one worker and its own place.
  Status load_item(std::size_t item, Batch& batch) {
    const std::size_t b = item / share_size(), place = item % share_size();
    const std::size_t at = order_[b * batch_size() + static_cast<std::size_t>(batch.first) + place];
    const Sample& sample = data_->samples[rows_[at]];
    batch.scores[place] = static_cast<float>(sample.score);
    batch.samples[place] = rows_[at];
    const Span<float> out(batch.images.data() + place * options_.input.size(), options_.input.size());
    Image loaded;
    const Status status = load_face(at, loaded);
    if (!status) return status;
    const Image& face = loaded.rgb.empty() ? cache_[at] : loaded;
    if (!options_.augmentation.any()) return to_input(face, options_.input, out);
    const auto changed =
        augment(face, options_.augmentation, options_.input.height, options_.input.width,
                Rng(detail::mix_seed(options_.seed, epoch_, at), detail::shuffle_streams::augment));
    if (!changed) return changed.status().prefixed(sample.file, ": ");
    return to_input(*changed, options_.input, out);
  }

  /// Loads and resizes the face of rows_[at]. If the cache has a place for it, the face is
  /// stored there and `face` stays empty; only this thread uses that place during this epoch.
  /// Otherwise it is stored in `face`.
  Status load_face(std::size_t at, Image& face) {
    const bool keep = at < cache_.size();
    if (keep && !cache_[at].rgb.empty()) return Status();
    const Sample& sample = data_->samples[rows_[at]];
    if (!sample.status.ok()) return sample.status;
    const auto image = options_.read(sample);
    if (!image) return image.status();
    auto resized = crop_and_resize(*image, sample.crop, options_.input.crop, face_height(), face_width());
    if (!resized) return resized.status().prefixed(sample.file, ": ");
    (keep ? cache_[at] : face) = std::move(*resized);
    return Status();
  }

  /// Lets all ranks know the rows that one of them can't use. A rank looks for the reason itself.
  template <class Check>
  void share_problems(std::vector<Status>& found, const Check& check) const {
    std::vector<float> bad(found.size());
    for (std::size_t at = 0; at < found.size(); ++at) bad[at] = found[at].ok() ? 0.0f : 1.0f;
    options_.ranks->sum(bad);
    for (std::size_t at = 0; at < found.size(); ++at) {
      if (bad[at] == 0 || !found[at].ok()) continue;
      check(at);
      if (found[at].ok())
        found[at] = Status::error(Errc::unreadable, data_->samples[rows_[at]].file,
                                  ": another process can't read it; all must see the same files");
    }
  }

  std::vector<RowProblem> take_problems(const std::vector<Status>& found, bool drop_bad) {
    std::vector<RowProblem> problems;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < rows_.size(); ++at) {
      if (!found[at].ok()) problems.push_back({data_->samples[rows_[at]].line, found[at].message()});
      if (!found[at].ok() && drop_bad) continue;
      if (kept != at) {
        rows_[kept] = rows_[at];
        if (kept < cache_.size())
          cache_[kept] = at < cache_.size() ? std::exchange(cache_[at], Image()) : Image();
      }
      ++kept;
    }
    rows_.resize(kept);
    cache_.resize(std::min(cache_.size(), kept));
    return problems;
  }

  const Dataset* data_;
  std::vector<std::size_t> rows_;
  LoaderOptions options_;

  // These do not change while workers run.
  std::uint64_t epoch_ = 0;
  std::vector<std::size_t> order_;  // indices of rows_
  std::size_t end_item_ = 0;
  std::vector<Image> cache_;  // by index of rows_; see load_face

  // Protects all members below. The batch of a slot belongs to the workers until items_left is 0.
  std::mutex mutex_;
  std::condition_variable wanted_, finished_;
  std::vector<Slot> slots_;
  std::size_t next_item_ = 0, taken_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

TINYFIQA_END
