/* score_photo PHOTO...: the quality of the faces of each photo, by libtinyfiqa.
 *
 *   cc score_photo.c $(pkg-config --cflags --libs tinyfiqa) -o score_photo
 */
#include <stdio.h>
#include <tinyfiqa.h>

enum { most_faces = 16 };

static int score_photo(tinyfiqa_scorer* scorer, const char* path) {
  tinyfiqa_scored_face faces[most_faces];
  size_t count = 0;
  tinyfiqa_error error;
  if (tinyfiqa_score_file(scorer, path, faces, most_faces, &count, &error) != TINYFIQA_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  if (count == 0) printf("%s: no face\n", path);
  for (size_t i = 0; i < count && i < most_faces; ++i) {
    const tinyfiqa_score* score = &faces[i].score;
    printf("%s: face %d: %d %s, raw %.9g\n", path, (int)i + 1, (int)score->whole_quality,
           tinyfiqa_band_name(score->band), score->raw);
  }
  return 0;
}

int main(int argc, char** argv) {
  tinyfiqa_scorer_options options = {0};
  tinyfiqa_scorer* scorer = NULL;
  tinyfiqa_error error;
  int failed = 0;
  options.faces = TINYFIQA_ALL_FACES;
  if (tinyfiqa_scorer_create(&options, &scorer, &error) != TINYFIQA_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  for (int i = 1; i < argc; ++i) failed |= score_photo(scorer, argv[i]);
  tinyfiqa_scorer_free(scorer);
  return failed;
}
