// The smallest program of a user: prints the version of the headers.
#include <tinyfiqa/base/config.hpp>

#include <cstdio>

int main() { std::puts(TINYFIQA_VERSION); }
