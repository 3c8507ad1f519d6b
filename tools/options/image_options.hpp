// --max-pixels: the limit on the size of the images that a command reads.
#pragma once

#include "options/command_line.hpp"

/// The value holds for the whole program.
void add_max_pixels_option(const Command& command);
