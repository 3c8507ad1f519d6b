// --max-pixels and --isolate: how the images that a command reads are decoded.
#pragma once

#include "options/command_line.hpp"

/// The values hold for the whole program.
void add_image_options(const Command& command);
