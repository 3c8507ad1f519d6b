// Runs freestanding.cpp on a system. (main() itself has no C name where clang compiles without one.)
extern "C" int tinyfiqa_without_a_system();

int main() { return tinyfiqa_without_a_system(); }
