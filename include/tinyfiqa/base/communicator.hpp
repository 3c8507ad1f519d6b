// The interface through which processes that train one network together exchange numbers.
// training/mpi_communicator.hpp implements it by MPI; another transport can take its place.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>

TINYFIQA_BEGIN

/// A group of processes, called ranks. All ranks must call the same functions in the same order, with arrays of the same
/// size; a call returns when this rank has its result. One thread at a time may call an object. If a rank is lost, calls do
/// not return: the transport ends the program.
class Communicator {
 public:
  virtual int rank() const = 0;  ///< 0 .. size() - 1
  virtual int size() const = 0;

  /// values = the sum of the values of all ranks. They are added in the order of the ranks, so all ranks get the same bits,
  /// and get them again in the next run.
  virtual void sum(Span<float> values) = 0;
  virtual void sum(Span<double> values) = 0;
  /// bytes = the bytes of rank 0.
  virtual void broadcast(Span<unsigned char> bytes) = 0;
  /// Returns when all ranks have called it.
  virtual void barrier() = 0;

 protected:
  ~Communicator() = default;
};

TINYFIQA_END
