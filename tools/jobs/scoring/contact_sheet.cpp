#include "jobs/scoring/contact_sheet.hpp"

#include "reports/drawing.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

namespace {

constexpr std::size_t columns = 8;
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
  const auto wide = static_cast<int>(std::min(columns, faces_.size())),
             high = static_cast<int>((faces_.size() + columns - 1) / columns);
  const int row = sheet_side + text_rows + gap;
  Image out(wide * (sheet_side + gap) + gap, high * row + gap);
  fill(out, 0, 0, static_cast<float>(out.width), static_cast<float>(out.height), ground);
  for (std::size_t i = 0; i < faces_.size(); ++i) {
    const int left = gap + static_cast<int>(i % columns) * (sheet_side + gap),
              top = gap + static_cast<int>(i / columns) * row;
    paste(faces_[i].picture, left, top, out);
    draw_text(out, static_cast<float>(left) - text_size, static_cast<float>(top + sheet_side), text_size,
              faces_[i].text, ink);
  }
  return out;
}
