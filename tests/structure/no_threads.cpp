// A program without threads: one thread scores, more are an error.
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/tinyfiqa.hpp>

#if defined(_GLIBCXX_THREAD) || defined(_GLIBCXX_MUTEX) || defined(_GLIBCXX_CONDITION_VARIABLE)
#error "a header for threads is included"
#endif

#include <cstdio>
#include <cstring>
#include <vector>

using namespace tinyfiqa;

/// True if the session is refused with a message that names the way out.
static bool refuses_two_threads(const Model& model) {
  SessionOptions options;
  options.threads = 2;
  const auto session = Session::create(model, 1, 64, 64, options);
  if (session.ok()) return false;
  std::puts(session.status().message());
  return session.status().code() == Errc::unsupported &&
         std::strstr(session.status().message(), "compiled without threads") != nullptr &&
         std::strstr(session.status().message(), "use 1") != nullptr;
}

int main() {
  auto scorer = default_scorer();
  const auto model = default_model();
  if (!scorer || !model) return 1;
  ScoreOptions two;
  two.threads = 2;
  if (default_scorer(two).ok()) return 2;
  if (!refuses_two_threads(*model)) return 3;
  auto session = Session::create(*model, 1, 64, 64);
  if (!session) return 4;
  const std::vector<float> input(session->input_floats(), 0.25f);
  float score = -1;
  session->run(input.data(), &score);
  return score > 0 && score < 1 ? 0 : 5;
}
