#!/usr/bin/env python3
"""check_vcpkg_manifest.py VCPKG_JSON: the rules of vcpkg's manifest that this one can break: names of fields, forms of names
and versions, the order that `vcpkg format-manifest` gives."""
import json
import re
import sys

FIELDS = ["name", "version", "port-version", "maintainers", "description", "homepage", "documentation", "license", "supports",
          "dependencies", "default-features", "features"]
IDENTIFIER = r"[a-z0-9]+(-[a-z0-9]+)*"


def check_dependencies(where, dependencies):
    names = []
    for d in dependencies:
        name = d if isinstance(d, str) else d.get("name", "")
        names.append(name)
        if not re.fullmatch(IDENTIFIER, name):
            yield f"{where}: '{name}' is no name of a port"
        if not isinstance(d, str) and not set(d) <= {"name", "host", "default-features", "features", "platform", "version>="}:
            yield f"{where}: unknown fields of {name}"
    if names != sorted(names):
        yield f"{where}: dependencies are not sorted"


def check(manifest):
    if list(manifest) != [f for f in FIELDS if f in manifest]:
        yield "unknown fields, or another order than vcpkg format-manifest gives"
    for field in ("name", "version", "description", "license"):
        if not isinstance(manifest.get(field), str):
            yield f"no {field}"
    if not re.fullmatch(IDENTIFIER, manifest["name"]):
        yield "name"
    if not re.fullmatch(r"\d+(\.\d+)*", manifest["version"]):
        yield "the field version takes numbers with points"
    yield from check_dependencies("dependencies", manifest["dependencies"])
    for name, feature in manifest["features"].items():
        if not re.fullmatch(IDENTIFIER, name) or not feature.get("description"):
            yield f"feature {name}"
        if not set(feature) <= {"description", "dependencies", "supports", "license"}:
            yield f"feature {name}: unknown fields"
        yield from check_dependencies(f"feature {name}", feature.get("dependencies", []))


def main(path):
    errors = list(check(json.load(open(path))))
    for error in errors:
        print(f"{path}: {error}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
