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

/// What the levels of each value stand for; nothing for a network of floats.
std::string levels_of(const Model& model) {
  if (!model.has_levels()) return {};
  std::string text = "  static constexpr tinyfiqa::Quantisation levels[] = {\n      ";
  for (const Op& op : model.network().ops) {
    const bool floats = op.dtype != DType::u8;
    text += "{" + (floats ? "0.0f" : literal(op.quant.scale)) + ", " + std::to_string(op.quant.zero) + "},";
  }
  return text + "};\n";
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
         "#include <tinyfiqa/base/quantisation.hpp>\n#include <tinyfiqa/runtime/packed_weights.hpp>\n\n"
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
         three(input.levels.mean) + ", scale[3] = " + three(input.levels.scale) + ";\n" + levels_of(model);
}

/// The packed weights as the elements of an array, 8 or 32 in a line.
Result<std::string> float_elements(const Model& model) {
  const auto* const values = reinterpret_cast<const float*>(model.packed().data);
  const std::size_t count = model.packed().size / sizeof(float);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (!detail::is_finite(values[i]))
      return Status::error(Errc::not_finite, model.spec().name, ": a weight becomes ",
                           detail::number_name(values[i]),
                           " when batch norm is folded into it; train or import the weights again");
    text += literal(values[i]);
    text += i % 8 == 7 || i + 1 == count ? ",\n" : ",";
  }
  return text;
}
std::string byte_elements(const Model& model) {
  const std::size_t count = model.packed().size;
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += std::to_string(model.packed().data[i]);
    text += i % 32 == 31 || i + 1 == count ? ",\n" : ",";
  }
  return text;
}

}  // namespace

std::string packed_struct_name(const Model& model) { return std::string(model.spec().name) + "_packed"; }

Result<std::string> packed_header(const Model& model, const std::string& target) {
  const bool bytes = model.has_levels();
  const Result<std::string> elements =
      bytes ? Result<std::string>(byte_elements(model)) : float_elements(model);
  if (!elements) return elements.status();
  const std::size_t count = model.packed().size / (bytes ? 1 : sizeof(float));
  return head(model, target) + "  // clang-format off\n  alignas(64) static constexpr " +
         (bytes ? "unsigned char" : "float") + " data[" + std::to_string(count) + "] = {\n" + *elements +
         "  };\n  // clang-format on\n};\n";
}
