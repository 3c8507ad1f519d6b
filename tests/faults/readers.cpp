// Includes all headers of the library that read what strangers wrote, for `tools/run audit`.
#include <tinyfiqa/data/read_dataset.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/formats/npz.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/image/mjpeg.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/training/checkpoint.hpp>
