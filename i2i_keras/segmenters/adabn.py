"""AdaBN: a trained segmenter with the batch-norm statistics of other images."""

from collections.abc import Sequence
from pathlib import Path

from keras import layers

from i2i_keras.data.pipeline import evaluation_batches
from i2i_keras.data.records import Record
from i2i_keras.errors import FileError
from i2i_keras.run_folder import files, writing
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters.trained import load
from i2i_keras.training.weights import save_weights


def adapt(trained: Path, images: Sequence[Path], batch_size: int, folder: Path) -> Facts:
    """Saves a trained segmenter whose batch norms know only the images given.

    Their statistics become the mean over all batches; no weight changes, and no
    label is needed.

    Args:
        trained: folder that `segmenter_training.fit` wrote.
        images: prepared images of the target, all of one size.
        batch_size: images at a time, whose statistics normalize them on the way
            to deeper layers, as in training.
        folder: gets `config.json` and `NETWORK.weights.h5`.

    Returns:
        The number of images, and that of batch norms.

    Raises:
        FileError: the network has no batch norm.

    Reference:
        Li et al., 2016, https://arxiv.org/abs/1603.04779.
    """
    network, _, stride, _ = load(trained)
    norms = [layer for layer in network.layers if isinstance(layer, layers.BatchNormalization)]
    if not norms:
        raise FileError(
            trained, "has a network without batch norm", "leave out the adabn arm that adapts it"
        )
    records = [Record(path.stem, path, None) for path in images]
    for number, (batch, _) in enumerate(evaluation_batches(records, batch_size, stride)):
        for norm in norms:
            norm.momentum = number / (number + 1)  # So that it becomes a mean.
        network(batch, training=True)  # Not in a graph: that would keep a momentum.
    folder.mkdir(parents=True, exist_ok=True)
    name = files.read_json(trained / "config.json")["network"]
    writing.write(folder / "config.json", (trained / "config.json").read_bytes())
    save_weights(network, folder / f"{name}.weights.h5")
    return {"num_images": len(images), "num_norms": len(norms)}
