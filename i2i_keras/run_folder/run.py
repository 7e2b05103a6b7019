"""A run: stages that are done once, by one process at a time."""

import contextlib
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from typing_extensions import NotRequired, TypedDict

from i2i_keras import config, quiet
from i2i_keras.errors import DataError
from i2i_keras.run_folder import checksums, files, locks, places, workers, writing
from i2i_keras.run_folder.files import Facts, fingerprint, read_json, write_json
from i2i_keras.run_folder.places import Places, how_to_make

_MEMBER = "seed-"
# When stages were looked at, in seconds: a plan asks for each many times.
_LOOKED_AT: dict[Path, float] = {}
_MOMENT = 2.0
_STAGES = (
    *(places.RAW, places.PREPARE, places.TRAIN_TRANSLATOR, places.TRANSLATE),
    *(places.LABEL_SAFE, places.TRAIN_SEGMENTER, places.EVALUATE),
)


class _DoneFile(TypedDict):
    """What done.json has to hold; more is kept."""

    settings: NotRequired[Facts]
    inputs: NotRequired[dict[str, str]]
    fingerprint: str
    seconds: float
    results: Facts
    checksums: NotRequired[str]


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


class Run(Places):
    """One run directory, which can be moved: it holds no absolute path.

    Args:
        root: the directory.
        twin: another run, from which stages are taken that would be the same
            here: done with equal settings, from equal inputs.
        like: see `Places`.
    """

    def __init__(self, root: Path, twin: "Run | None" = None, like: "Run | None" = None) -> None:
        super().__init__(root, like or twin)
        self.twin = twin

    def member(self, seed: int) -> "Run":
        """The run of one of several trainings."""
        twin = self.twin and self.twin.member(seed)
        return Run(self.root / f"{_MEMBER}{seed}", twin, like=self)

    def seeds(self) -> list[int]:
        """Those of all members that are there, in order."""
        found = (path.name.removeprefix(_MEMBER) for path in self.root.glob(f"{_MEMBER}*/"))
        return sorted(int(seed) for seed in found if seed.isdecimal())

    def trained_arms(self) -> list[str]:
        """Names of the arms whose segmenter is there."""
        return sorted(map(places.arm_name, self._done_below(places.TRAIN_SEGMENTER)))

    def trained_translators(self) -> list[str]:
        """Methods whose translator is there."""
        return sorted(self._done_below(places.TRAIN_TRANSLATOR))

    def methods(self, stage: str) -> list[str]:
        """Methods that have a folder of a stage, be it done or not.

        Args:
            stage: of those of one translator each, such as `places.TRANSLATE`.
        """
        return sorted(path.name for path in self.folder(stage).glob("*") if path.is_dir())

    def is_done(self, place: Path | str) -> bool:
        """Whether a stage is done."""
        return (self._folder(place) / places.DONE).is_file()

    def is_worked_on(self, place: Path | str) -> bool:
        """Whether a process does a stage right now, or a share of it."""
        folder = self._folder(place)
        shares = (path.name for path in folder.glob(".shard-[0-9]*"))
        own = locks.is_held(self.locks, self._turn_name(folder))
        return own or any(locks.is_held(folder, share) for share in shares)

    def worked(self, place: Path | str) -> float:
        """Seconds that were spent on a stage which is not done; 0 = none."""
        folder = self._folder(place)
        if not (folder / places.BEGUN).is_file():
            return 0.0
        earlier: float = read_json(folder / places.BEGUN).get("seconds", 0.0)
        return earlier + _worked(folder)

    def all_done(self, of: Sequence[str] = _STAGES) -> dict[str, Facts]:
        """What stages that are done have left, by place, in order.

        Args:
            of: which stages, such as `places.TRAIN_TRANSLATOR`.
        """
        stages = (path for stage in of for path in sorted(self.folder(stage).rglob(places.DONE)))
        return {self.name_of(path.parent): read_json(path) for path in stages}

    def _done_below(self, stage: str) -> list[str]:
        return [path.parent.name for path in self.folder(stage).glob(f"*/{places.DONE}")]

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
            DataError: another process works in it, or it holds other things
                and is no run.
        """
        if new and self.is_foreign():
            raise DataError(
                f"{self.root} holds files and is no run directory; give another --run, or an empty"
                " folder."
            )
        if not new and not self.root.is_dir():
            return contextlib.nullcontext()
        return locks.reading(self.root) if shared else locks.alone(self.root)

    def done(self, place: Path | str) -> Done:
        """How an earlier stage ended.

        Raises:
            DataError: it has not been run.
        """
        facts = self.left_by(place)
        folder = self._folder(place)
        if not _is_fresh(folder):
            found = checksums.changes(self.root, folder, facts.get("checksums"))
            checksums.refuse(found, checksums.todo(folder))
            _LOOKED_AT[folder] = time.monotonic()
        return Done(facts["results"], facts["seconds"], True, facts["fingerprint"])

    def refuse_changed(self) -> None:
        """Refuses to go on if anything of a stage that is done has changed.

        Raises:
            DataError: names it.
        """
        for place in self.all_done():
            self.done(place)

    def settings_of(self, place: Path | str) -> Facts:
        """The settings that a stage was done with.

        Raises:
            DataError: it has not been run.
        """
        settings: Facts = self.left_by(place).get("settings") or {}
        return settings

    def check(self, place: Path | str, settings: Facts, inputs: Mapping[str, str]) -> None:
        """Refuses a stage that was done or begun otherwise than is asked for.

        Raises:
            DataError: it was made with other settings or from other inputs.
        """
        folder, asked = self._folder(place), _asked(settings, inputs)
        for name in (places.DONE, places.BEGUN):
            if (folder / name).is_file():
                _refuse_difference(folder, read_json(folder / name), asked)
                return

    def begin(self, place: Path | str, settings: Facts, inputs: Mapping[str, str]) -> Done | None:
        """Begins a stage, or goes on with it; see `stage`.

        Returns:
            How it ended, if it has been done before.
        """
        folder, asked = self._folder(place), _asked(settings, inputs)
        self.check(place, settings, inputs)
        if self.is_done(place):
            return self.done(place)
        write_json(folder / places.BEGUN, {**asked, "seconds": round(self.worked(folder), 1)})
        return None

    def stage(
        self,
        place: Path | str,
        settings: Facts,
        inputs: Mapping[str, str],
        work: Callable[[Path], Facts],
        also: Sequence[Path] = (),
        *,
        together: bool = False,
    ) -> Done:
        """Does a stage once; another process that wants it, too, waits.

        Args:
            place: its folder, or the name of one below the run directory.
            settings: all settings that it depends on, without paths.
            inputs: fingerprints of what it reads.
            work: writes the stage's files into the folder it is given and
                returns its results; called again after an interruption, it
                continues.
            also: other folders of the run that it writes.
            together: whether all of `workers` do it; those that are not the
                chief in a copy of the folder.

        Returns:
            What `done.json` holds, from now or from an earlier time.

        Raises:
            DataError: the folder holds work that was done with other settings
                or from other inputs.
        """
        folder, asked = self._folder(place), _asked(settings, inputs)
        if together and workers.follows():
            return self._follow(folder, work)
        with self._turn(folder):
            self._take(folder, asked, also)
            done = self.begin(place, settings, inputs)
            if together and workers.agree(done is None)[0]:
                workers.wait()  # Until all of them have their copy.
            if done is None:
                done = self._do(folder, asked, work, also)
        if together:
            workers.wait()
        return done

    def _do(
        self, folder: Path, asked: Facts, work: Callable[[Path], Facts], also: Sequence[Path]
    ) -> Done:
        writing.sweep(folder)
        (folder / places.FAILED).unlink(missing_ok=True)
        earlier = read_json(folder / places.BEGUN)["seconds"]
        start = time.perf_counter()
        try:
            results = work(folder)
        except Exception as error:
            self._keep_failure(folder, error)
            raise
        seconds = earlier + time.perf_counter() - start
        made = itertools.chain.from_iterable(
            checksums.made_in(place) for place in (folder, *also) if place.is_dir()
        )
        facts = {
            **asked,
            "fingerprint": fingerprint(asked),
            "versions": _versions(),
            "seconds": round(seconds, 1),
            "results": results,
            "checksums": checksums.write(self.root, folder, made),
        }
        # By which a change of this file itself is noticed.
        write_json(folder / places.DONE, {**facts, "own_checksum": fingerprint(facts)})
        (folder / places.BEGUN).unlink()
        return self.done(folder)._replace(skipped=False)

    def _keep_failure(self, folder: Path, error: Exception) -> None:
        """Leaves why a stage has failed, until it is begun again."""
        why = str(error).partition("\n")[0] or type(error).__name__
        with contextlib.suppress(DataError, OSError):  # The disk may be full.
            write_json(folder / places.FAILED, {"why": why})

    def _follow(self, folder: Path, work: Callable[[Path], Facts]) -> Done:
        """Does a stage along with the chief, in a copy of its folder."""
        if workers.agree(False)[0]:
            with workers.own_copy(folder) as copy:
                workers.wait()
                work(copy)
        workers.wait()
        return self.done(folder)

    def _take(self, folder: Path, asked: Facts, also: Sequence[Path]) -> None:
        """Links what the twin has done in the same way, if it has."""
        # Tables name the folders that their images are in.
        if self.twin is None or folder.is_dir() or self.twin.is_old != self.is_old:
            return
        there = self.twin.root / self.name_of(folder)
        if not self.twin.is_done(there):
            return
        self.twin.done(there)  # Refuses what has changed.
        found = read_json(there / places.DONE)
        if all(found[part] == asked[part] for part in asked):
            for place in (*also, folder):  # That which says that it is done comes last.
                writing.link_tree(self.twin.root / self.name_of(place), place)

    def left_by(self, place: Path | str) -> Facts:
        """What the `done.json` of a stage holds.

        Raises:
            DataError: it is not there, or has changed.
        """
        path = self._folder(place) / places.DONE
        if not self.root.is_dir():
            raise DataError(f"{self.root} does not exist; {how_to_make(path)}.")
        if not path.is_file():
            raise DataError(f"{path.parent} is not finished; {how_to_make(path)}.")
        facts = dict(files.read_as(_DoneFile, path))
        own = facts.pop("own_checksum", None)
        if own is not None and own != fingerprint(facts):
            raise DataError(f"{path} has changed since it was made; {checksums.todo(path.parent)}.")
        return facts

    def _folder(self, place: Path | str) -> Path:
        """A name is that of a folder below the run directory."""
        return self.root / place if isinstance(place, str) else place

    def _turn(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        """Only one process at a time works on a stage."""
        if (folder / places.DONE).is_file():
            return contextlib.nullcontext()

        def tell() -> None:
            where = os.path.relpath(folder)
            quiet.note(f"Waiting for another process, which works on {where}.")

        # Not in the stage's folder, which may be deleted to make it anew.
        return locks.in_turn(self.locks, self._turn_name(folder), tell)

    def _turn_name(self, folder: Path) -> str:
        return self.name_of(folder).replace("/", "-")


def _is_fresh(folder: Path) -> bool:
    """Whether a stage was looked at a moment ago."""
    return time.monotonic() - _LOOKED_AT.get(folder, -math.inf) < _MOMENT


def _asked(settings: Facts, inputs: Mapping[str, str]) -> Facts:
    """As JSON gives it back."""
    asked: Facts = json.loads(json.dumps({"settings": settings, "inputs": dict(inputs)}))
    return asked


def _worked(folder: Path) -> float:
    """Seconds from a stage's beginning to its last file.

    A kill leaves no other trace.
    """
    # Not the drafts: another process of the stage may be about to rename them.
    written = [path for path in folder.rglob("[!.]*") if path.is_file()]
    last = max(path.stat().st_mtime for path in written)
    return last - (folder / places.BEGUN).stat().st_mtime


def _versions() -> dict[str, str]:
    import keras  # Here: this takes seconds, and what has worked has done it already.
    import numpy
    import tensorflow

    # Not by metadata, which tensorflow-cpu has under that name.
    found = {module.__name__: module.__version__ for module in (tensorflow, keras, numpy)}
    return {"i2i_keras": metadata.version("i2i_keras")} | found


def _refuse_difference(folder: Path, found: Facts, asked: Facts) -> None:
    for part in ("settings", "inputs"):
        there, now = config.flat(found.get(part, {})), config.flat(asked[part])
        for key in [*now, *there]:
            if there.get(key) != now.get(key):
                was = there.get(key, "absent")
                how = f"with {key} = {was} (now {now.get(key, 'absent')})"
                if part == "inputs":
                    how = f"before its {key} changed"
                raise DataError(
                    f"{os.path.relpath(folder)} was made {how};"
                    " use another --run, or delete that folder to make it anew."
                )
