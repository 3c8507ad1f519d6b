"""Training, networks and evaluation in Python. TINYFIQA_TOOL, if it is set, is the command whose training is expected."""

import csv
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tinyfiqa

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = {"epochs": 3, "batch": 16, "lr": 0.05, "threads": 2}


@pytest.fixture(scope="module")
def noisy_faces():
    """A face with more and more noise, and the share of it that is not noise."""
    random = np.random.default_rng(3)
    face = np.asarray(Image.open(ROOT / "examples/faces/astronaut.jpg").convert("RGB").resize((64, 64)))
    strength = random.uniform(0, 60, 120)
    noise = random.normal(0, 1, (120, 64, 64, 3)) * strength[:, None, None, None]
    return np.clip(face + noise, 0, 255).astype(np.uint8), 1 - strength / 60


def test_a_network_learns_the_labels_of_an_array(noisy_faces):
    images, labels = noisy_faces
    seen = []
    done = tinyfiqa.train(images, labels, on_epoch=seen.append, **{**SETTINGS, "epochs": 8})
    assert seen == done.epochs and [e.epoch for e in seen] == list(range(1, 9))
    best = done.epochs[done.best_epoch - 1]
    assert best.final_score == max(e.final_score for e in seen) > 0.8
    assert tinyfiqa.evaluate(done.model.predict(images), labels).srcc > 0.8


@pytest.mark.skipif("TINYFIQA_TOOL" not in os.environ, reason="TINYFIQA_TOOL is not set")
def test_the_training_is_that_of_the_command(noisy_faces, tmp_path):
    images, labels = noisy_faces
    rows = ["path,score"]
    for i, (image, label) in enumerate(zip(images, labels)):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,{label!r}".replace("np.float64(", "").replace(")", ""))
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    options = "--model tinyfqnet --epochs 3 --batch 16 --lr 0.05 --threads 2".split()
    command = [os.environ["TINYFIQA_TOOL"], "train", "--data", "labels.csv", "--out", "run", "--whole-image", *options]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with open(tmp_path / "run/log.csv", newline="") as log:
        expected = [(float(row["loss"]), float(row["srcc"]), float(row["rmse"])) for row in csv.DictReader(log)]
    done = tinyfiqa.train(images, labels, **SETTINGS)
    assert [(float(f"{e.loss:.8g}"), round(e.srcc, 6), round(e.rmse, 6)) for e in done.epochs] == expected
    assert np.array_equal(
        tinyfiqa.Model(tmp_path / "run/best.safetensors").predict(images[:9]), done.model.predict(images[:9])
    )


def test_files_bytes_and_pillow_images_are_trained_on_as_arrays_are(noisy_faces, tmp_path):
    images, labels = noisy_faces
    kinds = []
    for i, image in enumerate(images):
        path = tmp_path / f"{i}.png"
        Image.fromarray(image).save(path)
        kinds.append([path, str(path), path.read_bytes(), Image.open(path)][i % 4])
    a, b = (tinyfiqa.train(x, labels, **{**SETTINGS, "epochs": 1}) for x in (images, kinds))
    assert a.epochs[0].loss == b.epochs[0].loss
    assert np.array_equal(a.model.predict(images), b.model.predict(kinds))


def test_a_model_is_saved_read_and_continued(noisy_faces, tmp_path):
    images, labels = noisy_faces
    first = tinyfiqa.train(images, labels, size=(48, 48), **SETTINGS).model
    path = tmp_path / "first.safetensors"
    first.save(path)
    again = tinyfiqa.Model(path)
    assert (again.name, again.input_size) == ("tinyfqnet", (48, 48))
    assert np.array_equal(again.predict(images), first.predict(images))
    scorer = tinyfiqa.Scorer(path, faces="whole", views="identity")
    assert scorer.score(images[0]).raw == pytest.approx(float(first.predict(images[:1])[0]), abs=1e-6)
    weights = again.parameters()
    assert weights["stem.0.weight"].shape[1:] == (3, 3, 3)
    assert all(np.array_equal(weights[name], value) for name, value in first.parameters().items())
    continued = tinyfiqa.train(images, labels, start=first, size=(48, 48), **SETTINGS)
    assert continued.epochs[0].loss < tinyfiqa.train(images, labels, size=(48, 48), **SETTINGS).epochs[0].loss


def test_validation_rows_and_groups_can_be_chosen(noisy_faces):
    images, labels = noisy_faces
    settings = {**SETTINGS, "epochs": 1}
    chosen = [tinyfiqa.train(images, labels, validation=rows, **settings) for rows in (range(100, 120), range(20))]
    assert chosen[0].epochs != chosen[1].epochs
    halves = ["a"] * 60 + ["b"] * 60
    grouped = tinyfiqa.train(images, labels, groups=halves, validation=0.5, **settings)
    sides = [tinyfiqa.train(images, labels, validation=side, **settings) for side in (range(60), range(60, 120))]
    assert grouped.epochs[0].srcc in [side.epochs[0].srcc for side in sides]


def test_on_epoch_can_end_a_training(noisy_faces):
    done = tinyfiqa.train(*noisy_faces, on_epoch=lambda epoch: epoch.epoch < 2, **SETTINGS)
    assert len(done.epochs) == 2


