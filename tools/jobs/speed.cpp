#include "jobs/speed.hpp"

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/runtime/describe.hpp>

#include "jobs/stopwatch.hpp"

#include <algorithm>
#include <vector>

using namespace tinyfiqa;

RunTimes time_runs(const std::function<void()>& run, double seconds) {
  run();
  std::vector<double> us;
  for (const double start = now_s(); us.size() < 10 || now_s() - start < seconds;) {
    const double before = now_s();
    run();
    us.push_back((now_s() - before) * 1e6);
  }
  std::sort(us.begin(), us.end());
  return {us[us.size() / 2], us[0], (us[us.size() * 3 / 4] - us[us.size() / 4]) / us[us.size() / 2]};
}

Result<Speed> measure_speed(const Model& model, int batch, int height, int width, int threads,
                            double seconds) {
  auto session = Session::create(model, batch, height, width, SessionOptions{threads, Feed::floats, {}});
  if (!session) return session.status();
  Rng rng(5);
  std::vector<float> x(session->input_floats());
  const OutputArrays y(*session);
  for (float& v : x) v = rng.normal();
  Speed speed;
  static_cast<RunTimes&>(speed) = time_runs([&] { session->run(x.data(), y.pointers()); }, seconds);
  const auto& ops = model.network().ops;
  const StepInfo total = describe_plan(session->plan(), {ops.data(), ops.size()});
  speed.params = total.params;
  speed.macs = total.macs;
  return speed;
}
