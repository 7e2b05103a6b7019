"""The run directory: stages that are done once, a lock, atomic files."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from i2i_keras import config
from i2i_keras.errors import DataError
from i2i_keras.run_folder import locks
from i2i_keras.run_folder.files import (
    Facts,
    fingerprint,
    how_to_make,
    read_json,
    write_json,
)


class Done(NamedTuple):
    """How a stage ended.

    Attributes:
        results: what the stage returned.
        seconds: how long it took when it was run, with what was done before
            an interruption.
        skipped: whether it had been done before.
        fingerprint: hash of its settings and inputs, an input of later stages.
    """

    results: Facts
    seconds: float
    skipped: bool
    fingerprint: str

    def beside(self, other: "Done | None") -> "Done":
        """This one, with the time of another that was done along with it."""
        if other is None:
            return self
        seconds = self.seconds + other.seconds
        return self._replace(seconds=seconds, skipped=self.skipped and other.skipped)

    def __str__(self) -> str:
        return "was done before" if self.skipped else f"done in {self.seconds:.0f} s"


class Run:
    """One run directory, which can be moved: it holds no absolute path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def locked(
        self, *, shared: bool = False, new: bool = True
    ) -> contextlib.AbstractContextManager[None]:
        """Keeps other processes out of this run.

        Args:
            shared: lets others in who share it, too: they read, or look after
                themselves what they write.
            new: whether to make the run directory. Otherwise, without one,
                there is nothing to keep anyone out of; the stage that is
                asked for will say what it misses.

        Raises:
            DataError: another process works in it.
        """
        if not new and not self.root.is_dir():
            return contextlib.nullcontext()
        return locks.reading(self.root) if shared else locks.alone(self.root)

    def done(self, stage: str) -> Done:
        """How an earlier stage ended.

        Raises:
            DataError: it has not been run.
        """
        path = self.root / stage / "done.json"
        if not self.root.is_dir():
            raise DataError(f"{self.root} does not exist; {how_to_make(path)}.")
        if not path.is_file():
            raise DataError(f"{path.parent} is not finished; {how_to_make(path)}.")
        facts = read_json(path)
        return Done(facts["results"], facts["seconds"], True, facts["fingerprint"])

    def begin(self, name: str, settings: Facts, inputs: Mapping[str, str]) -> Done | None:
        """Begins a stage, or goes on with it; see `stage`.

        Returns:
            How it ended, if it has been done before.
        """
        folder, asked = self.root / name, _asked(settings, inputs)
        if (folder / "done.json").is_file():
            _refuse_difference(folder, read_json(folder / "done.json"), asked)
            return self.done(name)
        seconds = 0.0
        if (folder / "begun.json").is_file():
            begun = read_json(folder / "begun.json")
            _refuse_difference(folder, begun, asked)
            seconds = begun.get("seconds", 0.0) + _worked(folder)
        write_json(folder / "begun.json", {**asked, "seconds": round(seconds, 1)})
        return None

    def stage(
        self,
        name: str,
        settings: Facts,
        inputs: Mapping[str, str],
        work: Callable[[Path], Facts],
    ) -> Done:
        """Does a stage once; another process that wants it, too, waits.

        Args:
            name: its folder below the run directory.
            settings: all settings that it depends on, without paths.
            inputs: fingerprints of what it reads.
            work: writes the stage's files into the folder it is given and
                returns its results; called again after an interruption, it
                continues.

        Returns:
            What `done.json` holds, from now or from an earlier time.

        Raises:
            DataError: the folder holds work that was done with other settings
                or from other inputs.
        """
        folder, asked = self.root / name, _asked(settings, inputs)
        with self._turn(name):
            if done := self.begin(name, settings, inputs):
                return done
            earlier = read_json(folder / "begun.json")["seconds"]
            start = time.perf_counter()
            results = work(folder)
            seconds = earlier + time.perf_counter() - start
            write_json(
                folder / "done.json",
                {
                    **asked,
                    "fingerprint": fingerprint(asked),
                    "versions": _versions(),
                    "seconds": round(seconds, 1),
                    "results": results,
                },
            )
            (folder / "begun.json").unlink()
            return self.done(name)._replace(skipped=False)

    def _turn(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Only one process at a time works on a stage."""
        folder = self.root / name
        if (folder / "done.json").is_file():
            return contextlib.nullcontext()

        def tell() -> None:
            where = os.path.relpath(folder)
            tqdm.write(f"Waiting for another process, which works on {where}.", file=sys.stderr)

        # Not in the stage's folder, which may be deleted to make it anew.
        return locks.in_turn(self.root / ".locks", name.replace("/", "-"), tell)


def _asked(settings: Facts, inputs: Mapping[str, str]) -> Facts:
    """As JSON gives it back."""
    asked: Facts = json.loads(json.dumps({"settings": settings, "inputs": dict(inputs)}))
    return asked


def _worked(folder: Path) -> float:
    """Seconds from a stage's beginning to its last file.

    A kill leaves no other trace.
    """
    # Not the drafts: another process of the stage may be about to rename them.
    files = [path for path in folder.rglob("[!.]*") if path.is_file()]
    last = max(path.stat().st_mtime for path in files)
    return last - (folder / "begun.json").stat().st_mtime


def _versions() -> dict[str, str]:
    packages = ("i2i_keras", "tensorflow", "keras", "numpy")
    return {name: metadata.version(name) for name in packages}


def _refuse_difference(folder: Path, found: Facts, asked: Facts) -> None:
    for part in ("settings", "inputs"):
        there, now = config.flat(found[part]), config.flat(asked[part])
        for key in [*now, *there]:
            if there.get(key) != now.get(key):
                was = there.get(key, "absent")
                what = f"{key} = {was} (now {now.get(key, 'absent')})"
                if part == "inputs":
                    what = f"another {key}"
                raise DataError(
                    f"{os.path.relpath(folder)} was made with {what};"
                    " use another --run, or delete that folder to make it anew."
                )
