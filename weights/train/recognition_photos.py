#!/usr/bin/env python3
"""Takes the photos of public repositories from which the family of tinyFQnet is trained, besides those of docs/reproduce.md.

  recognition_photos.py CLONES OUT
  recognition_photos.py --list          prints the repositories and commits, then ends

CLONES contains clones of the repositories in SOURCES, in folders as `detector_photos.py` takes them. The script writes to OUT:

  photos/SOURCE_NNNNN.jpg  longer side at most 640 pixels
  photos.csv               path, identity (empty where the source tells none), source, original

The photos show real people. They are for research on your own machine: never publish them. Needs git, Pillow and numpy.
"""
import csv
import io
import re
import sys
from pathlib import Path

from PIL import Image, ImageOps

from clones import BlobReader, Source, find_clone, list_blobs, to_rgb

LONGER_SIDE = 640

# The first group of a pattern is the person.
SOURCES = [
    Source("cfp", "zhangjunh/DR-GAN-by-pytorch", "12de9e083449d5ab0b6cd63afc8df697bd7f63c2", r"^cfp-dataset/Data/Images/(?:.*/)?(\d+)/(?:frontal|profile)/.*\.jpg$"),
    Source("pins30", "alisahito17/Hollywood-Actors-Face-Recognition-using-CNN", "196043b94326e9ebc1e2f47630e56effc6503112", r"^Hollywood_actors/(pins_[^/]+)/.*\.jpg$"),
    Source("msceleb14", "DigitalNegatives/DataScience-Celebrity-Image-Classification", "38363626f86a939e7e5fda093bcc9a6cd85764d5", r"MsCelebV1-Faces-Cropped\.Samples/([^/]+)/.*\.(?:jpe?g|png)$"),
    Source("celeb18", "caernations/celebrity-face-recognition", "7261e34a31a3a7a878c292344a5d9fb332b35ca6", r"^Celebrity_Faces_Dataset/([^/]+)/.*\.(?:jpe?g|png)$"),
    Source("actors4", "ksathur/Wave-App--Actors-Face-Recognition", "8397e64f54b0320071b958422a554d8ceddb123b", r"^dataset/raw/([^/]+)/.*\.(?:jpe?g|png)$"),
    Source("sports5", "RohanRajesh55/Celebrity-image-classification", "fcf166a5f8f17278323c4ff6e35e1b6a5e69f3d4", r"^datasets/raw/([^/]+)/.*\.(?:jpe?g|png)$"),
    Source("celeb12", "setoudie/celebrity-face-regnition-app", "1ec0a365dd840b298801b4155e70390f234e1aed", r"^ml_models/images/([^/]+)/.*\.(?:jpe?g|png)$"),
    Source("utkface", "xerow03/UTKFace", "d5a7ff2988caf3f49d2c6b47c7569fcf3fc85a0f", r"^data/.*\.jpg$"),
    Source("aaf", "middleyuan/All-Age-Faces-Dataset", "28741a75e2efb7a2f96e13d4beb58411536f473d", r"/original images/.*\.jpg$"),
    Source("scutfbp", "dduygaucho/SCUT-FBP5000", "f5be42e82483e7a902da0f5d254c071d35eb01d7", r"^data/landing/Images/.*\.jpg$"),
]


def small_jpeg(data):
    """Returns the file's bytes if it is a small JPEG that needs no rotation, or else a JPEG of it."""
    image = Image.open(io.BytesIO(data))
    if image.format == "JPEG" and image.mode == "RGB" and max(image.size) <= LONGER_SIDE and image.getexif().get(0x0112, 1) == 1:
        image.load()
        return data
    image = to_rgb(ImageOps.exif_transpose(image))
    image.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def photos(source, clones):
    """Yields (original path, person or "", JPEG) of each different photo of a repository."""
    clone = find_clone(clones, source.repo)
    if clone is None:
        sys.exit(f"{clones} has no clone of {source.repo}; see --list")
    blobs, seen = list_blobs(clone, source.commit), set()
    with BlobReader(clone) as reader:
        for path in source.choose(blobs):
            person = re.search(source.pattern, path).groups()
            data = None if blobs[path] in seen else reader.read(blobs[path])
            seen.add(blobs[path])
            if data is None:
                continue
            try:
                yield path, f"{source.name} {person[0]}" if person else "", small_jpeg(data)
            except (OSError, ValueError, SyntaxError) as error:
                print(f"{source.name}: {path}: {error}", file=sys.stderr)


def main(clones, out):
    (out / "photos").mkdir(parents=True, exist_ok=True)
    with open(out / "photos.csv.part", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["path", "identity", "source", "original"])
        for source in SOURCES:
            number = -1
            for number, (path, person, jpeg) in enumerate(photos(source, clones)):
                name = f"photos/{source.name}_{number:05d}.jpg"
                (out / name).write_bytes(jpeg)
                table.writerow([name, person, source.name, path])
            print(f"{source.name}: {number + 1} photos", flush=True)
    (out / "photos.csv.part").rename(out / "photos.csv")


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        for s in SOURCES:
            print(s.repo, s.commit)
    elif len(sys.argv) == 3:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
