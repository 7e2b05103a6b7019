"""The images that networks are shown: those of the run's tests, and uploads."""

import tempfile
from pathlib import Path

import numpy as np

from i2i_keras.data.records import Record, image_size, read_image
from i2i_keras.data.tables import prepared
from i2i_keras.errors import FileError
from i2i_keras.experiment import contents
from i2i_keras.run_folder.run import Run
from i2i_keras.show.networks import Pixels

MOST_BYTES = 64 * 2**20
# Of a camera with 24 megapixels; a network takes minutes for them.
MOST_PIXELS = 25_000_000
_ROLES = ("target", "source")
_SPLITS = ("test", "val", "train")


class RefusedError(Exception):
    """An upload is not taken; the message is one sentence.

    Attributes:
        status: HTTP's number of the reason.
    """

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


def listed_images(run: Run) -> dict[str, list[Record]]:
    """The test images of both domains, or what there is instead, by table.

    Returns:
        Records by tables such as `target-test`; no empty ones.
    """
    if not contents.is_prepared(run):
        return {}
    found: dict[str, list[Record]] = {}
    for role in _ROLES:
        for table in (f"{role}-{split}" for split in _SPLITS):
            records = prepared(run, table) if run.table(run.records, table).is_file() else []
            if records:
                found[table] = records
                break
    return found


def read_upload(data: bytes, run: Run, role: str) -> Pixels:
    """Decodes what a browser has sent.

    Args:
        data: of the file.
        run: which tells how many bits of 16-bit images are in use.
        role: of the domain that it is like.

    Returns:
        `(height, width, 3)` uint8 RGB.

    Raises:
        RefusedError: it is no image, broken, or too large.
    """
    if not data:
        raise RefusedError("No image was sent; choose one.")
    with tempfile.TemporaryDirectory(prefix="i2i-keras-show-") as folder:
        path = Path(folder) / "image"
        path.write_bytes(data)
        try:
            height, width = image_size(path)  # Before anything is decoded.
            if height * width > MOST_PIXELS:
                raise RefusedError(
                    f"The image is of {width}x{height} pixels, more than {MOST_PIXELS:,} in all;"
                    " make it smaller.",
                    413,
                )
            bits = contents.bits(run, role, [Record("", path, None)])
            return np.asarray(read_image(path, bits=bits))
        except FileError as error:
            todo = error.todo.replace("replace it", "take another one")
            raise RefusedError(f"The file {error.what}; {todo}.") from None
