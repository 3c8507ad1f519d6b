"""The examples of docs/python.md are true, and so are those of the docstrings."""

import doctest
import os
import pathlib

import tinyfiqa

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_examples_of_the_documents_are_true(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = doctest.testfile(os.fspath(ROOT / "docs/python.md"), module_relative=False)
    assert page.attempted > 10 and page.failed == 0
    for module in (tinyfiqa, tinyfiqa._training):
        own = doctest.testmod(module, extraglobs={"tinyfiqa": tinyfiqa})
        assert own.attempted > 0 and own.failed == 0
