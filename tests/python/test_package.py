"""The Python package. TINYFIQA_TOOL, if it is set, is the command whose scores are expected."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

import tinyfiqa

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTRAIT = ROOT / "examples/photos/astronaut.jpg"
GROUP = ROOT / "examples/photos/group.jpg"
FACELESS = ROOT / "examples/photos/coffee.jpg"
CROP = ROOT / "examples/faces/astronaut.jpg"


@pytest.fixture(scope="module")
def every_face():
    return tinyfiqa.Scorer(faces="all")


def same(a, b):
    return (a.quality, a.band, a.raw, a.face.box) == (b.quality, b.band, b.raw, b.face.box)


def test_the_largest_face_of_a_photo_has_a_quality_a_band_and_landmarks():
    best = tinyfiqa.score(PORTRAIT)
    assert isinstance(best.quality, int) and 0 <= best.quality <= 100
    assert best.band in ("reject", "poor", "fair", "good")
    assert round(best.exact_quality) == best.quality
    assert best.face.framing == "photo"
    x, y, width, height = best.face.box
    assert len(best.face.landmarks) == 5
    assert all(x < px < x + width and y < py < y + height for px, py in best.face.landmarks)


def test_a_photo_without_a_face_has_no_score():
    assert tinyfiqa.score(FACELESS) is None


def test_all_faces_come_largest_first(every_face):
    areas = [f.face.box[2] * f.face.box[3] for f in every_face.score_all(GROUP)]
    assert len(areas) > 1 and areas == sorted(areas, reverse=True)


@pytest.mark.skipif("TINYFIQA_TOOL" not in os.environ, reason="TINYFIQA_TOOL is not set")
def test_scores_are_those_of_the_command_to_the_bit(every_face):
    photos = [str(p) for p in (PORTRAIT, GROUP, FACELESS, CROP)]
    command = [os.environ["TINYFIQA_TOOL"], "score", "--face", "all", "--format", "jsonl", *photos]
    rows = map(json.loads, subprocess.run(command, capture_output=True, text=True).stdout.splitlines())
    expected = [(row["path"], row["quality"], row["band"], row["score"]) for row in rows if "score" in row]
    found = [(p, f.quality, f.band, f.raw) for p in photos for f in every_face.score_all(p)]
    assert found == expected and len(found) > 5


def test_the_bytes_of_a_file_have_its_scores(every_face):
    for image in (GROUP.read_bytes(), bytearray(GROUP.read_bytes()), memoryview(GROUP.read_bytes())):
        assert all(map(same, every_face.score_all(image), every_face.score_all(GROUP)))


def test_arrays_and_pillow_images_have_the_same_score_in_every_layout():
    scorer = tinyfiqa.Scorer(faces="whole")
    image = Image.open(CROP).convert("RGB")
    rgb = np.asarray(image)
    expected = scorer.score(rgb).raw
    alpha = np.full((*rgb.shape[:2], 1), 9, np.uint8)
    wide = np.zeros((rgb.shape[0], rgb.shape[1] + 5, 3), np.uint8)
    wide[:, :-5] = rgb
    layouts = {
        "bgr": (np.ascontiguousarray(rgb[:, :, ::-1]), "bgr"),
        "bgr seen as rgb": (np.ascontiguousarray(rgb[:, :, ::-1])[:, :, ::-1], "rgb"),
        "rgba": (np.concatenate([rgb, alpha], 2), "rgba"),
        "bgra": (np.concatenate([rgb[:, :, ::-1], alpha], 2), "bgra"),
        "gaps between rows": (wide[:, :-5], "rgb"),
        "bottom up": (np.ascontiguousarray(rgb[::-1])[::-1], "rgb"),
        "columns first": (np.asfortranarray(rgb), "rgb"),
        "every second column": (np.repeat(rgb, 2, axis=1)[:, ::2], "rgb"),
        "read only": (np.frombuffer(rgb.tobytes(), np.uint8).reshape(rgb.shape), "rgb"),
    }
    for name, (array, order) in layouts.items():
        assert scorer.score(array, order=order).raw == expected, name
    row_again_and_again = np.broadcast_to(rgb[60:61], rgb.shape)
    assert scorer.score(row_again_and_again).raw == scorer.score(row_again_and_again.copy()).raw != expected
    assert scorer.score(image).raw == expected
    assert scorer.score(np.asarray(image.convert("L"))).raw == scorer.score(image.convert("L")).raw
    assert scorer.score(image.convert("RGBA")).raw == expected


def test_a_pillow_image_is_turned_as_its_orientation_says(every_face):
    upright = Image.open(PORTRAIT)
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6
    assert every_face.score(turned).face.box == every_face.score(np.asarray(upright)).face.box


def test_transparent_pixels_of_a_pillow_image_lie_on_white():
    scorer = tinyfiqa.Scorer(faces="whole")
    image = Image.open(CROP).convert("RGBA")
    image.paste((255, 0, 0, 0), (0, 0, 50, 50))
    white = image.convert("RGB")
    white.paste("white", (0, 0, 50, 50))
    assert scorer.score(image).raw == scorer.score(white).raw


def test_a_known_face_needs_no_search():
    pixels = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    scorer = tinyfiqa.Scorer(faces="whole")
    face = tinyfiqa.score(pixels).face
    by_landmarks = scorer.score_known_face(pixels, landmarks=face.landmarks)
    assert by_landmarks.raw == tinyfiqa.score(pixels).raw and by_landmarks.face is None
    for landmarks in (np.array(face.landmarks), np.ravel(face.landmarks)):
        assert scorer.score_known_face(pixels, landmarks=landmarks) == by_landmarks
    assert scorer.score_known_face(pixels, box=face.box).raw != by_landmarks.raw
    with pytest.raises(ValueError, match="five landmarks"):
        scorer.score_known_face(pixels, landmarks=[1, 2, 3])


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None  # importing it fails
import tinyfiqa
path = sys.argv[1]
print(tinyfiqa.score(path).raw, tinyfiqa.score(open(path, "rb").read()).raw)
pixels = memoryview(bytes(112 * 112 * 3)).cast("B", (112, 112, 3))
print(tinyfiqa.Scorer(faces="whole").score(pixels).quality, tinyfiqa.score(pixels[::2]))
tinyfiqa.evaluate([1, 2], [1, 2])
"""


