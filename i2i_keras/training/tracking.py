"""Trainings and scores in MLflow; nothing that goes wrong there stops them.

By default they go to `mlflow.db` and `mlartifacts` in the folder that the run
directory lies in, to be looked at with:
`mlflow ui --backend-store-uri sqlite:///runs/mlflow.db`. MLFLOW_TRACKING_URI in
the environment names another place.
"""

import contextlib
import importlib.util
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tqdm import tqdm

from i2i_keras.errors import SettingsError
from i2i_keras.run_folder import files, workers
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run

if TYPE_CHECKING:
    from i2i_keras.training.mlflow_store import Store

Tracking = Literal["none", "mlflow"]
Row = Mapping[str, float]

_MODULES = ("mlflow", "sqlalchemy", "alembic")
_PATIENCE = 120.0  # Seconds that an end waits for what is still to be logged.


class Log:
    """Hands on to a store, in a thread of its own: no training waits for it.

    The first failure is told in one line, and ends it.

    Args:
        name: of what is logged.
        open_store: makes the connection.
    """

    def __init__(self, name: str, open_store: "Callable[[], Store]") -> None:
        self._name = name
        self._todo: queue.SimpleQueue[Callable[[Store], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(open_store,), daemon=True)
        self._thread.start()

    def do(self, work: "Callable[[Store], None]") -> None:
        """Logs something, after what was to be logged before."""
        self._todo.put(work)

    def close(self) -> None:
        """Waits for what is still to be logged, but not for ever."""
        self._todo.put(None)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            self._tell(f"no answer for {_PATIENCE:.0f} seconds")

    def _work(self, open_store: "Callable[[], Store]") -> None:
        try:
            store = open_store()
            while (work := self._todo.get()) is not None:
                work(store)
        except Exception as error:  # Of whatever kind: it is not ours.
            self._tell(f"{type(error).__name__}: {error}".partition("\n")[0].rstrip("."))

    def _tell(self, what: str) -> None:
        tqdm.write(f"Warning: {self._name} is not logged to MLflow any more ({what}); it goes on.")


class Tracked:
    """One training, as far as its history goes.

    Args:
        log: gets it.
        folder: of the training.
        rows: what its history holds already.
    """

    def __init__(self, log: Log, folder: Path, rows: Sequence[Row]) -> None:
        self._log, self._folder, before = log, folder, list(rows)
        log.do(lambda store: store.go_on(before, folder))

    def add(self, row: Row) -> None:
        """Logs a row of the history, and the sample pictures of its step."""
        self._log.do(lambda store: store.add([row], self._folder))


_current: Log | None = None


def check(choice: Tracking) -> None:
    """Refuses what is not installed, before anything is trained.

    Raises:
        SettingsError: it is not.
    """
    if choice != "none" and not all(map(importlib.util.find_spec, _MODULES)):
        raise SettingsError(
            f"tracking = '{choice}' needs an extra: pip install 'i2i_keras[tracking]'."
        )


@contextlib.contextmanager
def using(choice: Tracking, run: Run, place: Path, facts: Facts) -> Iterator[None]:
    """A training inside is logged.

    Args:
        choice: of the settings.
        run: that it is of.
        place: its stage.
        facts: its settings.
    """
    global _current
    if choice == "none" or workers.follows():
        yield
        return
    before, _current = _current, _open(run, run.name_of(place), facts)
    ended = "FAILED"
    try:
        yield
        ended = "FINISHED"
    except KeyboardInterrupt:
        ended = "KILLED"
        raise
    finally:
        log, _current = _current, before
        log.do(lambda store: store.end(ended))
        log.close()


def begin(folder: Path, rows: Sequence[Row]) -> Tracked | None:
    """What logs a training that begins or goes on; None = it is not logged.

    Args:
        folder: of the training.
        rows: what its history holds already.
    """
    return Tracked(_current, folder, rows) if _current is not None else None


def log_summary(choice: Tracking, run: Run, summary: Mapping[str, Any]) -> None:
    """Logs what `evaluate` has found: numbers, the summary, predictions.

    Args:
        choice: of the settings.
        run: that was evaluated.
        summary: what its `summary.json` holds.
    """
    if choice == "none":
        return
    numbers = {
        f"{name}/{folder_name(arm)}": float(value)
        for arm, facts in summary["arms"].items()
        for name, value in facts.items()
        if isinstance(value, int | float)
    }
    pictures = {
        f"predictions/{folder_name(arm)}": sorted(run.predictions(arm).glob("*.png"))
        for arm in summary["arms"]
    }
    log = _open(run, run.summary.parent.name, {})
    content = files.fingerprint(summary)
    log.do(lambda store: store.put(content, numbers, {"": [run.summary], **pictures}))
    log.close()


def _open(run: Run, name: str, facts: Facts) -> Log:
    def store() -> "Store":
        from i2i_keras.training import mlflow_store  # Here: it is an extra.

        return mlflow_store.Store(run.root, name, facts)

    return Log(name, store)
