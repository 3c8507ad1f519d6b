// The processes of one training, which mpirun or srun started together.
#pragma once

#include <tinyfiqa/base/communicator.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstdint>
#include <memory>

/// The processes of this training: one, or as many as mpirun started. If the program ends by an exception, so do all of them.
class Ranks {
 public:
  Ranks();
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  /// Finds the other processes, and silences this one unless it is the first: it prints no results and notes, and its errors
  /// name it. Errors: unsupported if there are others and the program was built without MPI.
  tinyfiqa::Status join();

  int rank() const;
  int size() const;
  /// The first process writes the files.
  bool first() const { return rank() == 0; }
  /// Null for one process alone.
  tinyfiqa::Communicator* communicator() const;
  /// A second one, for another thread; null for one process alone, and if MPI has no threads.
  tinyfiqa::Communicator* background() const;
  /// The processors of the machine that this process may use, shared with the other processes there.
  int own_processors() const;
  /// Bytes that this process has sent for sums.
  std::uint64_t sent_bytes() const;

  /// To be called at the end of the program, which returns the result. After a failure it ends all processes at once: they
  /// would wait for this one.
  int finish(int exit_code);

 private:
  struct Mpi;
  std::unique_ptr<Mpi> mpi_;  // null for one process alone
};
