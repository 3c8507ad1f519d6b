#!/usr/bin/env python3
"""Build the training photo set of the face detector from public repositories.

Usage:

    detector_photos.py CLONES OUTPUT --detector-set DIR --teacher yunet.onnx

CLONES holds the repositories named in SOURCES below. Each may be an ordinary
clone (`git clone https://github.com/OWNER/NAME`), a bare clone or a mirror, in
a folder called OWNER+NAME, OWNER/NAME, OWNER-NAME, OWNER_NAME or NAME,
optionally one level deeper in `repo` or with the suffix `.git`. Pictures are
read with git from the commit given here, never from a work tree. `--list`
prints the repositories with their commits and ends.

The detector set is a folder with `images.csv`, `backgrounds.csv` and the
pictures they name. Its train part is copied as it is; its test part is what no
training picture may resemble.

Written to OUTPUT:

    photos/SOURCE_NNNNN.jpg  longer side at most 640, JPEG quality 90, RGB
    photos.csv               path,kind,source,repo_commit,original
    dropped.csv              source,original,reason,detail

Kinds: in a `background` the teacher network sees no face (score below 0.3, at
full and at half size); anything else is a `photo`. Pictures the teacher errs on
are listed in `detector_reviewed.csv` beside this script (source,original,verdict), all
looked at by eye: a `hard_negative` shows no face and no person, yet the teacher
fires; it becomes a background of the source SOURCE_hard. What is to `leave_out`
is neither (animals beside people, apes, faces the teacher misses). The pictures show real people and are for research
on the own machine only: never publish them or commit them.

Needs git, numpy, Pillow and onnxruntime.
"""

import argparse
import csv
import io
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from clones import PHOTO, BlobReader, Source, find_clone, list_blobs, to_rgb

LONGER_SIDE = 640
SHORTER_SIDE_AT_LEAST = 48
JPEG_QUALITY = 90
TEST_CORRELATION = 0.95  # above this a candidate counts as a test picture
SOURCE_CORRELATION = 0.98  # above this as a picture of an earlier source
FACE_SCORE = 0.3  # from here on the teacher "fires"
THUMBNAIL = 16

BACKGROUND = "background"  # dropped where the teacher fires
EITHER = "either"  # a photo where the teacher fires, else a background

HARD = "hard_negative"  # the verdicts
LEAVE_OUT = "leave_out"

CALTECH_WITH_FACES = "Faces|Faces_easy|buddha"


