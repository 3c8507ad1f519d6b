/* tinyfiqa in C: how good is the photo of a face?
 *
 *   tinyfiqa_scorer* scorer = NULL;
 *   tinyfiqa_error error;
 *   tinyfiqa_scored_face face;
 *   size_t count = 0;
 *   if (tinyfiqa_scorer_create(NULL, &scorer, &error) != TINYFIQA_OK ||
 *       tinyfiqa_score_file(scorer, "photo.jpg", &face, 1, &count, &error) != TINYFIQA_OK)
 *     fprintf(stderr, "%s\n", error.message);
 *   else if (count == 0)
 *     puts("no face");
 *   else
 *     printf("%d %s\n", (int)face.score.whole_quality, tinyfiqa_band_name(face.score.band));
 *   tinyfiqa_scorer_free(scorer);
 *
 * Link with libtinyfiqa.so, or with libtinyfiqa.a and what `pkg-config --static --libs tinyfiqa` names. The library
 * chooses the kernels of the best instruction set of the processor when it runs.
 *
 * Errors: functions that can fail return a tinyfiqa_code. They fill the caller's tinyfiqa_error, if it is not NULL, and
 * then leave all other results as they were. No C++ exception leaves a function.
 *
 * Threads: different objects may be used by different threads at the same time. One object is for one thread at a time: a
 * second thread gets TINYFIQA_IN_USE. tinyfiqa_scorer_clone() makes one for each thread; clones share the weights. A thread
 * may use an object that another one made.
 *
 * Memory: all results are written to memory of the caller. Strings that are passed in are read during the call.
 */
#ifndef TINYFIQA_H
#define TINYFIQA_H

#include <stddef.h>
#include <stdint.h>

#ifndef TINYFIQA_API
#define TINYFIQA_API
#endif

/* The version of this header; tinyfiqa_version() has that of the library. */
#define TINYFIQA_VERSION_MAJOR 0
#define TINYFIQA_VERSION_MINOR 1
#define TINYFIQA_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---- */

typedef int32_t tinyfiqa_code;
enum {
  TINYFIQA_OK = 0,
  TINYFIQA_NOT_FOUND = 1,     /* the file does not exist */
  TINYFIQA_UNREADABLE = 2,    /* it exists but can't be read */
  TINYFIQA_BAD_FORMAT = 3,    /* its content is damaged, cut off or of another format */
  TINYFIQA_UNSUPPORTED = 4,   /* a well-formed file that uses a feature this library lacks */
  TINYFIQA_MISMATCH = 5,      /* names, shapes or sizes that must agree do not */
  TINYFIQA_NOT_FINITE = 6,    /* NaN or infinity where numbers are needed */
  TINYFIQA_BAD_ARGUMENT = 7,  /* a value outside its documented range */
  TINYFIQA_TOO_LARGE = 8,     /* a size limit was exceeded */
  TINYFIQA_OUT_OF_MEMORY = 9, /* an allocation failed */
  TINYFIQA_IN_USE = 12        /* the object is in use by another thread */
};

typedef struct tinyfiqa_error {
  tinyfiqa_code code;
  char message[800]; /* one line in English, ends in a zero byte; names the file or the argument */
} tinyfiqa_error;

/* ---- what is told of a face ---- */

/* How a face is framed in its image. */
enum {
  TINYFIQA_FRAMING_PHOTO = 0,  /* a face in its surroundings */
  TINYFIQA_FRAMING_TIGHT = 1,  /* little more than the face */
  TINYFIQA_FRAMING_ALIGNED = 2 /* the face as alignment would cut it out: it is scored as it is */
};

/* A face in an image. Coordinates are pixels of the upright image at its full size: x to the right, y down, 0 at the left
 * or upper edge of the first pixel. */
typedef struct tinyfiqa_face {
  float x, y, width, height; /* the box; it may reach beyond the image */
  float confidence;          /* of the detector, 0..1 */
  /* x and y of the eye on the left of the image, the eye on its right, the tip of the nose, the left and the right corner
   * of the mouth */
  float landmarks[10];
  int32_t framing; /* TINYFIQA_FRAMING_... */
} tinyfiqa_face;

enum {
  TINYFIQA_BAND_NONE = -1, /* the network has no calibration */
  TINYFIQA_BAND_REJECT = 0,
  TINYFIQA_BAND_POOR = 1,
  TINYFIQA_BAND_FAIR = 2,
  TINYFIQA_BAND_GOOD = 3
};

