#include "jobs/speed.hpp"

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/runtime/describe.hpp>

#include "jobs/stopwatch.hpp"

#include <algorithm>
#include <vector>

using namespace tinyfiqa;

Result<Speed> measure_speed(const Model& model, int batch, int height, int width, int threads,
                            double seconds) {
  auto session = Session::create(model, batch, height, width, SessionOptions{threads, Feed::floats, {}});
  if (!session) return session.status();
  Rng rng(5);
  std::vector<float> x(session->input_floats());
  const OutputArrays y(*session);
  for (float& v : x) v = rng.normal();
  session->run(x.data(), y.pointers());
  std::vector<double> us;
  for (const double start = now_s(); us.size() < 10 || now_s() - start < seconds;) {
    const double before = now_s();
    session->run(x.data(), y.pointers());
    us.push_back((now_s() - before) * 1e6);
  }
  std::sort(us.begin(), us.end());
  const auto& ops = model.network().ops;
  const StepInfo total = describe_plan(session->plan(), {ops.data(), ops.size()});
  Speed speed;
  speed.min_us = us[0];
  speed.median_us = us[us.size() / 2];
  speed.spread = (us[us.size() * 3 / 4] - us[us.size() / 4]) / speed.median_us;
  speed.params = total.params;
  speed.macs = total.macs;
  return speed;
}
