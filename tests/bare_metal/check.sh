#!/bin/sh
# check.sh SOURCE_DIR TINYFIQA OUT: the examples of bare metal have this machine's bits and keep their budgets, and all of
# tinyfiqa.hpp compiles for a machine without threads. 77 (skipped) if no compiler for such machines is installed.
set -eu
source_dir=$1 tool=$2 out=$3
sh "$source_dir/examples/bare_metal/build.sh" "$tool" "$out"

command -v arm-none-eabi-g++ > /dev/null || exit 0
# newlib's own headers must stay before those of this machine, so of these it gets stb alone.
mkdir -p "$out/stb_only"
stb=$(for folder in /usr/local/include /usr/include; do [ -e $folder/stb/stb_image.h ] && echo $folder/stb && break; done)
ln -sfn "$stb" "$out/stb_only/stb"
cat > "$out/everything.cpp" <<'END'
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/tinyfiqa.hpp>
#ifndef TINYFIQA_NO_THREADS
#error "newlib has no threads, and TINYFIQA_NO_THREADS is not defined"
#endif
auto* const scorer = &tinyfiqa::default_scorer;
END
arm-none-eabi-g++ -std=c++17 -fsyntax-only -Wall -Wextra -mcpu=cortex-m7 -mfloat-abi=hard -I"$source_dir/include" \
  -isystem "$out/stb_only" "$out/everything.cpp"
echo "tinyfiqa.hpp and the default scorer compile for Cortex-M7"
