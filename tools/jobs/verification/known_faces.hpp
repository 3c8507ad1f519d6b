// Faces of known people: a table, the people that its images show, and the embeddings of the faces.
#pragma once

#include "jobs/verification/embed_run.hpp"
#include "jobs/verification/identities.hpp"
#include "options/data_options.hpp"

/// --data without labels, --folder-identities, and the options of EmbedOptions.
struct KnownFacesOptions {
  DataOptions data;
  EmbedOptions embed;
  bool folder_identities = false;

  void add_to(const Command& command);
  /// Lets rows be read without scores, and without their images if embeddings are saved.
  void prepare();
};

/// The faces of a CSV, the people that they show, and their embeddings.
struct KnownFaces : DataTable {  ///< `data` is without repeated paths
  KnownFacesOptions options;
  Identities people;
  FaceEmbeddings embedded;

  /// Finds the faces that the CSV does not give, unless that is done already. (Saved embeddings need no faces, but
  /// quality networks do.) Errors: those of find_table_faces().
  tinyfiqa::Status find_faces();
};

/// Errors: those of reading the CSV, of find_identities() and of embed_faces().
tinyfiqa::Result<KnownFaces> read_known_faces(KnownFacesOptions options);
