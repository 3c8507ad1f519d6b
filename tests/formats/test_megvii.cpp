#include "io_support.hpp"
#include "naive_shufflenet.hpp"

#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>

#include <set>

using namespace tinyfiqa;

static Planes image_of(const NpyArray& array, std::size_t n) {
  const auto extent = [&](std::size_t i) { return static_cast<std::size_t>(array.shape[i]); };
  Planes x{extent(1), extent(2), extent(3), {}};
  const std::size_t size = x.c * x.h * x.w;
  for (std::size_t i = 0; i < size; ++i) x.v.push_back(static_cast<double>(array.values[n * size + i]));
  return x;
}

/// The largest difference, relative to the largest magnitude.
static double difference(const Planes& got, const Planes& want) {
  REQUIRE(got.v.size() == want.v.size());
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < got.v.size(); ++i) {
    largest = std::max(largest, std::abs(want.v[i]));
    error = std::max(error, std::abs(got.v[i] - want.v[i]));
  }
  return error / largest;
}

/// The same network with megvii's other names, which contain the stage. If `bare`, only the trunk is kept.
static TensorFile with_stage_names(const TensorFile& flat, bool bare) {
  TensorFile out;
  out.path = flat.path;
  for (const auto& owner : flat.owners()) out.keep(owner);
  for (TensorEntry entry : flat.entries()) {
    if (entry.name.substr(0, 9) == "features.") {
      const std::size_t dot = entry.name.find('.', 9);
      const int unit = std::stoi(entry.name.substr(9, dot - 9));
      const int stage = unit < 4 ? 2 : unit < 12 ? 3 : 4, first = stage == 2 ? 0 : stage == 3 ? 4 : 12;
      entry.name =
          "stage" + std::to_string(stage) + "." + std::to_string(unit - first) + entry.name.substr(dot);
    } else if (bare && entry.name.substr(0, 10) != "first_conv") {
      continue;
    }
    REQUIRE(out.add(std::move(entry)).ok());
  }
  return out;
}

TEST_CASE("a converted megvii network computes in torchvision's wiring what PyTorch computed in megvii's") {
  const auto file = read_tensors(io_fixture("megvii.pth"));
  REQUIRE(file.ok());
  CHECK(is_shufflenet_megvii(*file));
  const auto converted = convert_shufflenet_megvii(*file);
  REQUIRE_MESSAGE(converted.ok(), converted.status().message());
  CHECK_FALSE(is_shufflenet_megvii(*converted));
  const auto input = read_npy(io_fixture("megvii_input.npy")),
             stage4 = read_npy(io_fixture("megvii_stage4.npy"));
  const auto last = read_npy(io_fixture("megvii_conv_last.npy"));
  REQUIRE((input.ok() && stage4.ok() && last.ok()));
  detail::StagePermutation order;
  REQUIRE(detail::match_stage(20, 4, order));
  const NaiveShuffleNet net(*converted);
  for (std::size_t n = 0; n < 2; ++n) {
    const Planes got = net.stage4(image_of(*input, n));
    Planes want = image_of(*stage4, n), permuted = want;
    for (std::size_t c = 0; c < want.c; ++c) {
      for (std::size_t p = 0; p < want.h * want.w; ++p) permuted.at(c, 0, p) = want.at(order.output[c], 0, p);
    }
    CHECK(difference(got, permuted) < 1e-5);
    CHECK(difference(net.conv5(got), image_of(*last, n)) < 1e-5);
    CHECK(difference(got, want) > 0.1);  // the permutation is not the identity
  }
  CHECK(converted->find("fc.weight")->shape == std::vector<std::int64_t>{5, 16});
  CHECK(converted->find("fc.bias") != nullptr);
}

TEST_CASE(
    "both of megvii's namings convert to the same weights, and a bare trunk lacks only what follows it") {
  const auto flat = read_tensors(io_fixture("megvii.pth"));
  REQUIRE(flat.ok());
  const auto a = convert_shufflenet_megvii(*flat);
  const TensorFile renamed = with_stage_names(*flat, false), bare = with_stage_names(*flat, true);
  const auto b = convert_shufflenet_megvii(renamed), c = convert_shufflenet_megvii(bare);
  REQUIRE((a.ok() && b.ok() && c.ok()));
  CHECK(a->entries().size() == b->entries().size());
  for (const auto& entry : a->entries()) {
    REQUIRE(b->find(entry.name) != nullptr);
    CHECK(*read_floats(entry) == *read_floats(*b->find(entry.name)));
    const bool in_trunk = entry.name.substr(0, 5) != "conv5" && entry.name.substr(0, 3) != "fc.";
    CHECK((c->find(entry.name) != nullptr) == in_trunk);
  }
}

TEST_CASE("channels of every published width and many others can be matched, each exactly once") {
  for (std::size_t channels = 4; channels <= 1000; channels += channels < 260 ? 2 : 4) {
    for (const std::size_t units : {4u, 8u}) {
      detail::StagePermutation order;
      INFO(channels, " channels, ", units, " units");
      const bool matched = detail::match_stage(channels, units, order);
      if (channels % 4 == 0) REQUIRE(matched);
      if (!matched) continue;
      CHECK(std::set<std::size_t>(order.output.begin(), order.output.end()).size() == channels);
      for (const auto& rows : order.rows) {
        CHECK(std::set<std::size_t>(rows.begin(), rows.end()).size() == channels / 2);
      }
      for (const auto& columns : order.columns) {
        CHECK(std::set<std::size_t>(columns.begin(), columns.end()).size() == channels / 2);
      }
    }
  }
}

TEST_CASE("a megvii file that lacks a tensor or has a foreign shape is refused by the tensor's name") {
  const auto file = read_tensors(io_fixture("megvii.pth"));
  REQUIRE(file.ok());
  for (const char* victim : {"features.5.branch_main.3.weight", "features.12.branch_main.5.weight"}) {
    TensorFile lacking, misshapen;
    for (const auto& owner : file->owners()) lacking.keep(owner);
    misshapen = lacking;
    for (TensorEntry entry : file->entries()) {
      if (entry.name != victim) REQUIRE(lacking.add(entry).ok());
      if (entry.name == victim) {
        entry.shape = {1};
        entry.strides = {1};
      }
      REQUIRE(misshapen.add(entry).ok());
    }
    const auto without = convert_shufflenet_megvii(lacking);
    REQUIRE_FALSE(without.ok());
    CHECK(contains(without.status().message(), victim));
    (void)convert_shufflenet_megvii(misshapen).ok();  // must not crash; load_params() compares the shapes
  }
}

TEST_CASE(
    "a published bare trunk loads into the quality network, and the report says what stays initialised") {
  const std::string path = reference_dir() + "/data/imagenet/shufflenetv2_x0.5_trunk_megvii.pth";
  if (reference_dir().empty() || !std::filesystem::exists(path)) return;
  const auto params = list_params(ShuffleNetV2Quality<ShuffleNetX0_5>());
  std::vector<float> block(block_size(params));
  init_params(params, Span<float>(block), 1);
  const auto report = load_weights(path, params, Span<float>(block), {"fc.", {}});
  REQUIRE_MESSAGE(report.ok(), report.status().message());
  CHECK_FALSE(report->head_loaded);
  CHECK(report->kept.size() == 5 + 6);
  CHECK(report->loaded == params.size() - 11);
  CHECK(report->notes.size() == 3);
}
