#!/bin/sh
# tests/fuzz/run.sh list                           the names of the fuzzers
# tests/fuzz/run.sh cmake                          the options of cmake that build them
# tests/fuzz/run.sh inputs TARGET                  its folders of seeds, then its dictionary if it has one
# tests/fuzz/run.sh limits TARGET                  its limits, as an options file of OSS-Fuzz
# tests/fuzz/run.sh TARGET SECONDS CORPUS BINARIES OPTION...
#
# Runs the fuzzer BINARIES/fuzz_TARGET with its seeds, dictionary and limits. New inputs go to CORPUS. Further options go
# to libFuzzer. This is the only place that knows what each fuzzer needs.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
fixtures=$root/tests/fixtures
own=$root/tests/fuzz

targets="weights metadata npy csv resume options image mjpeg exif_resize detector graph kernels quantised photo webp heif tiff colour"

# Sets seeds (folders), dictionary, the longest input in bytes, how slowly inputs grow (libFuzzer's
# len_control; 0 where each byte is a number, so that they are long enough from the start), and whether leaks are looked
# for.
describe() {
  seeds="" dictionary="" longest=4096 grow=100 leaks=1
  case $1 in heif | photo) leaks=0 ;; esac # libheif 1.15 forgets an image that has unknown colours
  case $1 in
    weights) seeds="$fixtures/io" dictionary=$own/weights.dict longest=65536 ;;
    metadata | options | resume | csv) seeds="$own/seeds/$1" dictionary=$own/texts.dict ;;
    npy) seeds="$own/seeds/npy $fixtures/io" dictionary=$own/npy.dict ;;
    image) seeds="$fixtures/image $fixtures/variants" dictionary=$own/images.dict longest=65536 ;;
    mjpeg) seeds="$fixtures/image" dictionary=$own/images.dict longest=16384 ;;
    exif_resize) seeds="$own/seeds/exif_resize" longest=256 grow=0 ;;
    detector) longest=16384 grow=0 ;;
    graph | kernels | quantised) longest=512 grow=0 ;;
    photo | webp | heif | tiff | colour)
      seeds="$fixtures/photos $fixtures/image $fixtures/variants" dictionary=$own/images.dict longest=65536
      ;;
    *)
      echo "tests/fuzz/run.sh: no fuzzer is called '$1'; there are: $targets" >&2
      exit 2
      ;;
  esac
}

case ${1-} in
  list)
    printf '%s\n' $targets
    exit 0
    ;;
  cmake)
    echo "-DCMAKE_CXX_COMPILER=clang++ -DTINYFIQA_BUILD_FUZZERS=ON -DTINYFIQA_BUILD_TESTS=OFF -DTINYFIQA_BUILD_TOOLS=OFF" \
      "-DTINYFIQA_BUILD_BENCH=OFF -DTINYFIQA_BUILD_EXAMPLES=OFF"
    exit 0
    ;;
  inputs)
    describe "$2"
    printf '%s\n' $seeds $dictionary
    exit 0
    ;;
  limits)
    describe "$2"
    printf '[libfuzzer]\nmax_len = %s\nlen_control = %s\nrss_limit_mb = 2048\ntimeout = 60\n' $longest $grow
    if [ $leaks = 0 ]; then printf 'detect_leaks = 0\n'; fi
    exit 0
    ;;
esac
if [ $# -lt 4 ]; then
  echo "tests/fuzz/run.sh TARGET SECONDS CORPUS BINARIES; the targets are: $targets" >&2
  exit 2
fi
target=$1 seconds=$2 corpus=$3 binaries=$4
shift 4
describe "$target"
mkdir -p "$corpus"
ASAN_OPTIONS=detect_leaks=$leaks exec "$binaries/fuzz_$target" "$corpus" $seeds ${dictionary:+-dict=$dictionary} \
  -max_total_time="$seconds" -max_len=$longest -len_control=$grow -rss_limit_mb=2048 -timeout=60 -print_final_stats=1 "$@"
