// Training on a CPU: everything of tinyfiqa.hpp, and data sets, the tape, losses, optimisers, the trainer; and heat maps,
// which run the tape too.
#pragma once

#include <tinyfiqa/attribution/heat_mapper.hpp>
#include <tinyfiqa/data/read_dataset.hpp>
#include <tinyfiqa/data/split.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/tinyfiqa.hpp>
#include <tinyfiqa/training/recipes.hpp>
#include <tinyfiqa/training/trainer.hpp>