# In order of worth: of two alike pictures the earlier source keeps its own.
SOURCES = [
    Source("helen", "Spinkoo/Face-alignement", "e08a16aa91ad771df34e75f70bc5aaf20238ff6a", r"^helen/.*\.jpg$"),
    Source("scut_head_b", "alexanderbaranof/test-for-image", "1519afa835c828e4adab100f0507e5dace8f4ff2", r"^JPEGImages/PartB.*\.jpg$", limit=1300),
    Source("scut_head_a", "alexanderbaranof/test-for-image", "1519afa835c828e4adab100f0507e5dace8f4ff2", r"^JPEGImages/PartA.*\.jpg$", limit=700),
    Source("rwmfd", "X-zhangyang/Real-World-Masked-Face-Dataset", "b6772855cc581f42b851dc53b78d4ba852cc3860", r"^RWMFD_part_1/.*\.(jpe?g|png)$"),
    Source("ccp", "bearpaw/clothing-co-parsing", "fe34fb77721a9973fbae92c05f7f12b664d10110", r"^photos/.*\.jpg$", limit=1200),
    Source("karan_mask", "KaranFriends/Mask-Dataset", "b81cf14aecd366d8262be4b4e4d4b26bcfbb64d1", r"^trainingimages/.*\.(jpe?g|png)$"),
    Source("coco128", "lightly-ai/coco128_yolo", "6d6f7a059ea63efffdbe48aca2d52c04d4c510e9", r"^images/train2017/.*\.jpg$"),
    Source("imagenet1000", "EliSchwartz/imagenet-sample-images", "bc69043e2862758a1906c6a24a792bb28c6bb2ff", r"\.JPEG$", EITHER),
    Source("lowlight_dicm", "Li-Chongyi/Zero-DCE", "e0f4adc54d0f23348c4a9b84acc08fe8778d5bfd", r"/test_data/.*\.(jpe?g|png|bmp)$"),
    Source("humanseg", "VikramShenoy97/Human-Segmentation-Dataset", "fe4efc56003005a58b7d2449aa563a20e3861e24", r"^Training_Images/.*\.(jpe?g|png)$"),
    Source("celeb18", "caernations/celebrity-face-recognition", "7261e34a31a3a7a878c292344a5d9fb332b35ca6", r"^Celebrity_Faces_Dataset/.*\.(jpe?g|png)$"),
    Source("actors4", "ksathur/Wave-App--Actors-Face-Recognition", "8397e64f54b0320071b958422a554d8ceddb123b", r"^dataset/raw/.*\.(jpe?g|png)$"),
    Source("aaf", "middleyuan/All-Age-Faces-Dataset", "28741a75e2efb7a2f96e13d4beb58411536f473d", r"/original images/.*\.jpg$", limit=1200, every=11),
    Source("cfp_profile", "zhangjunh/DR-GAN-by-pytorch", "12de9e083449d5ab0b6cd63afc8df697bd7f63c2", r"^cfp-dataset/Data/Images/.*/profile/.*\.jpg$", limit=600),
    Source("cfp_frontal", "zhangjunh/DR-GAN-by-pytorch", "12de9e083449d5ab0b6cd63afc8df697bd7f63c2", r"^cfp-dataset/Data/Images/.*/frontal/.*\.jpg$", limit=300),
    Source("bsds500", "BIDS/BSDS500", "a04b7c6c3a9f0ace74bf205c72a43d32e1c72722", r"^BSDS500/data/images/.*\.jpg$"),
    Source("mapimgs", "Cartucho/mAP", "3605865a350859e60c7b711838d09c4e0012c774", r"^input/images-optional/.*\.jpg$", EITHER),
    Source("houses", "emanhamed/Houses-dataset", "5e148219500558089cf5cf121b626b17fdde9b92", r"\.jpg$", BACKGROUND, limit=500),
    Source("caltech101", "MachineLearning2020/Homework2-Caltech101", "836044dd000296b2bb74d0aa4b4e462e459b01d7", rf"^101_ObjectCategories/(?!({CALTECH_WITH_FACES})/).*\.jpg$", BACKGROUND, limit=1500),
    Source("urban100", "jbhuang0604/SelfExSR", "8f6dd8c1d20cb7e8792a7177b4f6fd677633f598", r"^data/(Urban100/image_SRF_4|Sun-Hays80/image_SRF_8)/.*HR\.png$", BACKGROUND),
    Source("clothing", "alexeygrigorev/clothing-dataset-small", "11961516512414bf9f6c150a832cfd21b54a6b54", r"\.jpg$", BACKGROUND, limit=400),
    Source("sroie", "zzzDavid/ICDAR-2019-SROIE", "27be4271b251c256f695acbade9a801bffe85994", r"^data/img/.*[02468]\.jpg$", BACKGROUND, limit=150),
    Source("sroie_text", "zzzDavid/ICDAR-2019-SROIE", "27be4271b251c256f695acbade9a801bffe85994", r"^data/img/.*[13579]\.jpg$", BACKGROUND, limit=150, top_square=True),
]


def read_verdicts(path):
    """Return {(source, original): verdict} of what was looked at by eye."""
    with open(path, newline="") as file:
        return {(r["source"], r["original"]): r["verdict"] for r in csv.DictReader(file)}


# -------------------------------------------------------------------- pictures


def shrink(data, top_square=False):
    """Decode a picture file upright and no larger than LONGER_SIDE."""
    image = Image.open(io.BytesIO(data))
    # Lets the JPEG decoder halve very large photos; never below twice the aim.
    shorter = min(image.size) if top_square else max(image.size)
    factor = max(1.0, shorter / (2 * LONGER_SIDE))
    image.draft("RGB", tuple(int(np.ceil(side / factor)) for side in image.size))
    image = to_rgb(ImageOps.exif_transpose(image))
    if top_square:
        side = min(image.size)
        image = image.crop((0, 0, side, side))
    longer = max(image.size)
    if longer > LONGER_SIDE:
        size = [max(1, round(side * LONGER_SIDE / longer)) for side in image.size]
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image


