#!/usr/bin/python3
"""check_arrows.py SOURCE_DIR: the table of rooms in docs/architecture.md is that of tests/structure/check_includes.sh."""
import re
import sys


def script_rooms(text):
    block = re.search(r'^arrows="(.*?)"', text, re.S | re.M).group(1)
    rows = (line.split(":") for line in block.splitlines())
    return {room: set(names.split()) for room, names in rows}


def table_rooms(text):
    rooms = {}
    section = re.search(r"^## Rooms and arrows\n(.*?)^## ", text, re.S | re.M).group(1)
    for room, names in re.findall(r"^\| `([a-z/_]+)` \| ([^|]*) \|", section, re.M):
        rooms[room] = set() if names == "(none)" else {name.strip() for name in names.split(",")}
    return rooms


def main(root):
    script = script_rooms(open(root + "/tests/structure/check_includes.sh").read())
    table = table_rooms(open(root + "/docs/architecture.md").read())
    failed = 0
    for room in sorted(set(script) | set(table)):
        if script.get(room) != table.get(room):
            failed += 1
            print(f"{room}: the script says {sorted(script.get(room, ['no such room']))}, "
                  f"docs/architecture.md says {sorted(table.get(room, ['no such room']))}")
    print(f"{len(script)} rooms, {failed} wrong")
    return 1 if failed or not script else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