def test_a_recogniser_learns_names_and_gives_embeddings(noisy_faces):
    images, _ = noisy_faces
    names = ["ann" if i % 2 else "bob" for i in range(40)]
    people = np.where(np.arange(40)[:, None, None, None] % 2, images[:40], 255 - images[:40])
    done = tinyfiqa.train(people, names, model="mobilefacenet_x0_5", epochs=1, batch=20)
    assert done.epochs[0].accuracy > 0 and done.model.name == "mobilefacenet_x0_5"
    embeddings = done.model.predict(people)
    assert embeddings.shape[0] == 40 and embeddings.ndim == 2 and np.isfinite(embeddings).all()


def test_faces_are_cut_out_by_boxes_and_landmarks():
    photo = np.asarray(Image.open(ROOT / "examples/photos/astronaut.jpg").convert("RGB"))
    face = tinyfiqa.score(photo).face
    model = tinyfiqa.Model(ROOT / "weights/tinyfqnet.safetensors")
    scorer = tinyfiqa.Scorer(ROOT / "weights/tinyfqnet.safetensors", views="identity")
    by_landmarks = model.predict([photo], landmarks=[face.landmarks])[0]
    assert by_landmarks == pytest.approx(scorer.score_known_face(photo, landmarks=face.landmarks).raw, abs=1e-6)
    by_box = model.predict([photo], boxes=[face.box])[0]
    assert by_box == pytest.approx(scorer.score_known_face(photo, box=face.box).raw, abs=1e-6)
    assert len({float(by_landmarks), float(by_box), float(model.predict([photo])[0])}) == 3


def test_pandas_columns_are_images_and_labels(noisy_faces, tmp_path):
    pandas = pytest.importorskip("pandas")
    images, labels = noisy_faces
    paths = [str(tmp_path / f"{i}.png") for i in range(len(images))]
    for path, image in zip(paths, images):
        Image.fromarray(image).save(path)
    table = pandas.DataFrame({"path": paths, "score": labels}).sample(frac=1, random_state=1)
    done = tinyfiqa.train(table["path"], table["score"], **{**SETTINGS, "epochs": 1})
    table["raw"] = done.model.predict(table["path"])
    assert tinyfiqa.evaluate(table["raw"], table["score"]).pairs == len(table)


def test_intervals_hold_the_value():
    random = np.random.default_rng(1)
    labels = random.uniform(size=200)
    metrics = tinyfiqa.evaluate(labels + random.normal(0, 0.2, 200), labels, resamples=200)
    for name, (low, high) in metrics.intervals.items():
        assert low < getattr(metrics, name) < high
    assert tinyfiqa.evaluate(labels, labels).srcc == 1 and tinyfiqa.evaluate(labels, labels).intervals is None


def test_errors_of_training_say_what_is_wrong(noisy_faces, tmp_path):
    images, labels = noisy_faces
    wrong = {
        "120 images, but 5 labels": lambda: tinyfiqa.train(images, labels[:5]),
        "outside 0..1": lambda: tinyfiqa.train(images, labels * 100),
        "no model is called 'x'": lambda: tinyfiqa.train(images, labels, model="x"),
        "loss='l'; it may be mse": lambda: tinyfiqa.train(images, labels, loss="l"),
        "must be names": lambda: tinyfiqa.train(images, labels, model="mobilefacenet"),
        "must be numbers": lambda: tinyfiqa.train(images, ["a"] * 120),
        "label of image 7 is nan": lambda: tinyfiqa.train(images, np.where(np.arange(120) == 7, np.nan, labels)),
        "momentum=5": lambda: tinyfiqa.train(images, labels, momentum=5),
        "size=0": lambda: tinyfiqa.train(images, labels, size=(0, 64)),
        "lr=-1": lambda: tinyfiqa.train(images, labels, lr=-1),
        "index below 0": lambda: tinyfiqa.train(images, labels, validation=[-1]),
        "at least 1": lambda: tinyfiqa.train(images, labels, epochs=0),
        "has no pixels of order": lambda: tinyfiqa.train(images[:, :, :, :2], labels),
        "boxes has 4 numbers": lambda: tinyfiqa.train(images, labels, boxes=[[0, 0, 9, 9]]),
        "can't start from": lambda: tinyfiqa.train(images, labels, start=tinyfiqa.Model(model="mobilefacenet")),
        "faces are found by Detector": lambda: tinyfiqa.Model(ROOT / "weights/detector.safetensors").predict(images[:1]),
        "give a weight file": lambda: tinyfiqa.Model(),
        "but 2 labels": lambda: tinyfiqa.evaluate([1, 2, 3], [1, 2]),
    }
    for message, call in wrong.items():
        with pytest.raises((ValueError, tinyfiqa.Error), match=message):
            call()
    with pytest.raises(IndexError, match="validation has 500"):
        tinyfiqa.train(images, labels, validation=[1, 500])
    with pytest.raises(FileNotFoundError, match="no_such.png"):
        tinyfiqa.train([*images[:4], "no_such.png"], labels[:5], validation=[0, 1])
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(tinyfiqa.Error, match="damaged.png"):
        tinyfiqa.Model(model="tinyfqnet").predict([damaged])


def test_ctrl_c_ends_a_training(tmp_path):
    """In a process of its own, which sends itself the signal after the first epoch."""
    program = tmp_path / "train.py"
    program.write_text(
        "import os, signal, numpy as np, tinyfiqa\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell\n"
        "images = np.zeros((64, 64, 64, 3), np.uint8)\n"
        "stop = lambda epoch: os.kill(os.getpid(), signal.SIGINT)\n"
        "tinyfiqa.train(images, np.linspace(0, 1, 64), epochs=10**6, batch=8, on_epoch=stop)\n"
    )
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert "KeyboardInterrupt" in ended.stderr and ended.returncode != 0
