#include "decoders/photo.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "decoders/colour.hpp"
#include "decoders/gif.hpp"
#include "decoders/isolated.hpp"
#include "decoders/modules.hpp"
#include "decoders/place.hpp"
#include "decoders/png.hpp"
#include "decoders/stored_photo.hpp"
#if defined(TINYFIQA_WITH_LIBJPEG)
#include "decoders/jpeg.hpp"
#endif

using namespace tinyfiqa;

namespace {

std::size_t photo_pixels_limit = default_max_pixels;

/// Adds a row of pixels to the sums [width / divisor rounded up, 3] of their cells.
void add_to_cells(const unsigned char* row, int width, int divisor, std::uint32_t* sums) {
  for (int x = 0; x < width; sums += 3) {
    for (const int end = std::min(width, x + divisor); x < end; ++x, row += 3)
      for (int c = 0; c < 3; ++c) sums[c] += row[c];
  }
}

/// Averages cells of divisor x divisor pixels; those at the right and lower edge may be smaller.
Image shrink(const Image& in, int divisor) {
  Image out((in.width + divisor - 1) / divisor, (in.height + divisor - 1) / divisor);
  std::vector<std::uint32_t> sums;
  for (int y = 0; y < out.height; ++y) {
    const int top = y * divisor, rows = std::min(divisor, in.height - top);
    sums.assign(3 * static_cast<std::size_t>(out.width), 0);
    for (int row = top; row < top + rows; ++row)
      add_to_cells(in.pixel(0, row), in.width, divisor, sums.data());
    unsigned char* to = out.pixel(0, y);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const int columns = std::min(divisor, in.width - static_cast<int>(i / 3) * divisor);
      const auto count = static_cast<std::uint32_t>(rows * columns);
      to[i] = static_cast<unsigned char>((sums[i] + count / 2) / count);
    }
  }
  return out;
}

/// Scales the image down as far as the request allows.
void shrink_to(StoredPhoto& photo, int longest_side) {
  const int longest = std::max(photo.image.width, photo.image.height);
  if (longest_side < 1 || longest / longest_side < 2) return;
  const int divisor = longest / longest_side;
  photo.image = shrink(photo.image, divisor);
  photo.scale_x *= divisor;
  photo.scale_y *= divisor;
}

Status to_srgb(StoredPhoto& photo) {
  const auto conversion = ColourConversion::create(photo.profile, photo.primaries, photo.pixels);
  if (!conversion) return conversion.status();
  for (int y = 0; conversion->needed() && y < photo.image.height; ++y) {
    unsigned char* const row = photo.image.pixel(0, y);
    conversion->convert(row, row, static_cast<std::size_t>(photo.image.width));
  }
  return Status();
}

Result<Photo> finish(StoredPhoto stored, int longest_side) {
  shrink_to(stored, longest_side);
  if (const Status s = to_srgb(stored); !s) return s;
  const UprightTurn turn(stored.orientation, stored.full_width, stored.full_height);
  const Edges place =
      turn.to_upright({stored.left, stored.top, stored.left + stored.image.width * stored.scale_x,
                       stored.top + stored.image.height * stored.scale_y});
  Photo photo;
  photo.width = turn.upright_width();
  photo.height = turn.upright_height();
  photo.left = place.left;
  photo.top = place.top;
  photo.scale_x = turn.swap ? stored.scale_y : stored.scale_x;
  photo.scale_y = turn.swap ? stored.scale_x : stored.scale_y;
  if (stored.orientation == 1)
    photo.image = std::move(stored.image);
  else
    photo.image = detail::upright(stored.image.rgb.data(), stored.image.width, stored.image.height, 3,
                                  stored.orientation);
  return photo;
}

Result<StoredPhoto> as_stored(Result<Image> image) {
  if (!image) return image.status();
  StoredPhoto stored;
  stored.full_width = image->width;
  stored.full_height = image->height;
  stored.image = std::move(*image);
  return stored;
}

/// What a module fills in while it decodes.
struct ModuleHost {
  StoredPhoto photo;
  std::size_t max_pixels;
  Status status;

