#include "jobs/verification/known_faces.hpp"

#include "jobs/faces/table_faces.hpp"

#include <utility>

using namespace tinyfiqa;

void KnownFacesOptions::add_to(const Command& command) {
  data.add_unlabelled_to(command);
  command.add_flag("--folder-identities", folder_identities,
                   "Take the name of an image's folder as its identity");
  embed.add_to(command);
  data.add_faces_to(command);
}

Status KnownFaces::find_faces() {
  return find_table_faces({options.data, options.embed.isa, options.embed.threads}, true, table, data);
}

void KnownFacesOptions::prepare() {
  DatasetOptions& dataset = data.dataset;
  dataset.need_score = false;
  dataset.check_files = !embed.saved() || dataset.skip_bad;
}

Result<KnownFaces> read_known_faces(KnownFacesOptions options) {
  if (const Status s = options.embed.check_output(); !s) return s;
  options.prepare();
  auto faces = read_data(options.data);
  if (!faces) return faces.status();
  drop_repeated_paths(faces->data);
  auto people = find_identities(faces->data, options.folder_identities);
  if (!people) return people.status();
  auto embedded = embed_faces(options.data, options.embed, *faces);
  if (!embedded) return embedded.status();
  return KnownFaces{std::move(*faces), std::move(options), std::move(*people), std::move(*embedded)};
}
