#include "decoders/jpeg.hpp"

#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/jpeg_segments.hpp>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "decoders/colour.hpp"
#include "decoders/place.hpp"

#include <jpeglib.h>  // after <cstdio>

#include <jerror.h>

using namespace tinyfiqa;

namespace {

/// The columns and rows of the scaled image that are wanted.
struct Window {
  int x = 0, y = 0, width = 0, height = 0;
};

/// One JPEG in memory. libjpeg leaves its functions by longjmp() when it meets an error, past every
/// destructor. So its functions are called only from steps, which have no local objects that need one.
class JpegFile {
 public:
  explicit JpegFile(Bytes file);
  JpegFile(const JpegFile&) = delete;
  JpegFile& operator=(const JpegFile&) = delete;
  ~JpegFile() { jpeg_destroy_decompress(&jpeg_); }

  /// Reads size, orientation and profile.
  Status read_header(StoredPhoto& out);
  Status read_pixels(const Box* part, const DecodeRequest& request, StoredPhoto& out);

 private:
  /// Runs a step; false if libjpeg reported an error or damage.
  bool run(void (*step)(JpegFile&)) {
    if (setjmp(on_error_) != 0) return false;
    step(*this);
    return true;
  }
  Status failure() const;
  Bytes find_exif() const;
  void choose_scale(int longest, int wanted);
  void choose_window(const Edges& stored);
  Status check_size(const DecodeRequest& request, StoredPhoto& out);
  Status choose_colours(StoredPhoto& out);
  Status check_complete() const;
  void read_rows();
  void take_row(unsigned char* to);

  static JpegFile& self(j_common_ptr jpeg) { return *static_cast<JpegFile*>(jpeg->client_data); }
  [[noreturn]] static void on_error(j_common_ptr jpeg);
  static void on_message(j_common_ptr jpeg, int level);
  static void on_progress(j_common_ptr jpeg);
  static boolean on_end_of_file(j_decompress_ptr jpeg);
  static void on_skip(j_decompress_ptr jpeg, long count);
  bool is_harmless(const jpeg_error_mgr& error) const;

  jpeg_decompress_struct jpeg_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_source_mgr source_ = {};
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf on_error_;
  char message_[JMSG_LENGTH_MAX] = {};
  int error_code_ = 0;
  Bytes file_;
  bool ended_ = false;    // libjpeg wanted more bytes than there are
  bool in_data_ = false;  // behind the header
  bool too_many_scans_ = false;
  JOCTET* profile_ = nullptr;
  unsigned profile_bytes_ = 0;