def encode(image):
    """Return `image` as the bytes of a JPEG without metadata."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


def thumbnail(image):
    """Return the unit vector pictures are compared by, or None if it is flat."""
    size = (THUMBNAIL, THUMBNAIL)
    grey = image.convert("L").resize(size, Image.Resampling.BOX)
    values = np.asarray(grey, np.float32).ravel()
    values -= values.mean()
    length = np.linalg.norm(values)
    return values / length if length > THUMBNAIL else None


class Gallery:
    """Thumbnails, also mirrored, to find what a picture resembles."""

    def __init__(self):
        self.rows = np.empty((1024, THUMBNAIL * THUMBNAIL), np.float32)
        self.names = []

    def add(self, vector, name):
        """Add one thumbnail and its mirror image under `name`."""
        if vector is None:
            return
        flipped = vector.reshape(THUMBNAIL, THUMBNAIL)[:, ::-1].ravel()
        for row in (vector, flipped):
            if len(self.names) == len(self.rows):
                self.rows = np.concatenate([self.rows, np.empty_like(self.rows)])
            self.rows[len(self.names)] = row
            self.names.append(name)

    def nearest(self, vector):
        """Return (correlation, name) of the most alike thumbnail."""
        if vector is None or not self.names:
            return 0.0, ""
        correlations = self.rows[: len(self.names)] @ vector
        best = int(correlations.argmax())
        return float(correlations[best]), self.names[best]


class Teacher:
    """YuNet as ONNX with free height and width: the highest face score."""

    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        strides = (8, 16, 32)
        self.outputs = [f"{o}_{s}" for o in ("cls", "obj") for s in strides]

    def score_once(self, image):
        """Return the highest sqrt(cls * obj) of the picture at its own size."""
        bgr = np.asarray(image, np.float32)[:, :, ::-1]
        height, width = bgr.shape[:2]
        padded = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
        padded[0, :, :height, :width] = bgr.transpose(2, 0, 1)
        outputs = self.session.run(self.outputs, {"input": padded})
        return max(
            float(np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1)).max())
            for cls, obj in zip(outputs[:3], outputs[3:])
        )

    def score(self, image):
        """Return the highest score at full and at half size (large faces)."""
        half = image.resize([max(32, side // 2) for side in image.size], Image.Resampling.BOX)
        return max(self.score_once(image), self.score_once(half))


# ------------------------------------------------------------------- the whole


class Builder:
    """Takes pictures one by one, keeps the good ones and writes the tables."""

    def __init__(self, output, teacher, verdicts):
        self.output = output
        self.teacher = teacher
        self.test = Gallery()
        self.earlier = Gallery()  # pictures kept from the sources before
        self.current = []  # thumbnails kept from the source at hand
        self.kept = Counter()
        self.numbers = Counter()
        self.why_dropped = Counter()
        self.verdicts = verdicts
        (output / "photos").mkdir(parents=True, exist_ok=True)
        self.files = [open(output / n, "w", newline="") for n in ("photos.csv", "dropped.csv")]
        self.photos, self.dropped = (csv.writer(f, lineterminator="\n") for f in self.files)
        self.photos.writerow(["path", "kind", "source", "repo_commit", "original"])
        self.dropped.writerow(["source", "original", "reason", "detail"])

    def close(self):
        """Finish the tables."""
        for file in self.files:
            file.close()

    def drop(self, source, original, reason, detail=""):
        """Note a picture that was left out."""
        self.why_dropped[source, reason] += 1
        self.dropped.writerow([source, original, reason, detail])

    def keep(self, data, vector, kind, source, repo_commit, original):
        """Write one picture and its row."""
        name = f"photos/{source}_{self.numbers[source]:05d}.jpg"
        self.numbers[source] += 1
        self.kept[source, kind] += 1
        (self.output / name).write_bytes(data)
        self.photos.writerow([name, kind, source, repo_commit, original])
        self.current.append((vector, name))

    def end_source(self):
        """Make the source's pictures count as earlier ones from now on."""
        for vector, name in self.current:
            self.earlier.add(vector, name)
        self.current = []
        for file in self.files:
            file.flush()

    def add_detector_set(self, folder):
        """Learn the test pictures of the detector set; copy its train part."""
        pictures = []
        with open(folder / "images.csv", newline="") as file:
            for row in csv.DictReader(file):
                split = row["file"].split("/")[0]
                pictures.append((row["file"], split, PHOTO, "detector"))
        with open(folder / "backgrounds.csv", newline="") as file:
            for row in csv.DictReader(file):
                hard = row["kind"] == "hard_negative"
                source = "detector_hard_negative" if hard else "detector_background"
                pictures.append((row["file"], row["split"], BACKGROUND, source))
        pictures.sort(key=lambda picture: picture[1] != "test")  # test ones first
        for path, split, kind, source in pictures:
            data = (folder / path).read_bytes()
            image = to_rgb(Image.open(io.BytesIO(data)))
            vector = thumbnail(image)
            if split == "test":
                self.test.add(vector, path)
                continue
            likeness, twin = self.test.nearest(vector)
            score = self.teacher.score(image) if source == "detector_background" else 0.0
            if likeness > TEST_CORRELATION:
                self.drop(source, path, "like a test picture", f"{likeness:.3f} {twin}")
            elif score >= FACE_SCORE:
                self.drop(source, path, "teacher fires", f"{score:.3f}")
            else:
                self.keep(data, vector, kind, source, "detector set", path)
        self.end_source()

    def add_source(self, source, clones):
        """Take the pictures of one repository."""
        clone = find_clone(clones, source.repo)
        if clone is None:
            print(f"{source.name}: no clone of {source.repo}, skipped", file=sys.stderr)
            return
        try:
            blobs = list_blobs(clone, source.commit)
        except subprocess.CalledProcessError:
            print(f"{source.name}: {source.repo} lacks {source.commit}, skipped", file=sys.stderr)
            return
        seen = set()
        with BlobReader(clone) as reader:
            for path in source.choose(blobs):
                if blobs[path] in seen:
                    self.drop(source.name, path, "same file again")
                    continue
                seen.add(blobs[path])
                self.add_picture(source, path, reader.read(blobs[path]))
        self.end_source()

    def add_picture(self, source, path, data):
        """Judge one picture; keep or drop it."""
        if data is None:
            return self.drop(source.name, path, "absent")
        try:
            data = encode(shrink(data, source.top_square))
            image = Image.open(io.BytesIO(data)).convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return self.drop(source.name, path, "does not decode", type(error).__name__)
        if min(image.size) < SHORTER_SIDE_AT_LEAST:
            return self.drop(source.name, path, "too small", "{}x{}".format(*image.size))
        vector = thumbnail(image)
        likeness, twin = self.test.nearest(vector)
        if likeness > TEST_CORRELATION:
            return self.drop(source.name, path, "like a test picture", f"{likeness:.3f} {twin}")
        likeness, twin = self.earlier.nearest(vector)
        if likeness > SOURCE_CORRELATION:
            return self.drop(source.name, path, "like an earlier source", f"{likeness:.3f} {twin}")
        name, kind = source.name, source.kind
        verdict = self.verdicts.get((name, path))
        if verdict and kind != BACKGROUND:
            self.numbers[name] += 1  # the review shall not change other names
        if verdict == LEAVE_OUT:
            return self.drop(name, path, "left out after review")
        if verdict == HARD:
            name, kind = f"{name}_hard", BACKGROUND
        elif kind != PHOTO:
            score = self.teacher.score(image)
            if kind == EITHER:
                kind = PHOTO if score >= FACE_SCORE else BACKGROUND
            elif score >= FACE_SCORE:
                return self.drop(source.name, path, "teacher fires", f"{score:.3f}")
        self.keep(data, vector, kind, name, f"{source.repo}@{source.commit[:12]}", path)

    def report(self):
        """Print what was kept and what was dropped."""
        for (source, kind), count in self.kept.items():
            print(f"kept     {count:6d}  {source} {kind}")
        for (source, reason), count in self.why_dropped.items():
            print(f"dropped  {count:6d}  {source}: {reason}")
        for kind in (PHOTO, BACKGROUND):
            print(f"total    {sum(n for (_, k), n in self.kept.items() if k == kind):6d}  {kind}")


