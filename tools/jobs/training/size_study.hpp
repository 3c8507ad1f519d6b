// The study of `tinyfiqa size-study`: what the networks of a family cost, and how well they work.
#pragma once

#include "jobs/training/study.hpp"
#include "jobs/verification/verify_discard.hpp"
#include "reports/size_study_tables.hpp"

#include <string>
#include <utility>
#include <vector>

/// The command-line options of `tinyfiqa size-study`.
struct SizeStudyArguments {
  TrainArguments train;  ///< recipe, model and out are set for each training
  std::vector<std::string> members = {"tinyfqnet", "tinyfqnet_t6_w100", "tinyfqnet_t4_w35_112",
                                      "tinyfqnet_t6_w100_112"};
  KnownFacesOptions faces;  ///< for error versus discard
  DiscardOptions discard;
  int resamples = 1000;
  double seconds = 1;  ///< time to measure the speed of each network

  void add_to(const Command& sub);
  bool verifies() const { return !faces.data.csv.empty(); }
};

/// One study, with its options and its results.
class SizeStudy {
 public:
  SizeStudy(SizeStudyArguments arguments, std::vector<std::string> command_line)
      : arguments_(std::move(arguments)), command_line_(std::move(command_line)) {}

  /// Trains the networks, compares them and writes the tables. Returns the exit code.
  int run();

 private:
  tinyfiqa::Status begin();
  TrainArguments arguments_of(const std::string& member) const;
  std::string weights_of(const std::string& member) const {
    return arguments_of(member).out + "/best.safetensors";
  }
  tinyfiqa::Status measure(const std::string& member);
  tinyfiqa::Status verify();
  tinyfiqa::Status compare();

  SizeStudyArguments arguments_;
  std::vector<std::string> command_line_;
  Study study_{"size-study"};
  SizeStudyTables tables_;
};