/* The score of a face. A network without calibration gives `raw` alone. */
typedef struct tinyfiqa_score {
  float quality;         /* 0..100, higher is better; NaN without calibration */
  int32_t whole_quality; /* the same rounded, as ISO/IEC 29794-1 has it; -1 without calibration */
  int32_t band;          /* TINYFIQA_BAND_... */
  float raw;             /* the output of the network, or the mean over several */
} tinyfiqa_score;

typedef struct tinyfiqa_scored_face {
  tinyfiqa_face face;
  tinyfiqa_score score;
} tinyfiqa_scored_face;

/* ---- images ---- */

enum {
  TINYFIQA_RGB = 0,
  TINYFIQA_BGR = 1,
  TINYFIQA_RGBA = 2, /* alpha is ignored */
  TINYFIQA_BGRA = 3, /* alpha is ignored */
  TINYFIQA_GREY = 4
};

/* Pixels in memory, 8 bits a channel. They are only read, during the call. */
typedef struct tinyfiqa_image {
  const unsigned char* data; /* the first byte of the pixel at the top left */
  int32_t height, width;     /* in pixels, at least 1 */
  int64_t row_stride;        /* bytes from a row to the one below it; 0: no gaps; negative: stored bottom-up */
  int32_t order;             /* TINYFIQA_RGB ... TINYFIQA_GREY */
} tinyfiqa_image;

/* ---- the detector ---- */

/* How faces are searched. Zeros mean the defaults. */
typedef struct tinyfiqa_search {
  const char* detector; /* safetensors file of a detector; NULL: the built-in one */
  float threshold;      /* least confidence, between 0 and 1; default 0.6 */
  float smallest_face;  /* least height of a face, in pixels of the full image */
  int32_t longest_side; /* the image is searched at this size, 32..8192 pixels; default 640 */
  int32_t tiles;        /* 1: search also parts of that size at full resolution, for small faces */
  int32_t quick;        /* 1: if nothing is found, don't search again for turned faces and close-ups */
  int32_t threads;      /* that share one image; default 1 */
} tinyfiqa_search;

typedef struct tinyfiqa_detector tinyfiqa_detector;

/* `search`: NULL for the defaults. */
TINYFIQA_API tinyfiqa_code tinyfiqa_detector_create(const tinyfiqa_search* search, tinyfiqa_detector** detector,
                                                    tinyfiqa_error* error);
/* NULL is allowed. */
TINYFIQA_API void tinyfiqa_detector_free(tinyfiqa_detector* detector);

/* The faces of an image, largest first: the first `capacity` ones are written to `faces`, and the number of all to
 * `*count`, which is 0 if there is none. The image is a file, the bytes of a file (JPEG, PNG, BMP, GIF, PGM, PPM and, if the
 * library was built with them, WebP, HEIC, AVIF, TIFF), or pixels. */
TINYFIQA_API tinyfiqa_code tinyfiqa_detect_file(tinyfiqa_detector* detector, const char* path, tinyfiqa_face* faces,
                                                size_t capacity, size_t* count, tinyfiqa_error* error);
TINYFIQA_API tinyfiqa_code tinyfiqa_detect_bytes(tinyfiqa_detector* detector, const void* bytes, size_t size,
                                                 tinyfiqa_face* faces, size_t capacity, size_t* count,
                                                 tinyfiqa_error* error);
TINYFIQA_API tinyfiqa_code tinyfiqa_detect_image(tinyfiqa_detector* detector, const tinyfiqa_image* image,
                                                 tinyfiqa_face* faces, size_t capacity, size_t* count,
                                                 tinyfiqa_error* error);

/* ---- the scorer ---- */

enum {
  TINYFIQA_LARGEST_FACE = 0,
  TINYFIQA_ALL_FACES = 1,
  TINYFIQA_WHOLE_IMAGE = 2 /* nothing is searched: the image is a crop of a face */
};

/* What a scorer is made with. Zeros mean the defaults. */
typedef struct tinyfiqa_scorer_options {
  const char* const* weights; /* safetensors files, one for each network; NULL: the built-in network */
  size_t weight_count;        /* 0: the built-in network */
  const char* model;          /* reads the files as this network; NULL: the one that each file names or fits */
  const char* views;          /* views to average: "flips", or a list of identity, hflip, vflip, color; NULL: as calibrated */
  int32_t faces;              /* TINYFIQA_LARGEST_FACE, TINYFIQA_ALL_FACES or TINYFIQA_WHOLE_IMAGE */
  tinyfiqa_search search;     /* its `threads` are also those of the networks */
  /* of the built-in network: NULL or "f32": floats; "i8": 8 bits, faster on most processors, and a point or so off; "auto":
   * 8 bits where the processor has instructions for them (VNNI). "i8" and "auto" are refused beside `weights`. */
  const char* precision;
} tinyfiqa_scorer_options;

