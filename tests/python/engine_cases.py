"""What the tests of tinyfiqa.ray and tinyfiqa.spark share. As a program, `engine_cases.py ray|spark TABLE OUT` scores a
table, so that a test can kill it."""

import functools
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import tinyfiqa

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = sorted((ROOT / "examples/photos").glob("*.jpg")) + sorted((ROOT / "examples/faces").glob("*.jpg"))
POISON = 5  #: the row of the table whose image is none
SETTINGS = {"faces": "all", "rows": 4}


def start_ray():
    import ray

    os.environ.setdefault("RAY_worker_niceness", "0")  # or a busy machine starves them
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    import tinyfiqa.ray

    return functools.partial(tinyfiqa.ray.score_table, workers=2)


def start_spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.memory", "512m").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    import tinyfiqa.spark

    return functools.partial(tinyfiqa.spark.score_table, session)


def write_table(path, copies):
    """The example photos again and again, a little smaller each time, with one row that is no image."""
    rows = []
    for copy in range(copies):
        for photo in PHOTOS:
            image = Image.open(photo).convert("RGB")
            contents = io.BytesIO()
            image.resize((image.width - 3 * copy, image.height - 3 * copy)).save(contents, "JPEG", quality=90)
            rows.append(contents.getvalue())
    rows[POISON] = b"poison"
    table = pa.table({"id": range(len(rows)), "image": rows})
    pq.write_table(table, path, row_group_size=6)
    return table


def expected_scores(table):
    """[(id, face, score)] in order, by the package's own loop; (id, None, None) without a score."""
    rows = tinyfiqa.score_many(table.column("image").to_pylist(), scorer=tinyfiqa.Scorer(faces="all"))
    found = []
    for number, row in enumerate(rows):
        found += [(number, i, face.raw) for i, face in enumerate(row.faces, 1)] or [(number, None, None)]
    return found


def scores(table):
    return list(zip(*(table.column(name).to_pylist() for name in ("id", "face", "score"))))


def check_the_tools_scores(score_table, folder):
    """Paths, scored by the engine and by the tool."""
    paths = [str(p) for p in PHOTOS] + ["no_such.jpg"]
    pq.write_table(pa.table({"path": paths}), folder / "paths.parquet")
    done = score_table(folder / "paths.parquet", folder / "out", folder=folder, **SETTINGS)
    rows = pq.read_table(folder / "out").to_pylist()
    assert done.rows == len(rows) and done.errors == sum(row["error"] is not None for row in rows) > 0
    command = [os.environ["TINYFIQA_TOOL"], "score", "--face", "all", "--format", "jsonl", *paths]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    found = [[row[name] for name in ("path", "quality", "band", "score", "face")] for row in rows]
    wanted = [[json.loads(line).get(name) for name in ("path", "quality", "band", "score", "face")] for line in lines]
    assert found == wanted


def check_a_poisoned_row_costs_one_row(score_table, folder):
    table = write_table(folder / "photos.parquet", 1)
    done = score_table(folder / "photos.parquet", folder / "out", **SETTINGS)
    scored = pq.read_table(folder / "out")
    assert scored.column_names[:2] == table.column_names and scores(scored) == expected_scores(table)
    errors = {row["id"]: row["error"] for row in scored.to_pylist() if row["error"]}
    assert "text, not an image" in errors.pop(POISON)
    assert all(text.startswith("no face found") for text in errors.values())
    assert done.parts == len(list((folder / "out").glob("*.parquet"))) and done.skipped == 0


def check_a_killed_worker_costs_nothing(score_table, folder, name_of_workers):
    table = write_table(folder / "photos.parquet", 6)
    killed = []

    def kill():
        wait_for_parts(folder / "out", 1)
        victim = next(pid for pid in descendants(os.getpid()) if name_of_workers(pid))
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)

    killer = threading.Thread(target=kill)
    killer.start()
    done = score_table(folder / "photos.parquet", folder / "out", **SETTINGS)
    killer.join()
    assert killed and done.skipped == 0
    assert scores(pq.read_table(folder / "out")) == expected_scores(table)
    assert not [name for name in os.listdir(folder / "out") if name.endswith(".tmp")]


def check_a_killed_driver_repeats_nothing(score_table, folder, engine):
    table = write_table(folder / "photos.parquet", 6)
    out = folder / "out"
    command = [sys.executable, __file__, engine, folder / "photos.parquet", out]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_parts(out, 3)
    finally:
        driver.kill()
        driver.wait()
    finished = written(out)
    done = score_table(folder / "photos.parquet", out, **SETTINGS)
    after = written(out)
    assert {name: after[name] for name in finished} == finished
    assert done.skipped >= len(finished) and done.parts > 0
    assert scores(pq.read_table(out)) == expected_scores(table)
    assert score_table(folder / "photos.parquet", out, **SETTINGS).parts == 0 and written(out) == after


def written(out):
    """When each part was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}


def wait_for_parts(out, count):
    for _ in range(15000):
        if len(list(out.glob("part-*.parquet"))) >= count:
            return
        time.sleep(0.02)
    raise TimeoutError(f"{out}: fewer than {count} parts after five minutes")


def descendants(pid):
    """The process ids below a process (Linux)."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended
            pass
    below, found = [pid], []
    while below:
        above = below.pop()
        children = [child for child, parent in parents.items() if parent == above]
        found += children
        below += children
    return found


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


if __name__ == "__main__":
    score_table = {"ray": start_ray, "spark": start_spark}[sys.argv[1]]()
    score_table(sys.argv[2], sys.argv[3], **SETTINGS)