def main():
    """Read the command line and build the set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clones", type=Path, nargs="?", help="folder of the cloned repositories")
    parser.add_argument("output", type=Path, nargs="?", help="folder to write to")
    parser.add_argument("--detector-set", type=Path, help="folder with images.csv and backgrounds.csv")
    parser.add_argument("--teacher", type=Path, help="YuNet as ONNX with free height and width")
    parser.add_argument(
        "--reviewed", type=Path, default=Path(__file__).with_name("detector_reviewed.csv"),
        help="what was looked at by eye (default: detector_reviewed.csv beside this script)",
    )
    parser.add_argument("--list", action="store_true", help="print repositories and commits, then end")
    options = parser.parse_args()
    if options.list:
        for repo, commit in dict.fromkeys((s.repo, s.commit) for s in SOURCES):
            print(f"{repo} {commit}")
        return
    if not all((options.clones, options.output, options.detector_set, options.teacher)):
        parser.error("CLONES, OUTPUT, --detector-set and --teacher are needed")

    builder = Builder(options.output, Teacher(options.teacher), read_verdicts(options.reviewed))
    builder.add_detector_set(options.detector_set)
    for source in SOURCES:
        builder.add_source(source, options.clones)
        count = builder.numbers[source.name]
        print(f"{source.name}: {count}", file=sys.stderr, flush=True)
    builder.close()
    builder.report()


if __name__ == "__main__":
    main()
