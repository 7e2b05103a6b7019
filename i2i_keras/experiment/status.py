"""`status`: what of a run is done and what is running; nothing is written."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i_keras import config
from i2i_keras.errors import DataError, SettingsError, how_many
from i2i_keras.evaluation.summary import ArmScores, Summary, read_summary
from i2i_keras.evaluation.summary import is_scored as summary_is_scored
from i2i_keras.experiment import contents, fitting, run_settings, scoring
from i2i_keras.experiment.plan.state import State, states, states_of_folders
from i2i_keras.experiment.plan.table import duration
from i2i_keras.experiment.plan.tasks import plan
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.report import page, tables
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.terminal import PIPE, Terminal, draw
from i2i_keras.run_folder.run import Run

Facts = dict[str, Any]


class Status(NamedTuple):
    """How far a run is.

    Attributes:
        run: the run directory.
        preset: that it was begun with; empty = that is not known.
        tasks: of its plan, in order.
        arms: what is known of their scores, by name; with a seed, where scores
            of one training among several are all that there is yet.
        answer: the headline of its report; empty = nothing is compared yet.
        report: its page, if there is one.
        notes: what could not be told, and why.
    """

    run: Run
    preset: str
    tasks: list[State]
    arms: dict[str, ArmScores]
    answer: str = ""
    report: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Of the run as a whole, the first of these that a task is in."""
        there = {task.state for task in self.tasks}
        for state in ("running", "broken", "failed", "stopped"):
            if state in there:
                return state
        if there <= {"done"}:
            return "done" if there else "empty"
        return "stopped" if "done" in there else "waiting"

    def counted(self) -> str:
        """Its state in a few words."""
        done = Counter(task.state for task in self.tasks)["done"]
        return f"{self.state}, {done} of {how_many(len(self.tasks), 'task')} done"

    def as_json(self) -> Facts:
        """All of it as JSON has it; what is not known is null."""
        return {
            "run": str(self.run.root),
            "preset": self.preset or None,
            "state": self.state,
            "tasks": [{**task._asdict(), "why": task.why or None} for task in self.tasks],
            "arms": self.arms,
            "answer": self.answer or None,
            "report": str(self.report) if self.report else None,
            "notes": list(self.notes),
        }


def status(run: Run) -> Status:
    """How far a run is, also of one that is under way, old, or half made.

    Raises:
        DataError: it is no run directory.
    """
    preset, notes = "", list[str]()
    try:
        kept = run_settings.read(run)
        preset = kept.preset if kept else ""
        if kept is None:
            raise DataError(f"{run.root} keeps no settings, so that its plan is not known.")
        settings = _fitted(config.build(Settings, kept.table), run, notes)
        tasks = states(plan(settings, run))
    except (DataError, SettingsError, OSError) as error:
        notes.append(str(error))
        settings, tasks = None, states_of_folders(run)
        if not tasks and not run.settings.is_file():
            raise DataError(f"{run.root} holds no run; give the directory of one.") from None
    arms, answer = _scores(run, settings, notes)
    pages = run.report / "index.html"
    there = pages if pages.is_file() else None
    return Status(run, preset, tasks, arms, answer, there, tuple(dict.fromkeys(notes)))


def runs_below(folder: Path) -> list[Run]:
    """Run directories in a folder, or one folder deeper, by name."""
    found = sorted([*folder.glob("*/"), *folder.glob("*/*/")])
    runs = [path for path in found if path.is_dir() and _is_run(path)]
    # Not the trainings of a run with several seeds.
    return [Run(path) for path in runs if path.parent not in runs]


def to_text(found: Status, terminal: Terminal = PIPE) -> str:
    """The status of one run, for a terminal."""
    preset = f" (preset {found.preset})" if found.preset else ""
    parts = [f"{found.run.root}{preset}: {found.counted()}"]
    parts += [f"Note: {note}" for note in found.notes]
    if found.tasks:
        several = len({task.seed for task in found.tasks} - {None}) > 1
        columns = ["task", *["seed"] * several, "state", "time"]
        rows = [[Cell(text) for text in _cells(task, several)] for task in found.tasks]
        parts += ["", draw(Table(columns, rows, numeric=False), terminal)]
    failed = [task for task in found.tasks if task.why]
    parts += [""] * bool(failed) + [f"{_named(task)} {task.state}: {task.why}" for task in failed]
    if found.arms:
        parts += ["", draw(tables.result_rows(_summary(found.arms)), terminal)]
    parts += [f"\n{found.answer}"] * bool(found.answer)
    parts += [f"\nReport: {found.report}"] * (found.report is not None)
    return "\n".join(parts)


