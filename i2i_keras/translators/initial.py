"""Weights of another run's translator, for a training to begin with."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import keras

from i2i_keras import config as settings
from i2i_keras.config import Config
from i2i_keras.errors import FileError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run
from i2i_keras.training.weights import load_weights

_GIVE = "give a run directory, a seed-N folder in one, or a train-translator/METHOD folder"
# Settings of the networks. Padding is no size, but as much a part of what was
# learned.
_NETWORKS = ("generator", "discriminator", "projection")


class NewModel(Protocol):
    """A model that has not been trained.

    Attributes:
        config: its settings.
        networks: all that have weights.
        averages: those of them that are moving averages.
    """

    config: Any

    @property
    def networks(self) -> list[keras.Model]: ...
    @property
    def averages(self) -> list[keras.Model]: ...


def find(path: str, method: str) -> Path:
    """The folder of a trained translator.

    Args:
        path: it, or a run directory, or one of its `seed-N` folders. Of several
            translators there the method's own is taken, else the only one.
        method: that begins with it.

    Raises:
        FileError: there is none, or there are several.
    """
    root = Path(path)
    if not root.is_dir():
        raise FileError(root, "is not there", _GIVE)
    if _is_trained(root):
        return root
    run = Run(root)
    own = run.translator(method)
    if own.is_dir():
        if not _is_trained(own):
            raise FileError(own, "has no weights yet", "finish its training first")
        return own
    found = [folder for folder in sorted(run.translators.glob("*")) if _is_trained(folder)]
    if len(found) > 1:
        names = " and ".join(folder.name for folder in found)
        what = f"holds translators of {names}, but none of {method}"
        raise FileError(root, what, f"give the folder of one, such as {found[0]}")
    if not found and (seeds := run.seeds()):
        what = "has a translator for each seed"
        raise FileError(root, what, f"give the folder of one, such as {run.member(seeds[0]).root}")
    if not found:
        raise FileError(root, "holds no weights of a translator", _GIVE)
    return found[0]


def identity(path: str, method: str) -> str:
    """What tells weights from others wherever they lie: no path.

    Raises:
        FileError: see `find`.
    """
    digest = hashlib.sha256()
    for file in sorted(find(path, method).glob("*.weights.h5")):
        digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return f"sha256 {digest.hexdigest()[:16]}"


def load(model: NewModel) -> None:
    """Gives all networks of a new model the weights that `initial` names.

    Raises:
        FileError: see `find`; or a network is missing, or another one.
    """
    config = model.config
    folder = find(config.initial, config.METHOD)
    paths = [(network, folder / f"{network.name}.weights.h5") for network in model.networks]
    for network, path in paths:
        if not path.is_file():
            todo = "begin with a translator that has this network"
            if network in model.averages:
                todo += f", or set translator.{config.METHOD}.ema = 0"
            raise FileError(path, f"is missing, which {config.METHOD} would begin with", todo)
    _check_sizes(folder / "config.json", config)
    for network, path in paths:
        load_weights(network, path, "begin with another translator")


def _check_sizes(path: Path, config: Any) -> None:
    """Refuses networks that would mean something else with these settings."""
    if not path.is_file():
        raise FileError(path, "is missing", _GIVE)
    facts = files.read_json(path)
    for part in _NETWORKS:
        if not hasattr(config, part):
            continue
        here, there = getattr(config, part), facts.get(part)
        if isinstance(here, Config):  # What is missing in an old file has its default.
            there = settings.build(type(here), there or {})
        for key, was, now in _differences(part, there, here):
            raise FileError(
                path,
                f"has {key} = {was}, but translator.{config.METHOD}.{key} is {now}",
                f"set that to {was}, or begin with another translator",
            )


def _differences(part: str, there: Any, here: Any) -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(here, Config):
        yield from [(part, there, here)] if there != here else []
        return
    for name, now in here:
        was = getattr(there, name)
        if was != now:
            yield f"{part}.{name}", was, now


def _is_trained(folder: Path) -> bool:
    return any(folder.glob("*.weights.h5"))
