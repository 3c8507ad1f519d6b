#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/nn/shape.hpp>

#include "each_backend.hpp"
#include "shape_cases.hpp"

using namespace tinyfiqa;

namespace {

constexpr Extents input_size{2, 6, 5, 0};

OwnedPlan plan_of(const std::vector<Op>& ops) {
  const int output = static_cast<int>(ops.size()) - 1;
  PlanRequest request;
  request.ops = ops;
  request.outputs = {&output, 1};
  request.input = input_size;
  return make_owned_plan(request, *choose_backend("scalar"));
}

/// Does the text name both operations and both sizes?
bool names_both(const std::string& text, const shape_cases::Case& c, const PlanProblem& problem) {
  const auto size = [](const Extents& e) {
    return std::to_string(e.n) + "x" + std::to_string(e.h) + "x" + std::to_string(e.w) + "x" +
           std::to_string(e.c);
  };
  const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  return has("operation " + std::to_string(c.ops.size() - 1) + " (") &&
         has("operation " + std::to_string(c.first) + " (") &&
         has("operation " + std::to_string(c.second) + " (") && has(size(problem.first_size)) &&
         has(size(problem.second_size));
}

}  // namespace

TEST_CASE(
    "inputs that don't go together are refused by plan and tape, which name both operations and sizes") {
  int count = 0;
  for (const shape_cases::Case& c : shape_cases::all_wrong()) {
    INFO(c.name);
    const OwnedPlan p = plan_of(c.ops);
    CHECK_FALSE(p.plan.ok());
    const auto text = plan_error_text(p.plan.problem, c.ops);
    CHECK_MESSAGE(names_both(text.c_str(), c, p.plan.problem), text.c_str());

    const int output = static_cast<int>(c.ops.size()) - 1;
    Tape<double> tape(c.ops, output, 1, formulas::table<double>);
    std::vector<double> x(2 * 6 * 5 * shape_cases::channels, 1.0), params(1);
    Rng rng(1);
    const Status status = tape.forward(params.data(), x.data(), input_size, TapeMode::train, rng);
    CHECK(status.code() == Errc::bad_argument);
    CHECK_MESSAGE(names_both(status.message(), c, p.plan.problem), status.message());
    ++count;
  }
  CHECK(count == 30);
}

TEST_CASE("the same graphs with inputs that go together are planned and run") {
  for (const OpKind kind : shape_cases::two_inputs) {
    const shape_cases::Case c = shape_cases::make_case(kind, 0, ' ');
    INFO(c.name);
    const OwnedPlan p = plan_of(c.ops);
    REQUIRE(p.plan.ok());
    std::vector<unsigned char> arena(p.plan.arena_bytes);
    std::vector<float> x(2 * 6 * 5 * shape_cases::channels, 3.0f),
        y(static_cast<std::size_t>(p.plan.outputs[0].floats()));
    void* const outputs[] = {y.data()};
    Frame f;
    f.arena = arena.data();
    f.input = x.data();
    f.outputs = outputs;
    run(p.plan, f);
    const float want = kind == OpKind::add || kind == OpKind::custom ? 2.0f : 1.0f;
    for (const float v : y) CHECK(v == want);
  }
}

TEST_CASE("every operation refuses a wrong number of inputs and channels that it can't take") {
  for (int i = 1; i < op_kind_count; ++i) {
    const OpInfo& info = operations[i];
    INFO(info.name);
    Op input, op;
    input.channels = 4;
    op.kind = info.kind;
    op.in_channels = op.channels = 4;
    op.custom = &custom_op<shape_cases::OwnSum>;
    op.weight = 0;
    CHECK(plan_of({input, op}).plan.problem.error == PlanError::bad_inputs);  // none
    op.inputs[0] = 1;                                                         // itself
    CHECK(plan_of({input, op}).plan.problem.error == PlanError::bad_inputs);
    for (int k = 0; k < info.least_inputs; ++k) op.inputs[k] = 0;
    op.in_channels = op.channels = 5;  // the map has 4
    const PlanError wrong = plan_of({input, op}).plan.problem.error;
    CHECK((wrong == PlanError::unsuited_input || wrong == PlanError::sizes_differ));
  }
}

TEST_CASE("outputs that are no values of the network are refused by plan and tape") {
  Op input;
  input.channels = 3;
  const std::vector<Op> ops = {input};
  const std::vector<int> too_many(static_cast<std::size_t>(Outputs::capacity) + 1, 0);
  for (const std::vector<int>& outputs : {std::vector<int>(), {-1}, {0, -1}, {1}, too_many}) {
    PlanRequest request;
    request.ops = ops;
    request.outputs = outputs;
    request.input = {1, 2, 2, 0};
    CHECK(make_owned_plan(request, *choose_backend("scalar")).plan.problem.error == PlanError::bad_outputs);
    Tape<double> tape(ops, outputs, 1, formulas::table<double>);
    std::vector<double> x(12), params(1);
    Rng rng(1);
    const Status status = tape.forward(params.data(), x.data(), {1, 2, 2, 0}, TapeMode::train, rng);
    CHECK(std::string(status.message()).find("the outputs are not values of the network") !=
          std::string::npos);
  }
}

TEST_CASE("a plan whose storage is too small for its copies is refused, and never written beyond") {
  std::vector<Op> ops(1);
  ops[0].channels = 2;
  for (int i = 0; i < 6; ++i) {  // each concatenation of four maps needs four steps
    Op op;
    op.kind = OpKind::concat;
    for (int& input : op.inputs) input = i;
    op.in_channels = ops.back().channels;
    op.channels = 4 * op.in_channels;
    ops.push_back(op);
  }
  const int output = 6, needed = plan_capacity(ops, 1);
  CHECK(needed == 1 + 1 + 6 * 4);
  PlanRequest request;
  request.ops = ops;
  request.outputs = {&output, 1};
  request.input = {1, 2, 2, 0};
  for (const int capacity : {needed, 24, 23, 7, 6, 1}) {
    const auto entries = static_cast<std::size_t>(capacity);
    std::vector<Step> steps(entries);
    std::vector<Value> values(entries);
    std::vector<Buffer> buffers(entries);
    const Plan plan = make_plan(request, *choose_backend("scalar"),
                                {steps.data(), values.data(), buffers.data(), capacity});
    CHECK(plan.ok() == (capacity >= 24));
    if (!plan.ok()) CHECK(plan.problem.error == PlanError::storage_too_small);
  }
}