def to_overview(all_found: Sequence[Status], terminal: Terminal = PIPE) -> str:
    """A line for each of several runs."""
    rows = []
    for found in all_found:
        done = Counter(task.state for task in found.tasks)["done"]
        tasks = f"{done} of {len(found.tasks)}"
        best = max(_means(found), default=None)
        score = "" if best is None else f"{100 * best:.1f}"
        texts = [str(found.run.root), found.preset, found.state, tasks, score]
        rows.append([Cell(text) for text in texts])
    columns = ["run", "preset", "state", "tasks done", "best mean IoU %"]
    return draw(Table(columns, rows, numeric=False), terminal)


def _means(found: Status) -> Iterator[float]:
    values = (arm["mean_iou"] for name, arm in found.arms.items() if name != "oracle")
    return (value for value in values if value is not None)


def _is_run(path: Path) -> bool:
    run = Run(path)
    stages = (place for name in ("done.json", "begun.json") for place in path.glob(f"*/{name}"))
    return run.settings.is_file() or next(stages, None) is not None


def _fitted(settings: Settings, run: Run, notes: list[str]) -> Settings:
    """What the labels allow, as far as these can be looked at."""
    try:
        return fitting.fit(settings, run).settings
    except (DataError, SettingsError, OSError) as error:
        notes.append(str(error))
        return settings


def _scores(
    run: Run, settings: Settings | None, notes: list[str]
) -> tuple[dict[str, ArmScores], str]:
    """What is known of the arms' scores, and what they say."""
    try:
        arms, answer = dict[str, ArmScores](), ""
        if run.summary.is_file():
            summary = read_summary(run)
            answer = page.answer(summary)
            arms = dict(summary["arms"]) if summary_is_scored(summary) else {}
        if settings is not None and contents.is_prepared(run) and contents.is_scored(run):
            arms |= _so_far(settings, run, arms)
        return arms, answer
    except (DataError, SettingsError, OSError) as error:
        notes.append(str(error))
        return {}, ""


def _so_far(settings: Settings, run: Run, known: dict[str, ArmScores]) -> dict[str, ArmScores]:
    """Scores of arms that the summary has not yet."""
    found = dict[str, ArmScores]()
    for own, member in repetitions(settings, run, link=False):
        for arm in own.arms:
            if arm not in known and member.is_done(member.scores(arm)):
                name = f"{arm} (seed {own.seed})" if settings.seeds else str(arm)
                found[name] = scoring.compare_so_far(own, member, arm)[arm]
    return found


def _summary(arms: dict[str, ArmScores]) -> Summary:
    """As much of a summary as its table of results needs."""
    return {"label_space": "", "num_images": 0, "bootstrap_samples": 0, "absent": [], "arms": arms}


def _cells(task: State, several: bool) -> list[str]:
    seed = [] if not several else ["" if task.seed is None else str(task.seed)]
    time = duration(task.seconds) if task.seconds else ""
    if task.state == "done":
        time = duration(task.seconds)
    elif task.seconds_left is not None and task.state != "failed":
        left = f"about {duration(task.seconds_left)} left"
        time = f"{time}, {left}" if time else left
    return [task.task, *seed, _told(task), time]


def _told(task: State) -> str:
    if task.step is None or task.state not in ("running", "stopped", "failed"):
        return task.state
    step = f"step {task.step} of {task.steps}" if task.steps else f"step {task.step}"
    return f"running, {step}" if task.state == "running" else f"{task.state} at {step}"


def _named(task: State) -> str:
    return task.task if task.seed is None else f"{task.task} (seed {task.seed})"
