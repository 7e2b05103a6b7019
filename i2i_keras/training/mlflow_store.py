"""One training, or one evaluation, as a run of MLflow."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from i2i_keras import config
from i2i_keras.run_folder import files, locks
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Run

# Before it is imported: nobody is told that it is used.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

_METRICS, _PARAMS, _LENGTH = 1000, 100, 500  # That it takes at once.
_PLACE, _CONTENT = "i2i_keras.place", "i2i_keras.content"

logging.getLogger("mlflow").setLevel(logging.WARNING)


class Store:
    """Where a run directory is logged to.

    An experiment of MLflow is a run directory; a run of MLflow one training,
    or one evaluation. What a store holds is never deleted.

    Args:
        root: the run directory, or one of several repetitions in it.
        name: of the stage.
        facts: its settings.
    """

    def __init__(self, root: Path, name: str, facts: Facts) -> None:
        root = root.resolve()
        whole = root.parent
        if root.name.startswith("seed-") and Run(whole).settings.is_file():
            root, whole, name = whole, whole.parent, f"{root.name}/{name}"
        self._name, self._facts = name, config.flat(facts)
        # Another run directory may have the same name.
        self._place = files.fingerprint([str(root), name])
        self._id = ""
        uri, artifacts = os.environ.get("MLFLOW_TRACKING_URI"), None
        if not uri:
            uri, artifacts = f"sqlite:///{whole / 'mlflow.db'}", str(whole / "mlartifacts")
        with locks.in_turn(root / ".locks", "mlflow"):  # It makes tables.
            self._client = MlflowClient(tracking_uri=uri)
            self._experiment = self._find_experiment(root.name, artifacts)

    def go_on(self, rows: Sequence[Mapping[str, float]], folder: Path) -> None:
        """Begins a training, or goes on with one.

        Where it goes on from an earlier row than was logged last, as after a
        kill, a new run begins with all rows, so that no step is there twice.

        Args:
            rows: of its history so far.
            folder: of the training.
        """
        logged, last = self._last_logged(), rows[-1]["step"] if rows else 0
        if self._id and logged <= last:
            self._client.update_run(self._id, status="RUNNING")
        else:
            if self._id:
                self._client.set_terminated(self._id, "KILLED")
            self._create({})
            logged = 0
        self.add([row for row in rows if row["step"] > logged], folder)

    def add(self, rows: Sequence[Mapping[str, float]], folder: Path) -> None:
        """Logs rows of a history, and the sample pictures of their steps."""
        for row in rows:
            step = int(row["step"])
            self._log({name: value for name, value in row.items() if name != "step"}, step)
            picture = folder / "samples" / f"step-{step:06d}.png"
            if picture.is_file():
                self._client.log_artifact(self._id, str(picture), "samples")

    def end(self, status: str) -> None:
        """Ends a run, as FINISHED, KILLED or FAILED; without one, nothing."""
        if self._id:
            self._client.set_terminated(self._id, status)

    def put(
        self, content: str, numbers: Mapping[str, float], pictures: Mapping[str, Sequence[Path]]
    ) -> None:
        """Logs all at once, unless the last run here holds the same.

        Args:
            content: fingerprint of it.
            numbers: by name.
            pictures: files by the folder that they go to.
        """
        found = self._find()
        if found and found.data.tags.get(_CONTENT) == content:
            return
        self._create({_CONTENT: content})
        self._log(numbers, 0)
        for folder, path in ((folder, p) for folder, paths in pictures.items() for p in paths):
            self._client.log_artifact(self._id, str(path), folder or None)
        self.end("FINISHED")

    def _find_experiment(self, name: str, artifacts: str | None) -> str:
        found = self._client.get_experiment_by_name(name)
        known: str = (
            found.experiment_id if found else self._client.create_experiment(name, artifacts)
        )
        return known

    def _find(self) -> Any:
        """The newest run of MLflow that this place has."""
        found = self._client.search_runs(
            [self._experiment],
            f"tags.`{_PLACE}` = '{self._place}'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        return found[0] if found else None

    def _create(self, tags: Mapping[str, str]) -> None:
        tags = {_PLACE: self._place, "i2i_keras.version": metadata.version("i2i_keras"), **tags}
        made = self._client.create_run(self._experiment, run_name=self._name, tags=tags)
        self._id = made.info.run_id
        params = [Param(name, str(value)[:_LENGTH]) for name, value in self._facts.items()]
        for some in _parts(params, _PARAMS):
            self._client.log_batch(self._id, params=some)

    def _last_logged(self) -> int:
        """The last step of the newest run, which is gone on with; 0 = none."""
        found = self._find()
        self._id = found.info.run_id if found else ""
        name = next(iter(found.data.metrics), None) if found else None
        logged = self._client.get_metric_history(self._id, name) if name else []
        return max((metric.step for metric in logged), default=0)

    def _log(self, numbers: Mapping[str, float], step: int) -> None:
        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, step) for name, value in numbers.items()]
        for some in _parts(metrics, _METRICS):
            self._client.log_batch(self._id, metrics=some)


def _parts(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[i : i + size]) for i in range(0, len(items), size)]
