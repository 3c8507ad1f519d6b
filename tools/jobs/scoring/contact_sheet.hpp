// The contact sheet of a run: its faces side by side, best first.
#pragma once

#include <tinyfiqa/image/image.hpp>

#include <cstddef>
#include <string>
#include <vector>

/// A face of the sheet.
struct SheetFace {
  double score = 0;         ///< decides the order
  std::string text;         ///< below the face
  tinyfiqa::Image picture;  ///< sheet_side x sheet_side
};

inline constexpr int sheet_side = 128;

/// Keeps the faces with the highest scores.
class ContactSheet {
 public:
  static constexpr std::size_t most_faces = 500;

  void add(SheetFace face);
  bool empty() const { return faces_.empty(); }
  /// Faces that were added and not kept.
  std::size_t left_out() const { return left_out_; }
  /// All faces in rows of up to eight, best first.
  tinyfiqa::Image draw() const;

 private:
  std::vector<SheetFace> faces_;  // best first; of equal scores, the first that was added
  std::size_t left_out_ = 0;
};