  Window window_;
  Image* image_ = nullptr;
  ColourConversion cmyk_;
  std::vector<unsigned char> row_;
};

JpegFile::JpegFile(Bytes file) : file_(file) {
  jpeg_.err = jpeg_std_error(&errors_);
  errors_.error_exit = on_error;
  errors_.emit_message = on_message;
  source_.init_source = source_.term_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = on_end_of_file;
  source_.skip_input_data = on_skip;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.next_input_byte = file.data;
  source_.bytes_in_buffer = file.size;
  progress_.progress_monitor = on_progress;
  jpeg_.client_data = this;
}

void JpegFile::on_error(j_common_ptr jpeg) {
  JpegFile& j = self(jpeg);
  j.error_code_ = jpeg->err->msg_code;
  jpeg->err->format_message(jpeg, j.message_);
  std::longjmp(j.on_error_, 1);
}

/// libjpeg only warns of damage, and fills the rest with grey. Here damage is an error.
void JpegFile::on_message(j_common_ptr jpeg, int level) {
  if (level < 0 && self(jpeg).in_data_ && !self(jpeg).is_harmless(*jpeg->err)) on_error(jpeg);
}

bool JpegFile::is_harmless(const jpeg_error_mgr& error) const {
  if (error.msg_code == JWRN_NOT_SEQUENTIAL || error.msg_code == JWRN_ADOBE_XFORM) return true;
  if (error.msg_code != JWRN_EXTRANEOUS_DATA) return false;
  if (ended_) return true;  // all data are there, and bytes of another kind follow instead of the end marker
  const auto* const end = source_.next_input_byte;  // libjpeg moves it behind the next marker later
  const auto extra = error.msg_parm.i[0];
  return extra <= end - file_.data &&
         detail::is_jpeg_filler(Bytes(end - extra, static_cast<std::size_t>(extra)));
}

void JpegFile::on_progress(j_common_ptr jpeg) {
  JpegFile& j = self(jpeg);
  const int scans = j.jpeg_.input_scan_number;
  const std::uint64_t pixels = std::uint64_t{j.jpeg_.image_width} * j.jpeg_.image_height;
  if (scans <= detail::max_jpeg_scans &&
      static_cast<std::uint64_t>(scans) * pixels <= detail::max_jpeg_scan_pixels)
    return;
  j.too_many_scans_ = true;
  std::longjmp(j.on_error_, 1);
}

/// Gives an end marker. If data are missing before it, libjpeg warns.
boolean JpegFile::on_end_of_file(j_decompress_ptr jpeg) {
  static constexpr JOCTET end[] = {0xFF, JPEG_EOI};
  self(reinterpret_cast<j_common_ptr>(jpeg)).ended_ = true;
  jpeg->src->next_input_byte = end;
  jpeg->src->bytes_in_buffer = sizeof end;
  return TRUE;
}

void JpegFile::on_skip(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  const auto bytes = static_cast<std::size_t>(count);
  if (bytes > jpeg->src->bytes_in_buffer) {
    on_end_of_file(jpeg);
    return;
  }
  jpeg->src->next_input_byte += bytes;
  jpeg->src->bytes_in_buffer -= bytes;
}

Status JpegFile::failure() const {
  if (too_many_scans_)
    return detail::too_many_jpeg_scans(jpeg_.input_scan_number, jpeg_.image_width, jpeg_.image_height);
  switch (error_code_) {
    case JERR_OUT_OF_MEMORY:
      return Status::error(Errc::out_of_memory, "not enough memory to decode this JPEG");
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
      return Status::error(Errc::unsupported, "this kind of JPEG is not supported (libjpeg: ", message_,
                           "); save it as a baseline or progressive JPEG, or as PNG");
    default:
      if (ended_)
        return Status::error(Errc::bad_format, "cut off after ", file_.size, " bytes (libjpeg: ", message_,
                             "); get the file again");
      return Status::error(Errc::bad_format, "damaged JPEG (libjpeg: ", message_, "); get the file again");
  }
}

Bytes JpegFile::find_exif() const {
  for (const jpeg_marker_struct* m = jpeg_.marker_list; m != nullptr; m = m->next)
    if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && std::memcmp(m->data, "Exif\0\0", 6) == 0)
      return Bytes(m->data + 6, m->data_length - 6);
  return Bytes();
}

Status JpegFile::read_header(StoredPhoto& out) {
  const bool read = run([](JpegFile& j) {
    jpeg_create_decompress(&j.jpeg_);
    j.jpeg_.src = &j.source_;
    j.jpeg_.progress = &j.progress_;
    constexpr unsigned whole_segment = 0xFFFF;
    jpeg_save_markers(&j.jpeg_, JPEG_APP0 + 1, whole_segment);
    jpeg_save_markers(&j.jpeg_, JPEG_APP0 + 2, whole_segment);
    jpeg_read_header(&j.jpeg_, TRUE);
    jpeg_read_icc_profile(&j.jpeg_, &j.profile_, &j.profile_bytes_);
  });
  if (profile_ != nullptr) out.profile.assign(profile_, profile_ + profile_bytes_);
  std::free(profile_);
  if (!read) return failure();
  out.full_width = static_cast<int>(jpeg_.image_width);
  out.full_height = static_cast<int>(jpeg_.image_height);
  out.orientation = detail::exif_orientation(find_exif());
  return Status();
}

