"""The programs in examples/python run, and say what the package says."""

import pathlib
import subprocess
import sys

import pytest

import tinyfiqa

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples/photos"


def run(name, *arguments):
    command = [sys.executable, ROOT / "examples/python" / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def test_a_parquet_table_gets_the_scores_of_its_paths_and_bytes(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    paths = [str(PHOTOS / name) for name in ("astronaut.jpg", "coffee.jpg", "group.jpg")] + ["no_such.jpg"]
    contents = [pathlib.Path(path).read_bytes() for path in paths[:3]] + [b"no image"]
    expected = [tinyfiqa.score(path) for path in paths[:3]]
    group = tinyfiqa.Scorer(faces="all").score_all(paths[2])
    for images in (paths, contents):
        pq.write_table(pa.table({"id": [1, 2, 3, 4], "image": images}), tmp_path / "in.parquet")
        run("score_parquet.py", tmp_path / "in.parquet", tmp_path / "out.parquet")
        rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
        assert [row["id"] for row in rows] == [1, 2, 3, 4] and [row["image"] for row in rows] == images
        assert [row["quality"] for row in rows[:3]] == [face and face.quality for face in expected]
        assert [row["faces"] for row in rows] == [1, 0, len(group), None]
        assert rows[0]["error"] is None and rows[3]["error"]


def test_the_best_photo_of_each_person_of_a_pandas_table(tmp_path):
    pandas = pytest.importorskip("pandas")
    faces = sorted((ROOT / "examples/faces").glob("*.jpg"))
    table = pandas.DataFrame({"path": [*map(str, faces), "no_such.jpg"], "person": [*"aabbcc", "c"]})
    table.to_csv(tmp_path / "in.csv", index=False)
    messages = run("score_table.py", tmp_path / "in.csv", tmp_path / "out.csv").stderr
    assert "no_such.jpg" in messages
    best = pandas.read_csv(tmp_path / "out.csv").set_index("person")
    for person, pair in zip("abc", (faces[:2], faces[2:4], faces[4:])):
        assert best.quality[person] == max(tinyfiqa.score(path).quality for path in pair)


def test_workers_of_a_data_loader_score_photos():
    pytest.importorskip("torch")
    lines = run("data_loader.py", PHOTOS).stdout.splitlines()
    for line, name in zip(lines, ("astronaut.jpg", "coffee.jpg", "group.jpg")):
        best = tinyfiqa.score(PHOTOS / name)
        assert name in line and f"weight {best.quality / 100 if best else 0:.2f}" in line
    assert len(lines) == 3
