#!/usr/bin/python3
"""check_links.py SOURCE_DIR: every relative link and anchor in the Markdown files leads somewhere.

A link may point to a file, a folder, or a heading of a Markdown file (#anchor as GitHub makes it: lower case, spaces to
hyphens, punctuation dropped, -1, -2 for headings that repeat). Links inside code are not looked at. Build folders and
fixtures are left out.
"""
import os
import re
import sys

LEFT_OUT = {"build", ".git", "fixtures"}
FENCE = re.compile(r"^(```|~~~).*?^\1", re.S | re.M)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*([^)\s]+)[^)]*\)")


def markdown_files(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in LEFT_OUT)
        for name in sorted(files):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


def anchor(heading):
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)  # of a link, its text
    text = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return text.replace(" ", "-")


def anchors(text):
    found, seen = set(), {}
    for heading in re.findall(r"^#{1,6} +(.*?)\s*#*$", FENCE.sub("", text), re.M):
        name = anchor(heading)
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.add(name if count == 0 else f"{name}-{count}")
    return found


def check(path, text, texts):
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    for target in LINK.findall(prose):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, name = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(to):
            yield f"a link to {target}: there is no such file"
        elif name and to in texts and name not in anchors(texts[to]):
            yield f"a link to {target}: the page has no such heading"


def main(root):
    texts = {path: open(path, encoding="utf-8").read() for path in markdown_files(root)}
    failed = 0
    for path, text in texts.items():
        for error in check(path, text, texts):
            print(f"{os.path.relpath(path, root)}: {error}")
            failed += 1
    print(f"{len(texts)} pages, {failed} wrong links")
    return 1 if failed or not texts else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
