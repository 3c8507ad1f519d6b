// Training on a CPU: everything of tinyfiqa.hpp, and data sets, the tape, losses, optimisers, the trainer.
#pragma once

#include <tinyfiqa/fiqa/metrics.hpp>
#include <tinyfiqa/fiqa/read_dataset.hpp>
#include <tinyfiqa/fiqa/split.hpp>
#include <tinyfiqa/fiqa/trainer.hpp>
#include <tinyfiqa/tinyfiqa.hpp>