  static bool accepts(void* host, int width, int height) {
    return static_cast<ModuleHost*>(host)->within_limits(width, height);
  }
  static unsigned char* allocate(void* host, int full_width, int full_height, int width, int height) {
    return static_cast<ModuleHost*>(host)->memory(full_width, full_height, width, height);
  }
  static void take_profile(void* host, const unsigned char* icc, std::size_t bytes) {
    static_cast<ModuleHost*>(host)->copy_profile(icc, bytes);
  }

 private:
  bool within_limits(int width, int height) {
    status =
        detail::check_size(static_cast<std::size_t>(width), static_cast<std::size_t>(height), max_pixels);
    if (status) photo.take_turn(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    return status.ok();
  }
  // No exception may pass through a module.
  unsigned char* memory(int full_width, int full_height, int width, int height) try {
    if (!within_limits(full_width, full_height)) return nullptr;
    photo.full_width = full_width;
    photo.full_height = full_height;
    photo.scale_x = static_cast<double>(full_width) / width;
    photo.scale_y = static_cast<double>(full_height) / height;
    photo.image = Image(width, height);
    return photo.image.rgb.data();
  } catch (const std::bad_alloc&) {
    status =
        Status::error(Errc::out_of_memory, "not enough memory for ", full_width, "x", full_height, " pixels");
    return nullptr;
  }
  void copy_profile(const unsigned char* icc, std::size_t bytes) try {
    photo.profile.assign(icc, icc + bytes);
  } catch (const std::bad_alloc&) {
    photo.profile.clear();
  }
};

Status module_failure(ModuleFailure failure, const char* format, const char* message, const Status& refused) {
  switch (failure) {
    case module_refused:
      return refused;
    case module_out_of_memory:
      return Status::error(Errc::out_of_memory, "not enough memory to decode this ", format);
    case module_invisible:
      return detail::nothing_visible();
    case module_unsupported:
      return Status::error(Errc::unsupported, "this kind of ", format, " is not supported (", message,
                           "); convert to JPEG or PNG");
    default:
      return Status::error(Errc::bad_format, "damaged ", format, " (", message, "); get the file again");
  }
}

Result<StoredPhoto> decode_by_module(Module module, const char* format, Bytes file,
                                     const DecodeRequest& request) {
  const auto decode = decode_function(module, format);
  if (!decode) return decode.status();
  ModuleHost host{{}, request.max_pixels, {}};
  ModuleImage image = {};
  image.file = file.data;
  image.file_bytes = file.size;
  image.longest_side = request.longest_side;
  image.accepts = ModuleHost::accepts;
  image.allocate = ModuleHost::allocate;
  image.take_profile = ModuleHost::take_profile;
  image.host = &host;
  image.orientation = 1;
  const ModuleFailure failure = (**decode)(&image);
  if (failure != module_done) return module_failure(failure, format, image.message, host.status);
  host.photo.orientation = image.orientation;
  host.photo.pixels = image.grey ? pixels_grey : pixels_rgb;
  std::copy(std::begin(image.primaries), std::end(image.primaries), host.photo.primaries);
  return std::move(host.photo);
}

/// A format that the header does not read, by the name that it has there.
Result<StoredPhoto> decode_foreign(Bytes file, const DecodeRequest& request) {
  const char* const name = detail::foreign_format(file);
  if (name == nullptr) return detail::unknown_format(file);
  const auto is = [name](const char* format) { return std::strncmp(name, format, std::strlen(format)) == 0; };
  if (is("GIF")) return as_stored(decode_gif(file, request.max_pixels));
  if (is("WebP")) return decode_by_module(Module::webp, "WebP", file, request);
  if (is("TIFF")) return decode_by_module(Module::tiff, "TIFF", file, request);
  if (is("HEIC")) return decode_by_module(Module::heif, "HEIC", file, request);
  if (is("AVIF")) return decode_by_module(Module::heif, "AVIF", file, request);
  return detail::unknown_format(file);
}

Result<StoredPhoto> decode_stored(Bytes file, const DecodeRequest& request) {
  switch (detail::image_format(file)) {
    case detail::ImageFormat::png:
      return decode_png(file, request.max_pixels);
    case detail::ImageFormat::other:
      return decode_foreign(file, request);
#if defined(TINYFIQA_WITH_LIBJPEG)
    case detail::ImageFormat::jpeg:
      return decode_jpeg(file, nullptr, request);
#endif
    default:
      return as_stored(decode_image(file, request.max_pixels));
  }
}

/// Cuts a box out of a photo that is decoded at its full size.
Result<StoredPhoto> cut(const Photo& photo, const Box& box) {
  const Edges wanted = clip(box, photo.width, photo.height);
  if (wanted.empty()) return no_pixel_in_box(photo.width, photo.height);
  const int x = static_cast<int>(wanted.left), y = static_cast<int>(wanted.top);
  StoredPhoto part;
  part.image = Image(static_cast<int>(wanted.right) - x, static_cast<int>(wanted.bottom) - y);
  for (int row = 0; row < part.image.height; ++row)
    std::memcpy(part.image.pixel(0, row), photo.image.pixel(x, y + row),
                3 * static_cast<std::size_t>(part.image.width));
  part.full_width = photo.width;
  part.full_height = photo.height;
  part.left = x;
  part.top = y;
  return part;
}

Result<StoredPhoto> decode_stored_part(Bytes file, const Box& box, const DecodeRequest& request) {
#if defined(TINYFIQA_WITH_LIBJPEG)
  if (detail::image_format(file) == detail::ImageFormat::jpeg) return decode_jpeg(file, &box, request);
#endif
  const auto whole = decode_photo(file, {0, request.max_pixels});
  if (!whole) return whole.status();
  return cut(*whole, box);
}

template <class Decode>
Result<Image> read_by(const std::string& path, const Decode& decode) {
  return detail::with_memory_errors(path + ": ", [&]() -> Result<Image> {
    const auto file = read_photo_file(path);
    if (!file) return file.status();
    auto image = decode(file->bytes);
    if (!image) return image.status().prefixed(path, ": ");
    return image;
  });
}

}  // namespace

