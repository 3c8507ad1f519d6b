// What the module exports.
#pragma once

#ifdef __wasm__
#define EXPORT(name) extern "C" __attribute__((export_name(#name)))
#else
#define EXPORT(name) extern "C"
#endif

/// Memory for the next image: levels 0..255, RGB, [height][width][3]. It stays valid until the next call; null for a size
/// outside of 1 .. 16384. In JavaScript the pointer is an offset in `memory`, whose buffer is another one after a call
/// that made the memory grow.
EXPORT(tinyfiqa_pixels) unsigned char* tinyfiqa_pixels(int height, int width);

/// The quality of the face that fills this image, 0..100; below 0 for an error. The face should be aligned, as in the 112x112
/// template of recognisers.
EXPORT(tinyfiqa_score) float tinyfiqa_score(int height, int width);

/// The raw score of that face, 0..1.
EXPORT(tinyfiqa_raw_score) float tinyfiqa_raw_score();

/// The time that the network took in all calls so far. It sees each face twice: as it is, and its mirror image.
EXPORT(tinyfiqa_network_seconds) double tinyfiqa_network_seconds();

/// Why the last call failed, as a text that ends in 0; empty if it did not.
EXPORT(tinyfiqa_error) const char* tinyfiqa_error();
