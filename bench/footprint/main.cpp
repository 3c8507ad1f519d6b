// Scores a face again and again, and prints median and best time as JSON. Linked with the program of one library.
//
//   main LEVELS SECONDS MODEL      LEVELS: a file of 64x64x3 bytes; MODEL: see load_network()
#include "face.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

static double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: main LEVELS SECONDS MODEL\n"), 2;
  std::vector<unsigned char> rgb(face_side * face_side * 3);
  std::FILE* const file = std::fopen(argv[1], "rb");
  if (!file || std::fread(rgb.data(), 1, rgb.size(), file) != rgb.size()) return 1;
  if (!load_network(argv[3])) return std::fprintf(stderr, "can't load %s\n", argv[3]), 1;
  const float score = score_face(rgb.data());
  std::vector<double> us;
  for (const double end = now_us() + std::atof(argv[2]) * 1e6; us.size() < 10 || now_us() < end;) {
    const double start = now_us();
    score_face(rgb.data());
    us.push_back(now_us() - start);
  }
  std::sort(us.begin(), us.end());
  std::printf("{\"score\": %.8g, \"median_us\": %.2f, \"min_us\": %.2f}\n", static_cast<double>(score),
              us[us.size() / 2], us.front());
}
