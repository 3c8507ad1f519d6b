# Finds the libraries that decode photos. Each is optional: without it, the tool refuses such files and names the library.

# tinyfiqa_find_decoder(TARGET HEADER LIBRARIES APT WITHOUT)
macro(tinyfiqa_find_decoder target header libraries apt without)
  tinyfiqa_find(${target} ${header} "${libraries}")
  if(NOT ${target}_FOUND)
    message(STATUS "tinyfiqa: ${without}; to change that, install ${apt} (Debian) and configure again")
  endif()
endmacro()

# libjpeg.a rather than libjpeg.so, as for stb: starting the program then loads nothing more.
tinyfiqa_find_decoder(tinyfiqa_libjpeg jpeglib.h "libjpeg.a;jpeg" libjpeg-dev
  "without libjpeg-turbo, the tool decodes whole JPEGs with stb, and without their colour profiles")
tinyfiqa_find_decoder(tinyfiqa_webp webp/demux.h webpdemux libwebp-dev "without libwebp, the tool reads no WebP")
tinyfiqa_find_decoder(tinyfiqa_heif libheif/heif.h heif libheif-dev "without libheif, the tool reads no HEIC and AVIF")
# libheif's two codecs: we limit what they decode.
tinyfiqa_find_decoder(tinyfiqa_dav1d dav1d/dav1d.h dav1d libdav1d-dev "without dav1d, the tool reads no HEIC and AVIF")
tinyfiqa_find_decoder(tinyfiqa_de265 libde265/de265.h de265 libde265-dev "without libde265, the tool reads no HEIC and AVIF")
set(tinyfiqa_heif_more_sources heif_av1 heif_codecs heif_hevc heif_structure hevc_unit)
if(tinyfiqa_heif_FOUND AND tinyfiqa_dav1d_FOUND AND tinyfiqa_de265_FOUND)
  set_property(TARGET tinyfiqa_heif APPEND PROPERTY INTERFACE_LINK_LIBRARIES tinyfiqa_dav1d tinyfiqa_de265)
else()
  set(tinyfiqa_heif_FOUND OFF)
endif()
tinyfiqa_find_decoder(tinyfiqa_tiff tiffio.h tiff libtiff-dev "without libtiff, the tool reads no TIFF")
tinyfiqa_find_decoder(tinyfiqa_colour lcms2.h lcms2 liblcms2-dev
  "without Little CMS, the tool reads no photos whose colours are not sRGB")

if(tinyfiqa_libjpeg_FOUND)
  include(CheckCXXSymbolExists)
  set(CMAKE_REQUIRED_LIBRARIES tinyfiqa_libjpeg)
  check_cxx_symbol_exists(jpeg_crop_scanline "cstdio;jpeglib.h" tinyfiqa_libjpeg_is_turbo)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT tinyfiqa_libjpeg_is_turbo)
    message(STATUS "tinyfiqa: this libjpeg is not libjpeg-turbo 1.5 or newer, so the tool decodes JPEGs with stb")
    set(tinyfiqa_libjpeg_FOUND OFF)
  endif()
endif()
if(tinyfiqa_webp_FOUND)
  find_library(tinyfiqa_libwebp_LIBRARY webp)
  mark_as_advanced(tinyfiqa_libwebp_LIBRARY)
  set_property(TARGET tinyfiqa_webp APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${tinyfiqa_libwebp_LIBRARY})
endif()
