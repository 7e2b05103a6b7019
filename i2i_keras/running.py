"""`run`: walks through the plan of an experiment and shows its results."""

from collections.abc import Callable, Sequence

from i2i_keras import contents, experiment, fitting, locks, runs, scoring
from i2i_keras.plan.tasks import Task, plan
from i2i_keras.repetitions import repetitions
from i2i_keras.report.findings import gain_text, interval, percent
from i2i_keras.settings import Settings
from i2i_keras.translation import TRANSLATORS

Tell = Callable[[str], None]


def run_all(
    settings: Settings,
    run: runs.Run,
    tell: Tell,
    only: Sequence[str] = (),
    seed: int | None = None,
) -> runs.Facts | None:
    """Runs every stage that is not done yet, or a part of them.

    What the labels at hand do not allow is left out, see `fitting`. Before
    anything is prepared that is judged by the files that there are, afterwards
    by what they hold.

    Args:
        settings: of the experiment.
        run: where it lives; locked as shared where it is done in parts.
        tell: is told how each stage ended, and each arm's score.
        only: arms of the part; see `plan.tasks.plan`.
        seed: of the part.

    Returns:
        The report's results; None if other parts are missing for that.

    Raises:
        SettingsError: the experiment has no such arm or seed, or what is asked
            for cannot be done with the labels that there are.
    """
    before = fitting.fit(settings, run)
    prepared = plan(before.settings, run, only, seed)[0]
    tell(f"{prepared.name}: {prepared.do()}")
    fitted = fitting.fit(settings, run)
    for note in fitted.notes:
        if note not in before.notes:
            tell(f"Note: {note}")
    fitted.check(only)
    repetitions(settings, run)  # Now that there is what they share.
    scoring.check(fitted.settings, run)
    where = run.root
    for task in plan(fitted.settings, run, only, seed)[1:]:
        if task.run.root != where:
            where = task.run.root
            tell(f"--- seed {task.settings.seed} ---")
        done = task.do()
        score = _scored(task)
        seed_of = f" (seed {task.settings.seed})" if score and settings.seeds else ""
        tell(f"{task.name}{seed_of}: {score or done}")
    if only or seed is not None:
        return _finish_together(fitted.settings, run, tell)
    experiment.evaluate(fitted.settings, run)
    return experiment.report(run)


def _scored(task: Task) -> str:
    """The score of an arm, if that is what has been done."""
    if task.kind != "evaluate" or task.of in TRANSLATORS or not contents.is_scored(task.run):
        return ""
    return score_text(scoring.standing(task.settings, task.run, task.of))


def score_text(facts: runs.Facts) -> str:
    """An arm's score, as `summary.compare` has it, in a line.

    A gain that may be chance is called so.
    """
    text = f"mean IoU {percent(facts['mean_iou'])} %"
    if facts["ci95"]:
        text += f" ({interval(facts['ci95'])})"
    return f"{text}, gain {gain_text(facts)}" if "gain" in facts else text


def _finish_together(settings: Settings, run: runs.Run, tell: Tell) -> runs.Facts | None:
    """Scores and reports what several processes have done, if that is all."""
    members = repetitions(settings, run)
    missing = [
        f"{arm} (seed {own.seed})" if settings.seeds else arm
        for own, member in members
        for arm in own.arms
        if not (member.root / "segmenter" / runs.folder_name(arm) / "done.json").is_file()
    ]
    if missing:
        tell(
            f"Not trained yet: {', '.join(missing)}; whoever trains the last one makes the report."
        )
        return None

    def waits() -> None:
        tell("Waiting for another process, which makes the report.")

    with locks.in_turn(run.root / ".locks", "report", waits):
        experiment.evaluate(settings, run)
        return experiment.report(run)