/// Chooses full, half, quarter or eighth size; libjpeg-turbo has no fast code for sizes between them.
void JpegFile::choose_scale(int longest, int wanted) {
  jpeg_.scale_num = jpeg_.scale_denom = 8;
  while (wanted > 0 && jpeg_.scale_num > 1 && longest / wanted * static_cast<int>(jpeg_.scale_num) >= 16)
    jpeg_.scale_num /= 2;
}

/// Chooses the columns and rows of the scaled image that cover these edges.
void JpegFile::choose_window(const Edges& stored) {
  const double scale = static_cast<double>(jpeg_.scale_num) / jpeg_.scale_denom;
  window_.x = static_cast<int>(std::floor(stored.left * scale));
  window_.y = static_cast<int>(std::floor(stored.top * scale));
  window_.width = static_cast<int>(std::ceil(stored.right * scale)) - window_.x;
  window_.height = static_cast<int>(std::ceil(stored.bottom * scale)) - window_.y;
}

/// A file with several scans is decoded into coefficients of the full size first. With arithmetic coding, a few bytes
/// may hold any number of pixels, each of which takes time.
Status JpegFile::check_size(const DecodeRequest& request, StoredPhoto& out) {
  const bool whole = jpeg_.progressive_mode != FALSE || jpeg_.arith_code != FALSE ||
                     jpeg_has_multiple_scans(&jpeg_) != FALSE;
  const std::size_t width = whole ? jpeg_.image_width : static_cast<std::size_t>(window_.width);
  const std::size_t height = whole ? jpeg_.image_height : static_cast<std::size_t>(window_.height);
  out.take_turn(width * height);
  return detail::check_size(width, height, request.max_pixels);
}

Status JpegFile::choose_colours(StoredPhoto& out) {
  jpeg_.out_color_space = JCS_RGB;
  if (jpeg_.jpeg_color_space == JCS_GRAYSCALE) out.pixels = pixels_grey;
  if (jpeg_.jpeg_color_space != JCS_CMYK && jpeg_.jpeg_color_space != JCS_YCCK) return Status();
  jpeg_.out_color_space = JCS_CMYK;
  auto conversion = ColourConversion::create(
      out.profile, out.primaries, jpeg_.saw_Adobe_marker != FALSE ? pixels_cmyk_inverted : pixels_cmyk);
  if (!conversion) return conversion.status();
  cmyk_ = std::move(*conversion);
  out.profile.clear();
  return Status();
}

/// Whether everything is there that libjpeg would silently take for grey.
Status JpegFile::check_complete() const {
  for (int c = 0; c < jpeg_.num_components; ++c) {
    if (jpeg_.comp_info[c].quant_table == nullptr)
      return Status::error(Errc::bad_format, "damaged JPEG (a component without a scan); get the file again");
    if (!ended_ || jpeg_.coef_bits == nullptr) continue;
    // The end marker is missing. Are all bits of all coefficients there?
    if (std::any_of(jpeg_.coef_bits[c], jpeg_.coef_bits[c] + DCTSIZE2, [](int bits) { return bits != 0; }))
      return Status::error(Errc::bad_format, "cut off after ", file_.size,
                           " bytes (scans are missing); get the file again");
  }
  return Status();
}

/// The window's columns of row_, as RGB.
void JpegFile::take_row(unsigned char* to) {
  const auto x = static_cast<std::size_t>(window_.x), width = static_cast<std::size_t>(window_.width);
  if (jpeg_.out_color_space == JCS_RGB) {
    std::memcpy(to, row_.data() + 3 * x, 3 * width);
    return;
  }
  const unsigned char* from = row_.data() + 4 * x;
  if (cmyk_.needed()) return cmyk_.convert(from, to, width);
  const int invert = jpeg_.saw_Adobe_marker != FALSE ? 0 : 255;  // Adobe writes 255 for no ink
  for (std::size_t i = 0; i < width; ++i, from += 4, to += 3)
    for (int c = 0; c < 3; ++c)
      to[c] = static_cast<unsigned char>(((from[c] ^ invert) * (from[3] ^ invert) + 127) / 255);
}

