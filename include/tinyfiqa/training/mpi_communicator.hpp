// The ranks of a training by MPI (mpirun, srun). Needs the MPI library, and the macro TINYFIQA_MPI, so that programs without it
// don't have to; without the macro this header is empty.
//
//   MpiProgram mpi;                              // MPI_Init_thread ... MPI_Finalize
//   MpiCommunicator ranks(mpi), background(mpi);
//   options.ranks = &ranks;                      // of TrainOptions
//   options.background_ranks = &background;
#pragma once

#ifdef TINYFIQA_MPI

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>

#define OMPI_SKIP_MPICXX 1  // not the C++ interface, which MPI gave up
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

TINYFIQA_BEGIN

/// The time between MPI_Init_thread and MPI_Finalize. A program has one.
class MpiProgram {
 public:
  MpiProgram() {
    int level = 0;
    // With more ranks than cores, Open MPI yields the core in each call. That makes a sum take milliseconds on a busy
    // machine; MpiCommunicator sleeps instead.
    setenv("OMPI_MCA_mpi_yield_when_idle", "0", 0);
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level);
    threads_ = level >= MPI_THREAD_SERIALIZED;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    patience_ = std::chrono::microseconds(processes_on_this_machine() <= cores ? 1000 : 50);
  }
  ~MpiProgram() { MPI_Finalize(); }
  MpiProgram(const MpiProgram&) = delete;
  MpiProgram& operator=(const MpiProgram&) = delete;

  /// Whether a second thread may use a communicator: without, MpiCommunicators are for one thread of the program.
  bool threads() const { return threads_; }
  /// How many of the program's processes run on this machine. All ranks must call it.
  static int processes_on_this_machine() {
    MPI_Comm here = MPI_COMM_NULL;
    int count = 1;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &count);
    MPI_Comm_free(&here);
    return count;
  }
  /// Ends all ranks at once. mpirun returns `exit_code`.
  [[noreturn]] static void end_all(int exit_code) {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::abort();  // not reached
  }
  /// How long a rank keeps its core busy while it waits: briefly if others need the core.
  std::chrono::microseconds patience() const { return patience_; }
  /// Held during each call of the MPI library.
  std::mutex& calls() { return calls_; }

 private:
  std::mutex calls_;
  bool threads_ = false;
  std::chrono::microseconds patience_{50};
};

/// All processes of the program. There may be more ranks than cores: waiting threads then sleep.
class MpiCommunicator final : public Communicator {
 public:
  /// All ranks must make their communicators in the same order. `program` must outlive this object.
  explicit MpiCommunicator(MpiProgram& program) : program_(&program) {
    const std::lock_guard<std::mutex> lock(program_->calls());
    MPI_Comm_dup(MPI_COMM_WORLD, &comm_);
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }
  ~MpiCommunicator() {
    const std::lock_guard<std::mutex> lock(program_->calls());
    MPI_Comm_free(&comm_);
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(Span<float> values) override { sum_all(values, MPI_FLOAT); }
  void sum(Span<double> values) override { sum_all(values, MPI_DOUBLE); }
  void broadcast(Span<unsigned char> bytes) override {
    for (std::size_t at = 0; at < bytes.size; at += most_elements) {
      const int count = static_cast<int>(std::min(most_elements, bytes.size - at));
      call([&](MPI_Request* r) { MPI_Ibcast(bytes.data + at, count, MPI_UNSIGNED_CHAR, 0, comm_, r); });
    }
  }
  void barrier() override {
    call([&](MPI_Request* r) { MPI_Ibarrier(comm_, r); });
  }

  /// Bytes that this rank has sent for sums.
  std::uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  static constexpr std::size_t most_elements = std::size_t{1} << 28u;  // MPI counts in int
  static constexpr std::size_t small_bytes = 8192;

  /// Begins an operation by start(&request), and waits until it is done.
  template <class Start>
  void call(const Start& start) {
    MPI_Request request = MPI_REQUEST_NULL;
    int done = 0;
    {
      const std::lock_guard<std::mutex> lock(program_->calls());
      start(&request);
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
    const auto begin = std::chrono::steady_clock::now();
    while (done == 0) {
      // (To yield instead would give a core away for milliseconds if other programs want it.)
      if (std::chrono::steady_clock::now() - begin > program_->patience())
        std::this_thread::sleep_for(std::chrono::microseconds(10));
      const std::lock_guard<std::mutex> lock(program_->calls());
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
  }

  template <class T>
  void sum_all(Span<T> values, MPI_Datatype type) {
    for (std::size_t at = 0; at < values.size; at += most_elements) {
      const Span<T> part(values.data + at, std::min(most_elements, values.size - at));
      const bool small = part.size * sizeof(T) <= small_bytes || part.size < static_cast<std::size_t>(size_);
      small ? sum_small(part, type) : sum_large(part, type);
    }
  }

  /// Every rank gets all arrays, and sums them.
  template <class T>
  void sum_small(Span<T> values, MPI_Datatype type) {
    const int count = static_cast<int>(values.size);
    std::vector<T> all(values.size * static_cast<std::size_t>(size_));
    call(
        [&](MPI_Request* r) { MPI_Iallgather(values.data, count, type, all.data(), count, type, comm_, r); });
    add_arrays(all, values);
    sent_bytes_ += values.size * sizeof(T) * static_cast<std::size_t>(size_ - 1);
  }

  /// Every rank gets one section of all arrays, sums that, and sends the sum to the others: each sends
  /// 2 (N - 1) / N of the array.
  template <class T>
  void sum_large(Span<T> values, MPI_Datatype type) {
    const auto ranks = static_cast<std::size_t>(size_), self = static_cast<std::size_t>(rank_);
    const auto begin = [&](std::size_t rank) { return values.size * rank / ranks; };
    const std::size_t own = begin(self + 1) - begin(self);
    std::vector<int> counts(ranks), offsets(ranks), own_counts(ranks), own_offsets(ranks);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      offsets[rank] = static_cast<int>(begin(rank));
      counts[rank] = static_cast<int>(begin(rank + 1) - begin(rank));
      own_counts[rank] = static_cast<int>(own);
      own_offsets[rank] = static_cast<int>(own * rank);
    }
    std::vector<T> all(own * ranks);
    call([&](MPI_Request* r) {
      MPI_Ialltoallv(values.data, counts.data(), offsets.data(), type, all.data(), own_counts.data(),
                     own_offsets.data(), type, comm_, r);
    });
    const Span<T> section(values.data + begin(self), own);
    add_arrays(all, section);
    call([&](MPI_Request* r) {
      MPI_Iallgatherv(MPI_IN_PLACE, 0, type, values.data, counts.data(), offsets.data(), type, comm_, r);
    });
    sent_bytes_ += (values.size - own + own * (ranks - 1)) * sizeof(T);
  }

  /// sum = the sum of the arrays of all ranks, which are one behind the other, in their order.
  template <class T>
  void add_arrays(const std::vector<T>& all, Span<T> sum) const {
    std::copy_n(all.begin(), sum.size, sum.begin());
    for (std::size_t rank = 1; rank < static_cast<std::size_t>(size_); ++rank) {
      const T* const from = all.data() + rank * sum.size;
      for (std::size_t i = 0; i < sum.size; ++i) sum[i] += from[i];
    }
  }

  MpiProgram* program_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::uint64_t sent_bytes_ = 0;
};

TINYFIQA_END

#endif
