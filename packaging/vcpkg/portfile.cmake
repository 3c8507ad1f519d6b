# An overlay port: it builds the sources that it lies in.
#   vcpkg install tinyfiqa --overlay-ports=tinyfiqa/packaging/vcpkg
# For a registry, take the sources from a release instead: vcpkg_from_github(OUT_SOURCE_PATH SOURCE_PATH ...).
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DTINYFIQA_INSTALL=ON
    -DTINYFIQA_BUILD_TOOLS=OFF
    -DTINYFIQA_BUILD_C=OFF  # one port has a library as static or as shared, libtinyfiqa is both
    -DTINYFIQA_BUILD_TESTS=OFF
    -DTINYFIQA_BUILD_BENCH=OFF
    -DTINYFIQA_BUILD_EXAMPLES=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/tinyfiqa)

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
