#include "jobs/faces/box_note.hpp"

#include "options/messages.hpp"

#include <algorithm>
#include <string>

using namespace tinyfiqa;

void print_boxes(const Dataset& data) {
  const auto boxes = std::count_if(data.samples.begin(), data.samples.end(),
                                   [](const Sample& s) { return s.crop.box.has_value(); });
  if (boxes > 0)
    print_note(data.path + " has a box but no landmarks in " + std::to_string(boxes) + " of " +
               std::to_string(data.samples.size()) +
               " rows: these faces are aligned by average landmarks in the box, and not turned upright; "
               "without columns of boxes, landmarks are found");
}
