"""What tinyfiqa.ray and tinyfiqa.spark do on a worker: columns of faces for Arrow tables, and parts of jobs. It needs no
engine."""

import itertools
import json
import os
import pathlib
import subprocess
import sys

import pytest

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

import tinyfiqa  # noqa: E402
from tinyfiqa import _parts, _tables  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples/photos"
PORTRAIT = str(PHOTOS / "astronaut.jpg")
GROUP = str(PHOTOS / "group.jpg")
CROP = str(ROOT / "examples/faces/astronaut.jpg")


def scorer_of(names, **options):
    return _tables.TableScorer(_tables.settings(names, bytes, **options), bytes)


def scored(columns, **options):
    table = pa.table(columns)
    return scorer_of(table.column_names, **options)(table).to_pylist()


def test_a_row_has_the_columns_of_the_commands_csv():
    row = scored({"path": [PORTRAIT]})[0]
    best = tinyfiqa.score(PORTRAIT)
    assert (row["quality"], row["band"], row["score"], row["error"]) == (best.quality, best.band, best.raw, None)
    assert (row["face"], row["confidence"], row["note"]) == (1, best.face.confidence, None)
    assert tuple(row[name] for name in _tables.BOX) == best.face.box
    assert [row[name] for name in _tables.POINTS] == [v for point in best.face.landmarks for v in point]
    if "TINYFIQA_TOOL" in os.environ:
        command = [os.environ["TINYFIQA_TOOL"], "score", "--format", "csv", PORTRAIT]
        header = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
        assert list(row) == header.split(",")


def test_a_row_is_an_image_or_a_face():
    assert [row["id"] for row in scored({"id": [1, 2], "path": [GROUP, PORTRAIT]})] == [1, 2]
    rows = scored({"id": [1, 2], "path": [GROUP, PORTRAIT]}, faces="all", threads=2)
    assert [(row["id"], row["face"]) for row in rows] == [(1, i) for i in range(1, 7)] + [(2, 1)]
    crop = scored({"path": [CROP]}, faces="whole")[0]
    assert crop["score"] == tinyfiqa.Scorer(faces="whole").score(CROP).raw and "face" not in crop


def test_images_are_paths_uris_bytes_or_both():
    expected = tinyfiqa.score(PORTRAIT).raw
    contents = pathlib.Path(PORTRAIT).read_bytes()
    for image in (PORTRAIT, pathlib.Path(PORTRAIT).as_uri(), contents, {"bytes": contents, "path": None}):
        assert scored({"image": [image]})[0]["score"] == expected
    assert scored({"image": ["astronaut.jpg"]}, folder=PHOTOS)[0]["score"] == expected
    assert scored({"picture": [PORTRAIT]}, image="picture", prefix="fiqa_")[0]["fiqa_score"] == expected


def test_faces_are_where_the_table_says():
    face = tinyfiqa.score(PORTRAIT).face
    whole = tinyfiqa.Scorer(faces="whole")
    boxes = {name: [value, None, float("nan"), None] for name, value in zip(_tables.BOX, face.box)}
    rows = scored({"path": [PORTRAIT, PORTRAIT, PORTRAIT, CROP], **boxes, "note": [None, None, None, "whole image"]})
    assert rows[0]["score"] == whole.score_known_face(PORTRAIT, box=face.box).raw
    assert rows[1]["score"] == rows[2]["score"] == tinyfiqa.score(PORTRAIT).raw and rows[1]["box_x"] == face.box[0]
    assert rows[3]["score"] == whole.score(CROP).raw
    points = {name: [value] for name, value in zip(_tables.POINTS, itertools.chain(*face.landmarks))}
    assert scored({"path": [PORTRAIT], **points})[0]["score"] == tinyfiqa.score(PORTRAIT).raw
    part = scored({"path": [PORTRAIT], **boxes_of(1, None, 3, 4)})[0]
    assert part["error"] == "'box_y' is empty, but other columns of the face are not" and part["box_x"] == 1
    outside = scored({"path": [PORTRAIT], **boxes_of(900, 900, 30, 40)})[0]
    assert "512x512 pixels" in outside["error"]


def boxes_of(*box):
    return {name: [value] for name, value in zip(_tables.BOX, box)}


@pytest.mark.skipif("TINYFIQA_TOOL" not in os.environ, reason="TINYFIQA_TOOL is not set")
def test_known_faces_and_errors_are_those_of_the_command(tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "data.csv").write_text(
        f"path,box_x,box_y,box_w,box_h\n{PORTRAIT},178,60,92,115\n{GROUP},,,,\ntext.jpg,,,,\n{PHOTOS}/coffee.jpg,,,,\n"
    )
    command = [os.environ["TINYFIQA_TOOL"], "score", "--data", tmp_path / "data.csv", "--format", "jsonl"]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    import pyarrow.csv

    table = pyarrow.csv.read_csv(tmp_path / "data.csv")
    rows = scorer_of(table.column_names, folder=tmp_path)(table).to_pylist()
    for row, line in zip(rows, map(json.loads, lines), strict=True):
        assert (row["score"], row["band"]) == (line.get("score"), line.get("band"))
        assert (row["error"] or "").split(";")[0] == line.get("error", "").split(";")[0]