def test_paths_from_an_array_of_numpy_are_paths():
    assert tinyfiqa.score(np.array([PORTRAIT])[0]) == tinyfiqa.score(PORTRAIT)


def test_photos_are_scored_without_numpy():
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMPY, PORTRAIT], capture_output=True, text=True)
    raw = tinyfiqa.score(PORTRAIT).raw
    black = tinyfiqa.Scorer(faces="whole").score(np.zeros((112, 112, 3), np.uint8)).quality
    assert done.stdout == f"{raw} {raw}\n{black} None\n"
    assert done.stderr.endswith("ImportError: this needs NumPy; install it: pip install numpy\n")


def test_the_detector_finds_what_the_scorer_scores(every_face):
    found = tinyfiqa.Detector().detect(GROUP)
    assert [f.box for f in found] == [f.face.box for f in every_face.score_all(GROUP)]
    assert tinyfiqa.Detector(smallest_face=60).detect(GROUP) != found
    in_8_bits = tinyfiqa.Detector(ROOT / "weights/i8/detector.safetensors").detect(GROUP)
    assert len(in_8_bits) == len(found) and in_8_bits != found


def test_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no_such.jpg"):
        tinyfiqa.score("no_such.jpg")
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(CROP.read_bytes()[:2000])
    with pytest.raises(tinyfiqa.Error, match="damaged.jpg"):
        tinyfiqa.score(damaged)
    with pytest.raises(ValueError, match="float64"):
        tinyfiqa.score(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="no pixels of order 'rgb'"):
        tinyfiqa.score(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(ValueError, match="no pixels"):
        tinyfiqa.score(np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="'largest', 'all' or 'whole'"):
        tinyfiqa.Scorer(faces="some")
    with pytest.raises(ValueError, match="precision 'int8' is not f32, i8 or auto"):
        tinyfiqa.Scorer(precision="int8")
    with pytest.raises(ValueError, match="tinyfqnet.safetensors has its own"):
        tinyfiqa.Scorer(ROOT / "weights/tinyfqnet.safetensors", precision="auto")
    with pytest.raises(FileNotFoundError):
        tinyfiqa.Scorer("no_such.safetensors")
    with pytest.raises(ValueError, match="threshold"):
        tinyfiqa.Detector(threshold=2)


def test_other_weights_and_clones():
    scorer = tinyfiqa.Scorer(ROOT / "weights/tinyfqnet.safetensors")
    assert 0 < scorer.bands[0] < scorer.bands[1] < scorer.bands[2]
    assert scorer.clone().score(PORTRAIT).raw == scorer.score(PORTRAIT).raw != tinyfiqa.score(PORTRAIT).raw


def test_the_built_in_network_scores_in_floats_or_in_8_bits():
    floats, whole = tinyfiqa.Scorer(), tinyfiqa.Scorer(precision="i8")
    of_file = tinyfiqa.Scorer(ROOT / "weights/i8/tinyfqnet_m.safetensors")
    assert (floats.precision, whole.precision, whole.clone().precision, of_file.precision) == ("f32", "i8", "i8", "i8")
    assert whole.score(PORTRAIT).raw == of_file.score(PORTRAIT).raw != floats.score(PORTRAIT).raw
    assert abs(whole.score(PORTRAIT).exact_quality - floats.score(PORTRAIT).exact_quality) < 4
    by_itself = tinyfiqa.Scorer(precision="auto")
    assert by_itself.precision == ("i8" if tinyfiqa.instruction_set.endswith(("vnni", "dotprod")) else "f32")


def test_many_images_give_rows_in_order_and_errors_stay_in_their_rows():
    images = [PORTRAIT, "no_such.jpg", np.asarray(Image.open(CROP).convert("RGB")), FACELESS]
    rows = list(tinyfiqa.score_many(images, threads=3))
    assert [row.image is image for row, image in zip(rows, images)] == [True] * 4
    assert rows[0].faces[0].quality == tinyfiqa.score(PORTRAIT).quality and rows[0].error is None
    assert isinstance(rows[1].error, FileNotFoundError) and rows[1].faces == []
    assert len(rows[2].faces) == 1
    assert rows[3].faces == [] and rows[3].error is None


def test_a_folder_is_searched_for_images(capsys):
    rows = list(tinyfiqa.score_many(ROOT / "examples/photos", progress=True))
    assert [os.path.basename(row.image) for row in rows] == ["astronaut.jpg", "coffee.jpg", "group.jpg"]
    assert "3 images" in capsys.readouterr().err


def test_many_images_can_be_left_early():
    rows = tinyfiqa.score_many(iter([CROP] * 10_000), threads=2)
    assert next(rows).faces
    rows.close()


def test_threads_run_side_by_side_because_the_lock_is_released():
    """A thread that waits for the interpreter's lock while another one scores would see no progress."""
    scorer = tinyfiqa.Scorer(tiles=True)
    pixels = np.asarray(Image.open(GROUP).convert("RGB"))
    thread = threading.Thread(target=scorer.score, args=(np.repeat(np.repeat(pixels, 3, 0), 3, 1),))
    thread.start()
    ticks = 0
    while thread.is_alive():
        ticks += 1
        time.sleep(0.001)
    assert ticks > 5


def test_a_scorer_that_two_threads_use_gives_one_of_them_an_error_never_a_wrong_score():
    scorer = tinyfiqa.Scorer()
    expected, wrong, errors = scorer.score(PORTRAIT).raw, [], []

    def work():
        for _ in range(20):
            try:
                wrong.append(scorer.score(PORTRAIT).raw != expected)
            except tinyfiqa.Error as error:
                errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) + len(errors) == 80 and not any(wrong)
    assert all("in use by another thread" in error for error in errors)


def test_no_memory_is_lost():
    resource = pytest.importorskip("resource")
    pixels = np.asarray(Image.open(CROP).convert("RGB"))
    scorer = tinyfiqa.Scorer()
    peaks = []
    for _ in range(2):
        for _ in range(300):
            scorer.score(pixels)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[1] - peaks[0] < 2000  # KiB
