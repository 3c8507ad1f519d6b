#include "jobs/packed_header.hpp"

#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/runtime/check_finite.hpp>

#include <cstdio>

using namespace tinyfiqa;

namespace {

/// A float as C++ reads it back, to the bit.
std::string literal(float value) {
  char text[40];
  std::snprintf(text, sizeof text, "%af", static_cast<double>(value));
  return text;
}

std::string three(const float (&values)[3]) {
  return "{" + literal(values[0]) + ", " + literal(values[1]) + ", " + literal(values[2]) + "}";
}

/// The lines before the array.
std::string head(const Model& model, const std::string& target) {
  const PackLayout& layout = model.backend().pack_layout;
  const InputSpec& input = model.input();
  char hash[24];
  std::snprintf(hash, sizeof hash, "0x%016llxu",
                static_cast<unsigned long long>(definition_hash(model.network().operations())));
  const std::string name = model.spec().name;
  return "// The weights of " + name + ", packed for the kernels of " + target +
         ". Made by tinyfiqa export --c-array; don't edit it.\n"
         "#pragma once\n\n"
         "#include <tinyfiqa/runtime/packed_weights.hpp>\n\n"
         "struct " +
         packed_struct_name(model) +
         " {\n"
         "  static constexpr tinyfiqa::PackTag tag{\"" +
         target + "\", {" + std::to_string(layout.vector_floats) + ", " +
         std::to_string(layout.most_panel_vectors) + ", " + std::to_string(layout.version) + "}, \"" + name +
         "\", " + hash +
         "};\n"
         "  static constexpr int height = " +
         std::to_string(input.height) + ", width = " + std::to_string(input.width) +
         ";\n"
         "  static constexpr float mean[3] = " +
         three(input.levels.mean) + ", scale[3] = " + three(input.levels.scale) + ";\n";
}

}  // namespace

std::string packed_struct_name(const Model& model) { return std::string(model.spec().name) + "_packed"; }

Result<std::string> packed_header(const Model& model, const std::string& target) {
  const auto* const values = reinterpret_cast<const float*>(model.packed().data);
  const std::size_t count = model.packed().size / sizeof(float);
  std::string text = head(model, target);
  text +=
      "  // clang-format off\n  alignas(64) static constexpr float data[" + std::to_string(count) + "] = {\n";
  for (std::size_t i = 0; i < count; ++i) {
    if (!detail::is_finite(values[i]))
      return Status::error(Errc::not_finite, model.spec().name, ": a weight becomes ",
                           detail::number_name(values[i]),
                           " when batch norm is folded into it; train or import the weights again");
    text += literal(values[i]);
    text += i % 8 == 7 || i + 1 == count ? ",\n" : ",";
  }
  return text + "  };\n  // clang-format on\n};\n";
}