/// Decodes the window. Some pixels beside it are decoded, too: chroma is interpolated between neighbours.
void JpegFile::read_rows() {
  constexpr int border = 32;
  const int columns = static_cast<int>(jpeg_.output_width), above = std::max(0, window_.y - border);
  const bool direct = window_.width == columns && jpeg_.out_color_space == JCS_RGB;
  if (window_.width < columns) {
    auto left = static_cast<JDIMENSION>(std::max(0, window_.x - border));
    auto width = static_cast<JDIMENSION>(std::min(columns, window_.x + window_.width + border)) - left;
    jpeg_crop_scanline(&jpeg_, &left, &width);
    window_.x -= static_cast<int>(left);
  }
  if (above > 0) jpeg_skip_scanlines(&jpeg_, static_cast<JDIMENSION>(above));
  for (int y = above - window_.y; y < window_.height; ++y) {
    unsigned char* row = direct && y >= 0 ? image_->pixel(0, y) : row_.data();
    jpeg_read_scanlines(&jpeg_, &row, 1);
    if (!direct && y >= 0) take_row(image_->pixel(0, y));
  }
  if (jpeg_.output_scanline == jpeg_.output_height) jpeg_finish_decompress(&jpeg_);
}

Status JpegFile::read_pixels(const Box* part, const DecodeRequest& request, StoredPhoto& out) {
  const UprightTurn turn(out.orientation, out.full_width, out.full_height);
  const Box all{0, 0, turn.upright_width(), turn.upright_height()};
  const Edges wanted = clip(part != nullptr ? *part : all, all.width, all.height);
  if (wanted.empty()) return no_pixel_in_box(all.width, all.height);
  choose_scale(static_cast<int>(wanted.longest_side()), request.longest_side);
  choose_window(turn.to_stored(wanted));
  if (const Status s = check_size(request, out); !s) return s;
  if (const Status s = choose_colours(out); !s) return s;
  in_data_ = true;
  if (!run([](JpegFile& j) { jpeg_start_decompress(&j.jpeg_); })) return failure();
  if (const Status s = check_complete(); !s) return s;
  out.image = Image(window_.width, window_.height);
  out.scale_x = out.scale_y = static_cast<double>(jpeg_.scale_denom) / jpeg_.scale_num;
  out.left = window_.x * out.scale_x;
  out.top = window_.y * out.scale_y;
  image_ = &out.image;
  row_.resize(std::size_t{4} * jpeg_.output_width);
  if (!run([](JpegFile& j) { j.read_rows(); })) return failure();
  return Status();
}

Result<StoredPhoto> decode_once(Bytes file, const Box* part, const DecodeRequest& request) {
  StoredPhoto out;
  JpegFile jpeg(file);
  if (const Status s = jpeg.read_header(out); !s) return s;
  if (const Status s = jpeg.read_pixels(part, request, out); !s) return s;
  return out;
}

}  // namespace

Result<StoredPhoto> decode_jpeg(Bytes file, const Box* part, const DecodeRequest& request) {
  auto photo = decode_once(file, part, request);
  if (photo || photo.status().code() != Errc::bad_format) return photo;
  // Maybe only foreign bytes between or behind its segments are in the way.
  const auto parts = detail::scan_jpeg(file, request.max_pixels);
  if (!parts || parts->regular) return photo;
  const std::vector<unsigned char> regular = detail::regular_jpeg(*parts);
  return decode_once(Bytes(regular.data(), regular.size()), part, request);
}
