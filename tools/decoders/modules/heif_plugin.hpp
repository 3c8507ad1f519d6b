// A class that decodes one image -> libheif's table of C functions.
#pragma once

#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

#include <cstddef>
#include <memory>
#include <new>

#include "decoders/modules/heif_codecs.hpp"

/// `Codec` has a format, a name, a constructor that takes a budget, and open(), push() and decode(). `strict` is set before
/// push(). No exception may pass through libheif: it would lose the decoder.
template <class Codec>
class HeifPlugin {
 public:
  static const heif_decoder_plugin* table() {
    static const heif_decoder_plugin filled = fill();
    return &filled;
  }

 private:
  static constexpr int priority = 1000;  // libheif's own have up to 200

  static const char* name() { return Codec::name; }
  static int supports(heif_compression_format format) {
    return format == Codec::format && FrameBudget::here() != nullptr ? priority : 0;
  }
  static heif_error open(void** decoder) try {
    FrameBudget* const budget = FrameBudget::here();
    if (budget == nullptr) return codec_damaged("decoded by a thread without a budget");
    auto codec = std::make_unique<Codec>(*budget);
    if (!codec->open()) return codec_out_of_memory;
    *decoder = codec.release();
    return codec_done;
  } catch (const std::bad_alloc&) {
    return codec_out_of_memory;
  }
  static void close(void* decoder) { delete static_cast<Codec*>(decoder); }
  static heif_error push(void* decoder, const void* data, std::size_t bytes) try {
    return static_cast<Codec*>(decoder)->push(static_cast<const unsigned char*>(data), bytes);
  } catch (const std::bad_alloc&) {
    return codec_out_of_memory;
  }
  static heif_error decode(void* decoder, heif_image** out) try {
    *out = nullptr;
    return static_cast<Codec*>(decoder)->decode(out);
  } catch (const std::bad_alloc&) {
    return codec_out_of_memory;
  }
  static void set_strict(void* decoder, int strict) { static_cast<Codec*>(decoder)->strict = strict != 0; }

#if LIBHEIF_NUMERIC_VERSION >= 0x01150000
  static int supports_described(const heif_decoder_plugin_compressed_format_description* description) {
    return supports(description->format);
  }
  static heif_error open_with_options(void** decoder, const heif_decoder_plugin_options* options) {
    const heif_error error = open(decoder);
    if (error.code == heif_error_Ok) set_strict(*decoder, options->strict_decoding);
    return error;
  }
  static heif_error flush(void*) { return codec_done; }
#endif

  static heif_decoder_plugin fill() {
    heif_decoder_plugin plugin = {};
    plugin.plugin_api_version = 3;
    plugin.get_plugin_name = name;
    plugin.does_support_format = supports;
    plugin.new_decoder = open;
    plugin.free_decoder = close;
    plugin.push_data = push;
    plugin.decode_image = decode;
    plugin.set_strict_decoding = set_strict;
    plugin.id_name = Codec::name;
#if LIBHEIF_NUMERIC_VERSION >= 0x01150000  // 1.21 takes no older plugins
    plugin.plugin_api_version = 5;
    plugin.does_support_format2 = supports_described;
    plugin.new_decoder2 = open_with_options;
    plugin.flush_data = flush;
#endif
    return plugin;
  }
};
