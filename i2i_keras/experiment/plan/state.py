"""How far each task of a plan is, as the files of its run tell."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from i2i_keras.errors import DataError
from i2i_keras.experiment.plan.table import left
from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import BEGUN, DONE, FAILED, PROGRESS
from i2i_keras.run_folder.run import Run

Kind = Literal["done", "running", "stopped", "failed", "waiting", "broken"]


class State(NamedTuple):
    """How far one task is.

    Attributes:
        task: as it is told, such as `train-translator cyclegan`.
        seed: of its training; None = of what all share.
        state: `waiting` has not begun; `stopped` goes on from where it was when
            it is called again; `broken` has changed since it was made.
        seconds: that were spent on it.
        step: of a training, the last one that is known; of one that has
            stopped, from which it goes on.
        steps: its length.
        seconds_left: of what is running, as far as it is known.
        why: it failed or is broken, in a line; empty = it is neither.
    """

    task: str
    seed: int | None
    state: Kind
    seconds: float = 0.0
    step: int | None = None
    steps: int | None = None
    seconds_left: float | None = None
    why: str = ""


def states(tasks: Sequence[Task]) -> list[State]:
    """How far the tasks of a plan are.

    It can be asked at any time, also while they are done.
    """
    known: dict[Hashable, float] = {}
    found = []
    for task in tasks:
        seed = None if task.kind == "prepare" else task.settings.seed
        state = _state(task, seed)
        if state.state == "done":
            known.setdefault(task.like, state.seconds)
        found.append(state)
    return [_with_left(*pair, known) for pair in zip(found, tasks, strict=True)]


def states_of_folders(run: Run) -> list[State]:
    """The same of a run whose plan is not known, one for each stage it has."""
    names = (DONE, BEGUN, FAILED)
    places = [path.parent for name in names for path in run.root.rglob(name)]
    return [
        look(run, [place], run.name_of(place), None)
        for place in sorted({*places}, key=lambda place: (_begun_at(place), place))
    ]


def look(run: Run, places: Sequence[Path], name: str, seed: int | None) -> State:
    """How far something is that leaves folders of stages."""
    try:
        seconds = sum(run.left_by(p)["seconds"] for p in places if run.is_done(p))
        current = next((place for place in places if not run.is_done(place)), None)
        if current is None:
            return State(name, seed, "done", seconds)
        return _of_stage(run, current, State(name, seed, "waiting", seconds))
    except (DataError, OSError, KeyError, TypeError) as error:
        return State(name, seed, "broken", why=_line(error))


def _state(task: Task, seed: int | None) -> State:
    return look(task.run, task.places, task.name, seed)


def _of_stage(run: Run, place: Path, state: State) -> State:
    """The state of a stage that is not done."""
    why = _told_by(place / FAILED).get("why", "")
    if why and not run.is_worked_on(place):
        return state._replace(state="failed", step=_newest(place) or None, why=str(why))
    if not (place / BEGUN).is_file():
        return state
    try:
        begun = files.read_json(place / BEGUN)
        worked = run.worked(place)
    except (DataError, OSError, ValueError):
        # It was done between two looks, or has files that come and go.
        return state._replace(state="running" if run.is_worked_on(place) else "stopped")
    state = state._replace(seconds=round(state.seconds + worked, 1))
    progress = _told_by(place / PROGRESS)
    steps = progress.get("steps") or begun.get("settings", {}).get("steps")
    kept = _newest(place)
    if run.is_worked_on(place):
        fresh = progress if _is_newer(place / PROGRESS, place / BEGUN) else {}
        return state._replace(
            state="running",
            step=fresh.get("step") or kept or None,
            steps=steps,
            seconds_left=fresh.get("seconds_left"),
        )
    return state._replace(state="stopped", step=kept or None, steps=steps)


def _with_left(state: State, task: Task, known: Mapping[Hashable, float]) -> State:
    """With the time of what is like something that is done."""
    if state.state in ("done", "broken") or state.seconds_left is not None:
        return state
    if task.like not in known:
        return state
    try:
        return state._replace(seconds_left=left(task, known))
    except (OSError, ValueError):  # Files come and go while it is done.
        return state


def _told_by(path: Path) -> Facts:
    """What a stage has left of itself; nothing of what has left nothing."""
    try:
        return files.read_json(path)
    except (DataError, OSError):
        return {}


def _newest(place: Path) -> int:
    """The step of the newest checkpoint, be it of this Keras or the other."""
    found = (path.stem.partition("-")[2] for path in place.glob("checkpoints/ckpt-*.index"))
    return max((int(step) for step in found if step.isdecimal()), default=0)


def _is_newer(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_mtime >= other.stat().st_mtime
    except OSError:
        return False


def _begun_at(place: Path) -> float:
    try:
        return min(path.stat().st_mtime for path in place.glob("*.json"))
    except (OSError, ValueError):
        return 0.0


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
