// Says which faces of a table are aligned by their boxes alone.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

/// Says, if there are some, how many faces have a box alone: they are aligned by average landmarks.
void print_boxes(const tinyfiqa::Dataset& data);
