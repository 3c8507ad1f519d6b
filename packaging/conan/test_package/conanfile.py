"""Builds a program with the package, and scores the example photo."""
import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout


class TestPackage(ConanFile):
    settings = "os", "arch", "compiler", "build_type"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # writes nothing beside the sources
        dispatch = self.dependencies["tinyfiqa"].options.dispatch
        toolchain.cache_variables["TARGET"] = "tinyfiqa::dispatch" if dispatch else "tinyfiqa::tinyfiqa"
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if can_run(self):
            photo = os.path.join(self.source_folder, "..", "..", "..", "examples", "photos", "astronaut.jpg")
            self.run(f'"{os.path.join(self.cpp.build.bindir, "score_photo")}" "{photo}"', env="conanrun")
