"""Applies a translator to images on disk; labels are kept, not copied."""

import collections
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm

from i2i_keras import runs
from i2i_keras.data import transforms
from i2i_keras.data.records import IMAGE_SUFFIXES, Record, images_in, read_image
from i2i_keras.errors import DataError

Translate = Callable[[tf.Tensor], tf.Tensor]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Images that are read ahead, and as many that wait to be written.
_AHEAD = 4
# The key of a PNG's text that says what the image was made from, and by what.
_ORIGIN = "i2i_keras"


class _Picture(NamedTuple):
    record: Record
    pixels: NDArray[np.uint8]
    origin: str


def translate_records(
    translate: Translate,
    records: Sequence[Record],
    folder: Path,
    description: str,
    translator: str,
) -> list[Record]:
    """Translates the images of records; each may have its own size.

    Images are read and written by threads while the network is at work on
    others. Each is written whole or not at all, and says of itself what it was
    made from: one that is there already is kept if the same translator would
    make it from the same file.

    Args:
        translate: from images in [-1, 1] to images of the same shape; it is
            given one at a time.
        records: what to translate.
        folder: gets `NAME.png` of every record.
        description: what the progress bar says.
        translator: fingerprint of all that `translate` depends on.

    Returns:
        Records of the translated images, with the same names and labels.
    """
    left = unfinished(records, folder, translator)

    def read(record: Record) -> _Picture:
        pixels = np.asarray(read_image(record.image))
        return _Picture(record, pixels, _origin(record, translator))

    def compute(picture: _Picture) -> _Picture:
        return picture._replace(pixels=translate_pixels(translate, picture.pixels))

    def write(picture: _Picture) -> None:
        text = PngInfo()
        text.add_text(_ORIGIN, picture.origin)
        with runs.replacing(folder / f"{picture.record.name}.png") as draft:
            Image.fromarray(picture.pixels).save(draft, "PNG", compress_level=1, pnginfo=text)

    with ThreadPoolExecutor(_AHEAD) as readers, ThreadPoolExecutor(_AHEAD) as writers:
        pictures = _in_threads(readers, read, left)
        written = _in_threads(writers, write, map(compute, pictures))
        total, kept = len(records), len(records) - len(left)
        bar = tqdm(desc=description, total=total, initial=kept, unit="image", mininterval=1.0)
        with bar:
            for _ in written:
                bar.update()
    return [record._replace(image=folder / f"{record.name}.png") for record in records]


def translate_pixels(translate: Translate, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Translates an image `(height, width, 3)`, as it would be written."""
    image = transforms.normalize(tf.constant(pixels))
    return transforms.denormalize(translate(image[tf.newaxis]))[0].numpy()


def unfinished(records: Sequence[Record], folder: Path, translator: str) -> list[Record]:
    """Records whose image is not in the folder, or was made from others."""
    return [
        record
        for record in records
        if not (path := folder / f"{record.name}.png").is_file()
        or _origin_of(path) != _origin(record, translator)
    ]


def find_images(what: str, out: Path) -> list[Record]:
    """Finds images to translate.

    Args:
        what: a folder, an image file, or a pattern such as `photos/**/*.JPG`.
        out: folder that the translated images shall go to.

    Returns:
        Records without labels, by path.

    Raises:
        DataError: there are none, two of them would become one file, or they
            lie in `out` themselves.
    """
    paths = _matching(what)
    if out.resolve() in {path.parent.resolve() for path in paths} | {Path(what).resolve()}:
        raise DataError(f"{out} holds the images themselves; give another folder for --out.")
    if not paths:
        raise DataError(f"{what} holds no PNG or JPEG; give a folder of images.")
    names: dict[str, Path] = {}
    for path in paths:
        # Some file systems make no difference between A.png and a.png.
        other = names.setdefault(path.stem.casefold(), path)
        if other != path:
            raise DataError(f"{other} and {path} would both become {path.stem}.png; rename one.")
    return [Record(path.stem, path, None) for path in paths]


def _matching(what: str) -> list[Path]:
    path = Path(what)
    if path.is_dir():
        return images_in(path)
    if path.is_file():
        return [path]
    root = Path(path.anchor)
    return sorted(
        found
        for found in root.glob(str(path.relative_to(root)))
        if found.suffix.lower() in IMAGE_SUFFIXES
        and not found.name.startswith(".")
        and found.is_file()
    )


def _origin(record: Record, translator: str) -> str:
    pixels = hashlib.sha256(record.image.read_bytes()).hexdigest()
    return runs.fingerprint([translator, pixels])


def _origin_of(path: Path) -> str | None:
    try:
        with Image.open(path) as image:
            origin: str | None = image.info.get(_ORIGIN)  # Does not decode the pixels.
            return origin
    except OSError:
        return None


def _in_threads(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """Calls a function on items in order, a few of them ahead."""
    pending: collections.deque[Future[Result]] = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
