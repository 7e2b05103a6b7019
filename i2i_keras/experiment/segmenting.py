"""What is done with a trained segmenter: any images, export."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras import stack
from i2i_keras.data import each_image, transforms
from i2i_keras.data.find_images import Made, find_images
from i2i_keras.data.records import Record, is_image, open_image, read_image, spread
from i2i_keras.data.tables import prepared
from i2i_keras.data.tree import by_suffix
from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.errors import DataError, FileError, SettingsError
from i2i_keras.evaluation.any_image import Pixels, View
from i2i_keras.experiment import contents
from i2i_keras.experiment.choosing import TrainedSegmenter
from i2i_keras.models import formats
from i2i_keras.run_folder import files, locks
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.trained import LoadedSegmenter
from i2i_keras.training import checkpoints
from i2i_keras.translators import inference
from i2i_keras.translators.export import odd_part

Scale = Literal["working", "native"]

# Share of the pixels that may come out as another class, as kernels round.
BOUND = 1e-4
_NUM_COMPARED = 10
# Tables whose images have the working size.
_TABLES = ("target-train", "target-test", "source-train")


class Look(NamedTuple):
    """How images are segmented, and what is written of them.

    Attributes:
        scale: `working` = resized to the height of the images that it was
            trained on, and back; `native` = at their own size.
        probabilities: whether those of all classes are written, too.
    """

    scale: Scale = "working"
    probabilities: bool = False


def segment_images(
    trained: TrainedSegmenter, images: Sequence[str], out: Path, shard: locks.Shard, look: Look
) -> Made:
    """Segments images, each of any size; unreadable ones are left out.

    Args:
        trained: the segmenter.
        images: folders, files or patterns.
        out: folder that gets `classes/NAME.png`, `overlays/NAME.png`,
            `classes.json` and, if they are wanted, `probabilities/NAME.npz`.
        shard: what this process does.
        look: how.

    Raises:
        SettingsError: `out` has the name of an image.
    """
    if is_image(out) and not out.is_dir():
        raise SettingsError(
            f"{out} is to be a folder, of classes and overlays; give one for --out."
        )
    folders = [out / name for name in ("classes", "overlays", "probabilities")]
    folders = folders if look.probabilities else folders[:2]
    found = find_images(images, out, *folders)
    records, unreadable = shard.of(found.records), list[FileError]()
    space = read_space(trained.run.label_space)
    with locks.sharing(out, shard):
        network = trained.load()
        view = build_view(trained, network, look)
        compute = build_computer(view, space, look)

        def places(name: str) -> list[Path]:
            endings = (".png", ".png", ".npz")
            return [folder / f"{name}{end}" for folder, end in zip(folders, endings, strict=False)]

        each_image.refuse_others(records, places)
        facts = _classes(space)
        origin = [checkpoints.hashes(trained.folder, trained.step), facts, view.height, view.window]
        with locks.in_turn(out):
            _write_classes(out / "classes.json", facts)
        bits = contents.bits(trained.run, "target", found.records)
        maker = each_image.Maker(compute, places, files.fingerprint(origin), "probabilities", bits)
        each_image.make_of_each(records, maker, f"segment {trained.arm}", unreadable)
    return Made(len(records) - len(unreadable), unreadable, by_suffix(found.others))


def _write_classes(path: Path, facts: files.Facts) -> None:
    """Writes the names of the classes, not over a file of another kind.

    Raises:
        DataError: such a file is there.
    """
    if path.exists():
        there = files.read_json(path).values()
        if not all(isinstance(row, dict) and row.keys() == {"name", "color"} for row in there):
            raise DataError(
                f"{path} is there and was not made by i2i-keras; move it away, or give another"
                " --out."
            )
    files.write_json(path, facts)


def export(trained: TrainedSegmenter, kind: str, out: Path, image: Path | None) -> tuple[int, int]:
    """Writes the network in a format that runs without this package.

    It takes uint8 images of any size and gives the number of each pixel's
    class; the names of the classes are within.

    Args:
        trained: the segmenter.
        kind: a key of `formats.FORMATS`.
        out: file or folder that is made.
        image: to compare on, whole and cut; None = ten of the target's.

    Returns:
        Pixels that came out as another class than the network's own, and how
        many were compared.

    Raises:
        DataError: they are more than `BOUND`; then nothing is written.
    """
    formats.check_format(kind)
    records = [Record("", image, None)] if image else prepared(trained.run, "target-train")
    pictures = [np.asarray(read_image(r.image)) for r in spread(records, _NUM_COMPARED)]
    network = trained.load()
    run, view = inference.portable(network.model), View(network.segment, network.stride)

    def compute(image: tf.Tensor) -> tf.Tensor:
        logits = run(transforms.normalize(image))
        return tf.cast(tf.argmax(logits, -1, tf.int32), tf.uint8)

    def check(theirs: formats.Written) -> tuple[int, int]:
        other = total = 0
        for pixels in [part for picture in pictures for part in (picture, odd_part(picture))]:
            other += int((theirs(pixels[np.newaxis])[0] != view.classes(pixels)).sum())
            total += pixels.shape[0] * pixels.shape[1]
        if other > BOUND * total:
            raise DataError(
                f"{kind} gives {other} of {total} pixels another class than the network itself,"
                f" more than 1 in {1 / BOUND:.0f}; {out} is not written, try another format."
            )
        return other, total

    names, weights = (
        read_space(trained.run.label_space).names,
        stack.variables_of(network.model.variables),
    )
    return formats.write(formats.Function(compute, "classes", weights, names), kind, out, check)


def build_view(trained: TrainedSegmenter, network: LoadedSegmenter, look: Look) -> View:
    """How a trained segmenter sees images of any size.

    Args:
        trained: where it comes from.
        network: the same, loaded.
        look: at which scale.
    """
    return View(network.segment, network.stride, height_seen(trained.run, look), trained.window())


def build_computer(
    view: View, space: LabelSpace, look: Look
) -> Callable[[Pixels], Sequence[NDArray[Any]]]:
    """From an image to its classes, overlay and, if wanted, probabilities."""
    colors = space.colors.astype(np.uint16)

    def compute(pixels: Pixels) -> Sequence[NDArray[Any]]:
        more: list[NDArray[Any]] = []
        if look.probabilities:
            classes, probabilities = view.classes_and_probabilities(pixels)
            more.append(probabilities)
        else:
            classes = view.classes(pixels)
        overlay = (pixels + colors[classes] + 1) // 2
        return [classes, overlay.astype(np.uint8), *more]

    return compute


def height_seen(run: Run, look: Look) -> int | None:
    """The height of a run's images, if others shall be seen there.

    Raises:
        DataError: it has none.
    """
    if look.scale == "native":
        return None
    for table in (name for name in _TABLES if run.table(run.records, name).is_file()):
        for record in prepared(run, table):
            return open_image(record.image).height
    raise DataError(f"{run.records} has no image, so that the working size is unknown; prepare it.")


def _classes(space: LabelSpace) -> files.Facts:
    rows = zip(space.names, space.colors.tolist(), strict=True)
    return {str(number): {"name": n, "color": c} for number, (n, c) in enumerate(rows)}
