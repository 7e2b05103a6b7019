"""What a training has seen so far: history.csv, curves and warnings."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i_keras.errors import DataError
from i2i_keras.run_folder import files, places
from i2i_keras.training import finite, tracking
from i2i_keras.training.tensorboard import Curves

Row = dict[str, float]


class Warning(NamedTuple):
    """Something that goes wrong in a training.

    Attributes:
        kind: by which it is shown once only.
        text: what is wrong and which setting to try, in whole sentences.
    """

    kind: str
    text: str


Diagnose = Callable[[Sequence[Row]], list[Warning]]


class Watch(NamedTuple):
    """What is looked at besides the losses, for each row of the history.

    Attributes:
        observe: from the step to more columns of its row.
        best: the column whose lowest value marks the best checkpoint.
        diagnose: from the rows so far to what is wrong with the last of them.
        files: from the step to the images of its batch, for errors.
    """

    observe: Callable[[int], Mapping[str, float]]
    best: str
    diagnose: Diagnose = lambda rows: []
    files: Callable[[int], Sequence[Path]] = lambda step: ()


class History:
    """Rows of `history.csv`, each a `step` and what is true of it.

    Args:
        folder: gets `history.csv`, `warnings.json` and `tensorboard/`.
        last: step that the training goes on from; later rows are forgotten.
        watch: tells warnings and the best row.
    """

    def __init__(self, folder: Path, last: int, watch: Watch) -> None:
        self._path, self._kept = folder / "history.csv", folder / places.WARNINGS
        self._watch = watch
        self._first_seen: dict[str, str] = {}
        self.rows: list[Row] = []
        for row in _read(self._path):
            if row["step"] <= last:
                self.rows.append(row)
                self._new_warnings()
        self._keep_warnings()
        self._curves = Curves(folder, self.rows)
        self._tracked = tracking.begin(folder, self.rows)

    def add(self, step: int, values: Mapping[str, float]) -> list[str]:
        """Writes a row; returns the warnings that it is the first to raise."""
        # As numbers read back would be: a resumed history has the same bytes.
        row = {"step": step, **{name: float(value) for name, value in values.items()}}
        self.rows.append(row)
        files.write_table(self._path, self.rows, columns=list(row))
        self._curves.add(row)
        if self._tracked:
            self._tracked.add(row)
        new = self._new_warnings()
        if new:
            self._keep_warnings()
        return new

    @property
    def warnings(self) -> list[str]:
        """All warnings up to the last row, oldest first."""
        return list(self._first_seen.values())

    @property
    def best_step(self) -> int | None:
        """Step of the row that is best, the first one of equals."""
        values = {int(row["step"]): row.get(self._watch.best, math.nan) for row in self.rows}
        finite = [step for step, value in values.items() if math.isfinite(value)]
        return min(finite, key=lambda step: values[step], default=None)

    def close(self) -> None:
        """Ends the curves."""
        self._curves.close()

    def _keep_warnings(self) -> None:
        """For who looks at the training before it is done."""
        if self._first_seen:
            files.write_json(self._kept, {"warnings": self.warnings})
        else:
            self._kept.unlink(missing_ok=True)

    def _new_warnings(self) -> list[str]:
        new = []
        for warning in self._watch.diagnose(self.rows):
            if warning.kind not in self._first_seen:
                new.append(f"step {self.rows[-1]['step']:.0f}: {warning.text}")
                self._first_seen[warning.kind] = new[-1]
        return new


class Means:
    """Means over steps, as sums that can be saved and gone on with exactly.

    Args:
        saved: what `sums` was.
        folder: of the training, for errors.
        files: from the step to the images of its batch, for errors.
    """

    def __init__(
        self,
        saved: Mapping[str, Sequence[float]],
        folder: Path,
        files: Callable[[int], Sequence[Path]] = lambda step: (),
    ) -> None:
        self.sums = {key: list(pair) for key, pair in saved.items()}
        self._folder, self._files = folder, files

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Counts the values of a step in.

        Raises:
            DivergedError: one of them is not finite.
        """
        for key, value in values.items():
            pair = self.sums.setdefault(key, [0.0, 0])
            if math.isfinite(value):
                pair[0] += float(value)
                pair[1] += 1
            elif "gradient" not in key:  # Float16 skips steps whose gradients overflow.
                what = f"{key} of {self._folder.name} is {value}"
                raise finite.diverged(what, step, self._folder, self._files(step))

    def values(self) -> Row:
        """The means since the last `clear`."""
        return {
            key: total / count if count else math.nan for key, (total, count) in self.sums.items()
        }

    def clear(self) -> None:
        """Begins anew."""
        self.sums.clear()


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    rows = files.read_numbers(path)
    if not all(row["step"].is_integer() and row["step"] > 0 for row in rows):
        raise DataError(f"{path} has a step that is none; delete the stage's folder to begin anew.")
    return [{**row, "step": int(row["step"])} for row in rows]