typedef struct tinyfiqa_scorer tinyfiqa_scorer;

/* `options`: NULL for the defaults. */
TINYFIQA_API tinyfiqa_code tinyfiqa_scorer_create(const tinyfiqa_scorer_options* options, tinyfiqa_scorer** scorer,
                                                  tinyfiqa_error* error);
/* A scorer with the same options for another thread; they share the weights. */
TINYFIQA_API tinyfiqa_code tinyfiqa_scorer_clone(const tinyfiqa_scorer* scorer, tinyfiqa_scorer** clone,
                                                 tinyfiqa_error* error);
/* NULL is allowed. */
TINYFIQA_API void tinyfiqa_scorer_free(tinyfiqa_scorer* scorer);
/* What its networks compute in: "f32", "i8", or "mixed" if they differ; "" without scorer. */
TINYFIQA_API const char* tinyfiqa_scorer_precision(const tinyfiqa_scorer* scorer);
/* The lowest whole quality of the bands poor, fair and good; zeros without calibration or scorer. */
TINYFIQA_API void tinyfiqa_scorer_bands(const tinyfiqa_scorer* scorer, int32_t limits[3]);

/* Scores the faces of an image, which is given as for tinyfiqa_detect_file(). `faces` and `*count` are filled in the same
 * way. With TINYFIQA_WHOLE_IMAGE there is one face, whose box is the image; its landmarks are zeros. */
TINYFIQA_API tinyfiqa_code tinyfiqa_score_file(tinyfiqa_scorer* scorer, const char* path, tinyfiqa_scored_face* faces,
                                               size_t capacity, size_t* count, tinyfiqa_error* error);
TINYFIQA_API tinyfiqa_code tinyfiqa_score_bytes(tinyfiqa_scorer* scorer, const void* bytes, size_t size,
                                                tinyfiqa_scored_face* faces, size_t capacity, size_t* count,
                                                tinyfiqa_error* error);
TINYFIQA_API tinyfiqa_code tinyfiqa_score_image(tinyfiqa_scorer* scorer, const tinyfiqa_image* image,
                                                tinyfiqa_scored_face* faces, size_t capacity, size_t* count,
                                                tinyfiqa_error* error);

/* Scores one face whose place in the image is known. `box` (x, y, width, height) or `landmarks` (as in tinyfiqa_face) may
 * be NULL; with neither, the image is a crop of the face. */
TINYFIQA_API tinyfiqa_code tinyfiqa_score_known_face(tinyfiqa_scorer* scorer, const tinyfiqa_image* image,
                                                     const float box[4], const float landmarks[10],
                                                     tinyfiqa_score* score, tinyfiqa_error* error);
TINYFIQA_API tinyfiqa_code tinyfiqa_score_known_face_file(tinyfiqa_scorer* scorer, const char* path, const float box[4],
                                                          const float landmarks[10], tinyfiqa_score* score,
                                                          tinyfiqa_error* error);
TINYFIQA_API tinyfiqa_code tinyfiqa_score_known_face_bytes(tinyfiqa_scorer* scorer, const void* bytes, size_t size,
                                                           const float box[4], const float landmarks[10],
                                                           tinyfiqa_score* score, tinyfiqa_error* error);

/* ---- words ---- */

/* "0.1.0". */
TINYFIQA_API const char* tinyfiqa_version(void);
/* The instruction set of the kernels in use: "avx512vnni", "avx512", "avxvnni", "avx2", "sse42",
   "neondotprod", "neon", "vector4" or "scalar". */
TINYFIQA_API const char* tinyfiqa_instruction_set(void);
/* "reject", "poor", "fair", "good", or "" for any other number. */
TINYFIQA_API const char* tinyfiqa_band_name(int32_t band);
/* "photo", "tight crop", "aligned crop", or "" for any other number. */
TINYFIQA_API const char* tinyfiqa_framing_name(int32_t framing);

#ifdef __cplusplus
}
#endif
#endif
