"""The types that editors and checkers see are those of the compiled module."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy")


def test_the_stubs_fit_the_module_and_the_package_fits_its_types():
    exceptions = pathlib.Path(__file__).parent / "stub_exceptions.txt"
    command = [sys.executable, "-m", "mypy.stubtest", "tinyfiqa", "--allowlist", exceptions]
    checks = subprocess.run(command, capture_output=True, text=True)
    assert checks.returncode == 0, checks.stdout