std::size_t max_photo_pixels() { return photo_pixels_limit; }
void set_max_photo_pixels(std::size_t pixels) { photo_pixels_limit = pixels; }

Result<FileBytes> read_photo_file(const std::string& path) {
  return detail::with_memory_errors(path + ": ",
                                    [&] { return read_file(path, FileAccess::copy, max_photo_bytes); });
}

Result<Photo> decode_photo(Bytes file, const DecodeRequest& request) {
  if (decoding_is_isolated()) return decode_isolated(DecodeKind::photo, file, {}, request);
  return detail::with_memory_errors("", [&]() -> Result<Photo> {
    auto stored = decode_stored(file, request);
    if (!stored) return stored.status();
    return finish(std::move(*stored), request.longest_side);
  });
}

Result<Photo> decode_part(Bytes file, const Box& box, const DecodeRequest& request) {
  if (decoding_is_isolated()) return decode_isolated(DecodeKind::part, file, box, request);
  return detail::with_memory_errors("", [&]() -> Result<Photo> {
    auto stored = decode_stored_part(file, box, request);
    if (!stored) return stored.status();
    return finish(std::move(*stored), request.longest_side);
  });
}

Result<Image> decode_full_image(Bytes file) {
  auto photo = decode_photo(file);
  if (!photo) return photo.status();
  return std::move(photo->image);
}

Result<Image> read_photo(const std::string& path) { return read_by(path, decode_full_image); }

Result<Image> decode_training_image(Bytes file) {
  if (decoding_is_isolated()) {
    auto photo = decode_isolated(DecodeKind::training, file, {}, DecodeRequest());
    if (!photo) return photo.status();
    return std::move(photo->image);
  }
  const bool known = detail::image_format(file) != detail::ImageFormat::other;
  return known ? decode_image(file, max_photo_pixels()) : decode_full_image(file);
}

Result<Image> read_training_photo(const std::string& path) { return read_by(path, decode_training_image); }
