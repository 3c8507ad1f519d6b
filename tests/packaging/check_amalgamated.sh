#!/bin/sh
# check_amalgamated.sh SOURCE_DIR SCRATCH_DIR CXX PYTHON: the files of tools/amalgamate are the same each time; a program of
# one source file compiles with them and scores a photo, with stb_image beside it and scalar kernels; and without stb_image
# and xsimd, with the compiler's own vectors where there are some, it scores pixels, to the same quality. It compiles in a
# program without threads.
set -eu
source_dir=$1 scratch=$2 cxx=$3 python=$4
photo=$source_dir/examples/photos/astronaut.jpg
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
fail() { echo "FAILED: $*"; exit 1; }

"$python" -B "$source_dir/tools/amalgamate" --out first
"$python" -B "$source_dir/tools/amalgamate" --out second >/dev/null
diff -r first second || fail "the second run wrote other bytes"

# In a program without threads.
"$python" -B "$source_dir/tools/amalgamate" --out first --forward forward >/dev/null
"$cxx" -std=c++17 -fsyntax-only -Iforward -DTINYFIQA_NO_THREADS -DTINYFIQA_SCALAR "$source_dir/tests/structure/no_threads.cpp" >log 2>&1 ||
  { head -5 log; fail "a program without threads"; }

touch file
if "$python" -B "$source_dir/tools/amalgamate" --out file/below >log 2>&1; then fail "wrote into a file"; fi
grep -q '^amalgamate: .*file.*by --out$' log || { cat log; fail "no clear message for a folder that can't be written"; }

# The compiler's own folders for headers, without xsimd and stb.
mkdir -p bare
folders=$(echo | "$cxx" -std=c++17 -x c++ -E -v - 2>&1 >/dev/null | sed -n '/#include <\.\.\.>/,/^End/s|^ /|/|p')
flags=
for folder in $folders; do
  if [ -e "$folder/xsimd" ] || [ -e "$folder/stb" ]; then
    for entry in "$folder"/*; do
      case ${entry##*/} in xsimd | stb) ;; *) ln -s "$entry" bare/ ;; esac
    done
    folder=$scratch/bare
  fi
  flags="$flags -isystem $folder"
done

# stb_image.h beside the program, as a user has it.
stb=$(for folder in $folders; do if [ -e "$folder/stb/stb_image.h" ]; then echo "$folder/stb"; fi; done | head -1)
mkdir -p beside
cp first/*.hpp "$stb/stb_image.h" "$stb/stb_image_write.h" "$source_dir/examples/one_header.cpp" beside/
strict="-Wall -Wextra -Wshadow -Wconversion -Werror"
(cd beside && "$cxx" -std=c++17 -O0 -nostdinc $flags $strict -DTINYFIQA_SCALAR one_header.cpp -o one_header) >log 2>&1 || { cat log; fail "stb beside it"; }
[ ! -s log ] || { cat log; fail "remarks though TINYFIQA_SCALAR is defined"; }
quality=$(beside/one_header "$photo")
echo "with stb_image: $quality"
case $quality in [1-9][0-9]\ poor | [1-9][0-9]\ fair | [1-9][0-9]\ good) ;; *) fail "no quality" ;; esac

# Nothing beside it. The remarks of the compiler: no xsimd, no stb.
"$cxx" -std=c++17 -O0 -nostdinc $flags -Ifirst "$source_dir/examples/one_header.cpp" -o alone >log 2>&1 || { cat log; fail "nothing else"; }
for name in xsimd stb_image.h; do grep -q "tinyfiqa: there is no $name" log || { cat log; fail "no remark about $name"; }; done
"$cxx" -std=c++17 -fsyntax-only -nostdinc $flags -Ifirst -DTINYFIQA_NO_NOTES "$source_dir/tests/packaging/to_ppm.cpp" >log 2>&1
[ ! -s log ] || { cat log; fail "remarks in spite of TINYFIQA_NO_NOTES"; }
"$cxx" -std=c++17 -O0 -Ifirst -DTINYFIQA_SCALAR "$source_dir/tests/packaging/to_ppm.cpp" -o to_ppm
./to_ppm "$photo" photo.ppm
pixels=$(./alone photo.ppm)
echo "without: $pixels"
[ "$pixels" = "$quality" ] || fail "another quality without stb_image"
if ./alone "$photo" >log 2>&1 || ! grep -q 'compiled without' log; then cat log; fail "a JPEG without stb_image"; fi
