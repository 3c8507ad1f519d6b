#include "jobs/scoring/contact_sheet.hpp"

#include "reports/drawing.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

namespace {

constexpr std::size_t faces_a_row = 8;
constexpr int gap = 8, text_rows = 24;
constexpr float text_size = 2;
constexpr Colour ground{255, 255, 255}, ink{32, 32, 32};

}  // namespace

void ContactSheet::add(SheetFace face) {
  const auto at = std::upper_bound(faces_.begin(), faces_.end(), face,
                                   [](const SheetFace& a, const SheetFace& b) { return a.score > b.score; });
  faces_.insert(at, std::move(face));
  if (faces_.size() <= most_faces) return;
  faces_.pop_back();
  ++left_out_;
}

Image ContactSheet::draw() const {
  const auto wide = static_cast<int>(std::min(faces_a_row, faces_.size())),
             high = static_cast<int>((faces_.size() + faces_a_row - 1) / faces_a_row);
  const int row = sheet_side + text_rows + gap;
  Image out(wide * (sheet_side + gap) + gap, high * row + gap);
  fill(out, 0, 0, static_cast<float>(out.width), static_cast<float>(out.height), ground);
  for (std::size_t i = 0; i < faces_.size(); ++i) {
    const int left = gap + static_cast<int>(i % faces_a_row) * (sheet_side + gap),
              top = gap + static_cast<int>(i / faces_a_row) * row;
    paste(faces_[i].picture, left, top, out);
    draw_text(out, static_cast<float>(left) - text_size, static_cast<float>(top + sheet_side), text_size,
              faces_[i].text, ink);
  }
  return out;
}
