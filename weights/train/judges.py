#!/usr/bin/env python3
"""Runs face networks that are not ours on the faces of a table: recognisers that judge or teach, and the quality networks of others.

  judges.py NETWORK TABLE OUT.npy [--images DIR] [--models DIR] [--jobs N]

NETWORK  edgeface, reid0095 or dlib (recognisers: OUT has an embedding in each row, as the network gives it), lightqnet_dm025 or
         lightqnet_dm100 (OUT has a quality in each row). MODELS holds edgeface_xxs.onnx, intel_reid_0095.onnx, lightqnet-dm025.onnx and
         lightqnet-dm100.onnx; dlib needs the packages dlib-bin and face-recognition-models instead.
TABLE    a CSV with the columns path and five landmarks. Rows whose note is "aligned crop" are aligned faces of 112x112.

`tinyfiqa label --embeddings OUT.npy` makes labels of such embeddings, and `tinyfiqa verify-eval --embeddings OUT.npy` error-versus-discard
curves. The sources of the networks are in docs/references.md. Needs numpy, onnxruntime and OpenCV.
"""
import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Callable, Optional

import cv2
import numpy as np

from face_tables import ALIGNED, LANDMARKS, read

TEMPLATE = np.array(ALIGNED).reshape(5, 2)
# Places of the five points in Intel's crop of side 1, and in dlib's of side 150: of its mean face of 68 points, the eyes' middles, the
# tip of the nose and the corners of the mouth, with a quarter of the face's width as margin.
REID_TEMPLATE = np.array([[0.3156, 0.4616], [0.6827, 0.4616], [0.5003, 0.6405], [0.3495, 0.8247], [0.6534, 0.8233]])
DLIB_TEMPLATE = np.array([[47.55, 46.60], [100.48, 46.60], [74.01, 76.56], [50.41, 103.02], [97.61, 103.02]])
LIGHTQNET_TEMPLATE = 1.6 * np.array([[34.19, 46.16], [65.65, 45.98], [50.12, 82.40]])
BATCH = 32


def similarity(points, template):
    """The 2x3 matrix of the least-squares similarity transform from `points` to `template`."""
    source, target = points - points.mean(0), template - template.mean(0)
    spread = max((source ** 2).sum(), 1e-9)
    a = (source * target).sum() / spread
    b = (source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum() / spread
    rotation = np.array([[a, -b], [b, a]])
    return np.hstack([rotation, (template.mean(0) - rotation @ points.mean(0))[:, None]])


def crop(image, points, template, side):
    """The face of `image` (BGR) with its landmarks at `template`, side x side pixels, black outside."""
    # Landmarks count from the corner of the first pixel, OpenCV from its middle.
    matrix = similarity(points - 0.5, template - 0.5)
    if np.hypot(matrix[0, 0], matrix[1, 0]) < 0.5:  # a large face: the warp alone would skip pixels
        scale = 2 * np.hypot(matrix[0, 0], matrix[1, 0])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix = similarity(points * scale - 0.5, template - 0.5)
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR)


def edgeface_input(image, points):
    return crop(image, points, TEMPLATE, 112)[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1


def reid_input(image, points):
    return crop(image, points, 128 * REID_TEMPLATE, 128).transpose(2, 0, 1).astype(np.float32)


def lightqnet_input(image, points):
    three = np.array([points[0], points[1], (points[3] + points[4]) / 2])
    face = cv2.resize(crop(image, three, LIGHTQNET_TEMPLATE, 160), (96, 96), interpolation=cv2.INTER_AREA)
    return (face.astype(np.float32) - 128) / 128


def dlib_input(image, points):
    return np.ascontiguousarray(crop(image, points, DLIB_TEMPLATE, 150)[:, :, ::-1])


@dataclass(frozen=True)
class Network:
    """A network: its file, its input array, and how that is made of an image and its landmarks."""

    prepare: Callable
    file: Optional[str] = None
    input: Optional[str] = None


NETWORKS = {
    "edgeface": Network(edgeface_input, "edgeface_xxs.onnx", "input"),
    "reid0095": Network(reid_input, "intel_reid_0095.onnx", "input_bgr_0_255"),
    "lightqnet_dm025": Network(lightqnet_input, "lightqnet-dm025.onnx", "input:0"),
    "lightqnet_dm100": Network(lightqnet_input, "lightqnet-dm100.onnx", "input:0"),
    "dlib": Network(dlib_input),
}


def runner(network, models):
    """Returns a function from a list of prepared arrays to an array [n, outputs]."""
    if network.file is None:
        import dlib
        import face_recognition_models

        recogniser = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
        return lambda faces: np.array([list(v) for v in recogniser.compute_face_descriptor(faces)], np.float32)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.path.join(models, network.file), options, providers=["CPUExecutionProvider"])
    return lambda faces: session.run(None, {network.input: np.stack(faces)})[0].reshape(len(faces), -1)


def face(row, images):
    """The image of a row (BGR) and its landmarks."""
    image = cv2.imread(os.path.join(images, row["path"]), cv2.IMREAD_COLOR)
    if image is None:
        sys.exit(f"{row['path']}: cannot be read")
    if row.get("note") == "aligned crop":
        return image, TEMPLATE * (image.shape[1] / 112)
    if not row.get(LANDMARKS[0]):
        sys.exit(f"{row['path']}: has no landmarks; `tinyfiqa detect --data` finds them")
    return image, np.array([float(row[c]) for c in LANDMARKS]).reshape(5, 2)


def outputs(rows, images, models, name):
    """The network's outputs for the rows [n, outputs]."""
    cv2.setNumThreads(1)
    network = NETWORKS[name]
    run = runner(network, models)
    parts = []
    for start in range(0, len(rows), BATCH):
        faces = [network.prepare(*face(row, images)) for row in rows[start:start + BATCH]]
        parts.append(run(faces))
    return np.concatenate(parts)


def run_table(name, table, images, models, jobs=2):
    """The outputs of network `name` for all rows of the CSV `table`."""
    rows = read(table)
    pieces = [rows[start:start + 512] for start in range(0, len(rows), 512)]
    done = []
    # "spawn": a fork of a process in which OpenCV has run threads can wait for ever.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(outputs, pieces, *([value] * len(pieces) for value in (images, models, name))):
            done.append(part)
            print(f"\r{name}: {sum(len(d) for d in done)} of {len(rows)} faces", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return np.concatenate(done).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("table")
    parser.add_argument("out")
    parser.add_argument("--images", default=".")
    parser.add_argument("--models", default=".")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    done = run_table(options.network, options.table, options.images, options.models, options.jobs)
    part = options.out + ".part.npy"
    np.save(part, done)
    os.replace(part, options.out)


if __name__ == "__main__":
    main()
