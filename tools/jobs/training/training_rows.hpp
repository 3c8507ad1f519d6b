// The rows of a table that a network is trained on.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include "options/train_options.hpp"

#include <functional>

/// Reads arguments.data. For a network that wants aligned faces, finds those that the table does not give, and leaves
/// out the rows without one. The folder arguments.out, which exists, then has the table with these faces as
/// found_faces.csv. A resumed training takes them from there, so it trains on the same crops. Errors: those of
/// read_data(), find_table_faces() and leave_out_faceless(), and of `check`, which is called with the rows before a search
/// (and only then), so that no wrong option is found after it.
tinyfiqa::Result<tinyfiqa::Dataset> read_training_rows(
    const TrainArguments& arguments, tinyfiqa::FaceCrop wanted,
    const std::function<tinyfiqa::Status(tinyfiqa::Dataset&)>& check);
