// Decoding in a process of its own (--isolate): an image that crashes or stalls a decoder costs itself alone.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "decoders/photo.hpp"

#include <optional>

/// The argument that makes this program a decoder process: it reads requests from its standard input, which is a socket,
/// until that ends.
inline constexpr const char* decoder_process_argument = "--decoder-process";

/// What a decoder process may take.
inline constexpr int isolated_seconds = 20;       ///< for one image
inline constexpr int isolated_memory_mib = 2048;  ///< address space

/// How the image is decoded: decode_photo(), decode_part(), or as training does.
enum class DecodeKind : int { photo, part, training };

/// True if isolate_decoding() was called.
bool decoding_is_isolated();
/// From now on, each thread of this program decodes in a process of its own.
void isolate_decoding();

/// Decodes in this thread's decoder process. Errors: those of the decoder; bad_format if it crashed; too_large if it took
/// longer than isolated_seconds; unreadable if no process can be started.
tinyfiqa::Result<Photo> decode_isolated(DecodeKind kind, tinyfiqa::Bytes file,
                                        const std::optional<tinyfiqa::Box>& box,
                                        const DecodeRequest& request);

/// The work of a decoder process. Returns its exit status.
int run_decoder_process();
