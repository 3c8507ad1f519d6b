#include "jobs/training/ranks.hpp"

#include <tinyfiqa/training/mpi_communicator.hpp>

#include "options/messages.hpp"
#include "options/model_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace tinyfiqa;

namespace {

int number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  const long number = text == nullptr ? 0 : std::strtol(text, nullptr, 10);  // 0 for what is no number
  return static_cast<int>(std::clamp(number, 0L, 1L << 20u));
}

/// How many processes mpirun or srun started together: Open MPI; MPICH, Intel MPI and Slurm's pmi2; Slurm's PMIx.
int started_together() {
  int count = std::max(number_in_environment("OMPI_COMM_WORLD_SIZE"), number_in_environment("PMI_SIZE"));
  if (std::getenv("PMIX_RANK") != nullptr)
    count = std::max(count, number_in_environment("SLURM_STEP_NUM_TASKS"));
  return std::max(count, 1);
}

}  // namespace

#ifdef TINYFIQA_MPI

struct Ranks::Mpi {
  MpiProgram program;
  MpiCommunicator ranks{program}, background{program};
};

Status Ranks::join() {
  if (started_together() == 1) return {};
  mpi_ = std::make_unique<Mpi>();
  if (size() == 1)
    return Status::error(
        Errc::unsupported,
        "this process was started with others, but MPI does not find them; start it with the "
        "mpirun of the MPI library that it was built with");
  if (first()) return {};
  print_as_rank(rank());
  if (std::freopen("/dev/null", "w", stdout) == nullptr)
    return Status::error(Errc::cannot_write, "/dev/null: can't be opened");
  return {};
}

int Ranks::rank() const { return mpi_ == nullptr ? 0 : mpi_->ranks.rank(); }
int Ranks::size() const { return mpi_ == nullptr ? 1 : mpi_->ranks.size(); }
Communicator* Ranks::communicator() const { return mpi_ == nullptr ? nullptr : &mpi_->ranks; }
Communicator* Ranks::background() const {
  return mpi_ == nullptr || !mpi_->program.threads() ? nullptr : &mpi_->background;
}
std::uint64_t Ranks::sent_bytes() const {
  return mpi_ == nullptr ? 0 : mpi_->ranks.sent_bytes() + mpi_->background.sent_bytes();
}

int Ranks::own_processors() const {
  const int allowed = thread_count(0);
  if (mpi_ == nullptr) return allowed;
  const int processes = MpiProgram::processes_on_this_machine();
  // A process that mpirun has bound to some processors has them for itself.
  const bool bound = allowed < static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return bound ? allowed : std::max(1, allowed / processes);
}

int Ranks::finish(int exit_code) {
  if (mpi_ == nullptr) return exit_code;
  if (exit_code == exit_some_failed || exit_code == exit_usage) {
    std::fflush(nullptr);
    MpiProgram::end_all(exit_code);
  }
  mpi_.reset();
  return exit_code;
}

Ranks::~Ranks() {
  if (mpi_ != nullptr) MpiProgram::end_all(exit_some_failed);
}

#else

struct Ranks::Mpi {};

Status Ranks::join() {
  if (const int count = started_together(); count > 1)
    return Status::error(Errc::unsupported, count,
                         " processes were started together, but this program was built without MPI; "
                         "configure with -DTINYFIQA_MPI=ON");
  return {};
}

int Ranks::rank() const { return 0; }
int Ranks::size() const { return 1; }
Communicator* Ranks::communicator() const { return nullptr; }
Communicator* Ranks::background() const { return nullptr; }
std::uint64_t Ranks::sent_bytes() const { return 0; }
int Ranks::own_processors() const { return thread_count(0); }
int Ranks::finish(int exit_code) { return exit_code; }
Ranks::~Ranks() = default;

#endif

Ranks::Ranks() = default;