def test_wrong_options_end_before_the_work():
    wrong = {
        "no column 'image'": (["photo"], {}),
        "no column 'x'": (["image"], {"image": "x"}),
        "a column 'score' already": (["image", "score"], {}),
        "a column 'a_band' already": (["image", "a_band"], {"prefix": "a_"}),
        "but no 'box_w'": (["image", "box_x", "box_y", "box_h"], {}),
        "threads=0": (["image"], {"threads": 0}),
        "'largest', 'all' or 'whole'": (["image"], {"faces": "some"}),
        "threshold": (["image"], {"threshold": 2.0}),
    }
    for message, (names, options) in wrong.items():
        with pytest.raises(ValueError, match=message):
            _tables.settings(names, bytes, **options)
    with pytest.raises(FileNotFoundError):
        _tables.settings(["image"], bytes, weights="no_such.safetensors")


def test_workers_get_the_precision_that_auto_chose_where_the_work_began():
    chosen = _tables.settings(["image"], bytes, precision="auto").scorer["precision"]
    assert chosen == tinyfiqa.Scorer(precision="auto").precision
    assert scored({"path": [PORTRAIT]}, precision="i8")[0]["score"] == tinyfiqa.Scorer(precision="i8").score(PORTRAIT).raw


def test_parts_are_row_groups_put_together_or_divided(tmp_path):
    assert list(_parts._pieces([2, 2, 1], 3)) == [((0,), 0, 2), ((1, 2), 0, 3)]
    assert list(_parts._pieces([10, 1, 1], 4)) == [((0,), 0, 3), ((0,), 3, 3), ((0,), 6, 4), ((1, 2), 0, 2)]
    table = pa.table({"id": range(1000)})
    pq.write_table(table.slice(0, 700), tmp_path / "a.parquet", row_group_size=300)
    pq.write_table(table.slice(700), tmp_path / "b.parquet", row_group_size=50)
    (tmp_path / "_ignored.parquet").write_text("")
    for rows in (1, 7, 120, 300, 10000):
        parts = _parts.open_source(tmp_path, rows).parts
        found = [i for part in parts for piece in part.tables() for i in piece.column("id").to_pylist()]
        assert found == list(range(1000)) and max(part.length for part in parts) <= rows
        assert len({part.name for part in parts}) == len(parts)


def write_parts(source, out, **options):
    made = _tables.settings(source.schema.names, bytes, **options)
    missing = _parts.open_job(out, source, made)
    scorer = _tables.TableScorer(made, bytes)
    return _parts.end_job(out, source, [_parts.write_part(part, os.fspath(out), scorer) for part in missing])


def test_a_job_goes_on_and_another_job_is_refused(tmp_path):
    out = tmp_path / "out"
    photos = _parts.open_source(PHOTOS, 2)
    assert write_parts(photos, out) == (3, 1, 2, 0)
    (out / "part-000000.parquet").unlink()
    (out / ".part-000000.parquet.0.tmp").write_text("of a worker that was killed")
    assert write_parts(photos, out) == (2, 1, 1, 1) and write_parts(photos, out) == (0, 0, 0, 2)
    assert not list(out.glob(".*"))
    with pytest.raises(ValueError, match=r"begun with other options \(faces\)"):
        write_parts(photos, out, faces="all")
    with pytest.raises(ValueError, match="begun with another table"):
        write_parts(_parts.open_source([PORTRAIT], 2), out)
    (out / "_job.json").unlink()
    with pytest.raises(ValueError, match="name another folder"):
        write_parts(photos, out)
    with pytest.raises(ValueError, match="object stores"):
        write_parts(photos, "s3://bucket/out")
    with pytest.raises(FileNotFoundError, match="no_such"):
        _parts.open_source(tmp_path / "no_such", 5)


def test_a_part_that_fails_leaves_no_file(tmp_path):
    pq.write_table(pa.table({"image": [pathlib.Path(PORTRAIT).read_bytes()] * 3}), tmp_path / "in.parquet")
    source = _parts.open_source(tmp_path / "in.parquet", 5)
    contents = bytearray((tmp_path / "in.parquet").read_bytes())
    contents[1000:90000] = bytes(89000)
    (tmp_path / "in.parquet").write_bytes(contents)
    with pytest.raises(Exception):
        write_parts(source, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["_job.json"]


@pytest.mark.parametrize("engine, missing", [("ray", "ray"), ("spark", "pyspark")])
def test_a_missing_engine_is_named_with_the_extra_that_brings_it(engine, missing):
    program = f"import sys; sys.modules['{missing}'] = None; import tinyfiqa.{engine}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 1 and f"pip install 'tinyfiqa[{engine}]'" in ended.stderr
