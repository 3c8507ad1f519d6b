"""Conan 2: conan create packaging/conan   (docs/packages.md)"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

ROOT = os.path.join("..", "..")


class TinyfiqaConan(ConanFile):
    name = "tinyfiqa"
    license = "MIT"
    description = "Face image quality on a CPU: a header-only C++17 neural network engine"
    topics = ("face-quality", "neural-network", "simd")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "dispatch": [True, False],     # tinyfiqa::dispatch, compiled for all instruction sets; False: headers alone
        "isas": ["ANY"],               # instruction sets of tinyfiqa::dispatch; empty: all
        "system_libs": [True, False],  # xsimd and stb are those of the system, not Conan's
    }
    default_options = {"dispatch": True, "isas": "", "system_libs": False}

    def set_version(self):
        cmake = load(self, os.path.join(self.recipe_folder, ROOT, "CMakeLists.txt"))
        self.version = re.search(r"^project\(tinyfiqa VERSION ([0-9.]+)", cmake, re.M).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*", "weights/*.safetensors"):
            copy(self, pattern, os.path.join(self.recipe_folder, ROOT), self.export_sources_folder)

    def requirements(self):
        if not self.options.system_libs:
            # Public headers include both.
            self.requires("xsimd/13.0.0", transitive_headers=True)
            self.requires("stb/cci.20240531", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 17)

    def package_id(self):
        if not self.info.options.dispatch:
            self.info.clear()

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # writes nothing beside the sources
        toolchain.cache_variables.update({
            "TINYFIQA_INSTALL": True,
            "TINYFIQA_DISPATCH": bool(self.options.dispatch),
            "TINYFIQA_ISAS": str(self.options.isas),
            "TINYFIQA_BUILD_TOOLS": False,
            "TINYFIQA_BUILD_C": False,
            "TINYFIQA_BUILD_TESTS": False,
            "TINYFIQA_BUILD_BENCH": False,
            "TINYFIQA_BUILD_EXAMPLES": False,
        })
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # The installed tinyfiqaConfig.cmake describes the targets, tinyfiqa::tinyfiqa and tinyfiqa::dispatch.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "tinyfiqa"))
        self.cpp_info.libs = ["tinyfiqa_dispatch_training", "tinyfiqa_dispatch"] if self.options.dispatch else []
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["pthread", "m"]
