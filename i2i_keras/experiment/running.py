"""`run`: walks through the plan of an experiment and shows its results."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from i2i_keras.experiment import contents, fitting, scoring, stages
from i2i_keras.experiment.plan.progress import Progress
from i2i_keras.experiment.plan.tasks import Task, plan
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.report.findings import gain_text
from i2i_keras.report.numbers import Arms, floor_mean, gain_pairs, interval, percent, shared_digits
from i2i_keras.run_folder import locks, workers
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run

Tell = Callable[[str], None]
Ended = tuple[Task, Done]
# Does tasks, each after those that it waits for, and yields them as they end.
Walk = Callable[[Sequence[Task]], Iterator[Ended]]


def run_all(
    settings: Settings,
    run: Run,
    tell: Tell,
    only: Sequence[str] = (),
    seed: int | None = None,
    walk: Walk | None = None,
) -> Facts | None:
    """Runs every stage that is not done yet, or a part of them.

    What the labels at hand do not allow is left out, see `fitting`. Before
    anything is prepared that is judged by the files that there are, afterwards
    by what they hold.

    Args:
        settings: of the experiment.
        run: where it lives; locked as shared where it is done in parts.
        tell: is told what comes next and how each stage ended, and each arm's
            score.
        only: arms of the part; see `plan.tasks.plan`.
        seed: of the part.
        walk: what does the tasks; None = this process, one after the other.

    Returns:
        The report's results; None if other parts are missing for that, or if it
        is another of several workers that reports.

    Raises:
        SettingsError: the experiment has no such arm or seed, or what is asked
            for cannot be done with the labels that there are.
    """
    walk = walk or partial(_one_by_one, run=run, tell=tell)
    before = fitting.fit(settings, run)
    first = plan(before.settings, run, only, seed)[:1]
    scoring.check(before.settings, run)
    [(prepared, done)] = walk(first)
    tell(f"{prepared.name}: {done}")
    fitted = fitting.fit(settings, run)
    found = [done.results.get(key, []) for key in ("stretched", "noted")]
    for note in [*fitted.notes, *itertools.chain(*found)]:
        if note not in before.notes:
            tell(f"Note: {note}")
    fitted.check(only)
    repetitions(settings, run)  # Now that there is what they share.
    for task, done in walk(plan(fitted.settings, run, only, seed)[1:]):
        seed_of = f" (seed {task.settings.seed})" if settings.seeds else ""
        tell(f"{task.name}{seed_of}: {_scored(task) or done}")
    if workers.follows():
        return None
    if only or seed is not None:
        return _finish_together(fitted.settings, run, tell)
    stages.evaluate(fitted.settings, run)
    return stages.report(run)


def _one_by_one(tasks: Sequence[Task], run: Run, tell: Tell) -> Iterator[Ended]:
    """Does tasks in this process, and tells before each what comes."""
    progress, where = Progress(tasks), run.root
    for task in tasks:
        if task.run.root != where:
            where = task.run.root
            tell(f"--- seed {task.settings.seed} ---")
        if task.kind != "prepare" and (line := progress.before(task)):
            tell(line)
        yield task, task.do() if task.trains else workers.by_chief(task.do)


def _scored(task: Task) -> str:
    """The score of an arm, if that is what has been done."""
    if task.kind != "evaluate" or not task.is_of_arm or not contents.is_scored(task.run):
        return ""
    return score_text(scoring.compare_so_far(task.settings, task.run, task.of), task.of)


def score_text(arms: Arms, arm: str) -> str:
    """An arm's score in a line; a gain that may be chance is called so.

    Args:
        arms: what `scores.compare` has of it and, if it is there, source_only.
        arm: which one.
    """
    facts, floor, digits = arms[arm], floor_mean(arms), shared_digits(gain_pairs(arms))
    text = f"mean IoU {percent(facts['mean_iou'], digits)} %"
    if facts["ci95"]:
        text += f" ({interval(facts['ci95'], digits)})"
    if "gain" not in facts:
        return text
    # source_only's own line, further up, has one digit.
    over = f" over {percent(floor, digits)} %" if digits > 1 else ""
    return f"{text}, gain {gain_text(facts, floor, digits)}{over}"


def _finish_together(settings: Settings, run: Run, tell: Tell) -> Facts | None:
    """Scores and reports what several processes have done, if that is all."""
    members = repetitions(settings, run)
    missing = [
        f"{arm} (seed {own.seed})" if settings.seeds else arm
        for own, member in members
        for arm in own.arms
        if not member.is_done(member.segmenter(arm))
    ]
    if missing:
        tell(
            f"Not trained yet: {', '.join(missing)}; whoever trains the last one makes the report."
        )
        return None

    def waits() -> None:
        tell("Waiting for another process, which makes the report.")

    with locks.in_turn(run.locks, "report", waits):
        stages.evaluate(settings, run)
        return stages.report(run)
