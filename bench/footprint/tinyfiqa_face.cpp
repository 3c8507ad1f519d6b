// tinyFQnet by tinyfiqa, from pixels. The weights are compiled in.
#include "face.hpp"

#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/quality/tinyfqnet_model.hpp>

#include <optional>

static std::optional<tinyfiqa::Model> model;
static std::optional<tinyfiqa::Session> session;

bool load_network(const char*) {
  auto made = tinyfiqa::tinyfqnet_model();
  if (!made) return false;
  model = std::move(*made);
  tinyfiqa::SessionOptions options;
  options.feed = tinyfiqa::Feed::levels;
  auto planned = tinyfiqa::Session::create(*model, 1, face_side, face_side, options);
  if (!planned) return false;
  session = std::move(*planned);
  return true;
}

float score_face(const unsigned char* rgb) {
  float score = 0;
  session->run(rgb, &score);
  return score;
}
