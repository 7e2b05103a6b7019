"""The plan of an experiment: what is to be done, and in which order."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i_keras.errors import SettingsError, unknown
from i2i_keras.experiment import checkpoint_scores, quality, scoring, stages
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import ARMS, FLOOR, Arm, Need, in_training_order
from i2i_keras.translators import TRANSLATORS


class Task(NamedTuple):
    """One thing that an experiment does.

    Attributes:
        kind: the command that does it.
        of: the translator or the arm that it is about.
        settings: of the training that it belongs to.
        run: the run directory of that training.
    """

    kind: str
    of: str
    settings: Settings
    run: Run

    @property
    def name(self) -> str:
        """As it is told."""
        return f"{self.kind} {self.of}".strip()

    @property
    def places(self) -> list[Path]:
        """Folders of the stages that it consists of."""
        return _DEEDS[self.kind].places(self)

    @property
    def like(self) -> Hashable:
        """The same for tasks that take about as long."""
        if self.is_of_arm and self.kind == "train-segmenter":
            kind = Arm(self.of).about
            return self.kind, kind.fit, len(kind.trains_on), "label_safe" in kind.trains_on
        return self.name if self.kind != "evaluate" else (self.kind, self.is_of_arm)

    @property
    def is_of_arm(self) -> bool:
        """Whether it is about an arm, and not about translators."""
        return Arm(self.of).kind in ARMS

    @property
    def trains(self) -> bool:
        """Whether it is the training of a network."""
        return self.kind.startswith("train-")

    @property
    def done(self) -> bool:
        """Whether nothing of it is left to do."""
        return all(map(self.run.is_done, self.places))

    @property
    def seconds(self) -> float:
        """What it took, all of its stages, if it is done."""
        return sum(self.run.done(place).seconds for place in self.places)

    @property
    def needs(self) -> list[Need]:
        """What has to be done before it, the preparation apart."""
        return _needs(self.settings, self.kind, self.of)

    def waits_for(self, other: "Task") -> bool:
        """Whether another task has to be done before it."""
        return self.run.root == other.run.root and (other.kind, other.of) in self.needs

    def do(self) -> Done:
        """Does it, or finds it done."""
        return _DEEDS[self.kind].do(self)


class _Deed(NamedTuple):
    """What a task of one kind leaves, and how it is done."""

    places: Callable[[Task], list[Path]]
    do: Callable[[Task], Done]


def _prepared(task: Task) -> list[Path]:
    given = task.settings.source.root and task.settings.target.root
    return [task.run.records] if given else [task.run.raw, task.run.records]


def _trained(task: Task) -> list[Path]:
    arm, run = Arm(task.of), task.run
    safe = [run.label_safe(arm.method)] if "label_safe" in arm.about.trains_on else []
    return [*safe, run.segmenter(arm)]


def _scored(task: Task) -> list[Path]:
    run, place = task.run, task.run.scores(task.of)
    if not task.is_of_arm:
        return [place]
    several = checkpoint_scores.are_scored(task.settings, run, Arm(task.of))
    return [place, run.checkpoint_scores(task.of)] if several else [place]


def _score(task: Task) -> Done:
    if not task.is_of_arm:
        return quality.score_translator(task.settings, task.run, task.of)
    return scoring.score_arm(task.settings, task.run, task.of)


_DEEDS = {
    "prepare": _Deed(_prepared, lambda task: stages.prepare(task.settings, task.run)),
    "train-translator": _Deed(
        lambda task: [task.run.translator(task.of)],
        lambda task: stages.train_translator(task.settings, task.run, task.of),
    ),
    "translate": _Deed(
        lambda task: [task.run.translated(task.of)],
        lambda task: stages.translate(task.run, task.of),
    ),
    "translate-back": _Deed(
        lambda task: [task.run.translated(task.of, "yx")],
        lambda task: stages.translate(task.run, task.of, "yx"),
    ),
    "train-segmenter": _Deed(
        _trained, lambda task: stages.train_segmenter(task.settings, task.run, Arm(task.of))
    ),
    "evaluate": _Deed(_scored, _score),
}


def plan(
    settings: Settings, run: Run, only: Sequence[str] = (), seed: int | None = None
) -> list[Task]:
    """All that leads to the scores of an experiment, in order.

    A part of it is the same tasks in the same order, without those that the
    part does not need. Nothing is written.

    Args:
        settings: of the experiment, such as the labels allow; see `fitting`.
        run: where it lives.
        only: arms; with what they need. Empty = all.
        seed: of one of the repetitions; None = all.

    Raises:
        SettingsError: the experiment has no such arm or seed.
    """
    if strange := [arm for arm in only if arm not in settings.arms]:
        told = f"here there are {', '.join(settings.arms)}"
        raise SettingsError(f"{unknown('No arm', strange[0], settings.arms, told)}.")
    seeds = settings.seeds or (settings.seed,)
    if seed is not None and seed not in seeds:
        raise SettingsError(f"No seed {seed} here; there are {', '.join(map(str, seeds))}.")
    tasks = [Task("prepare", "", settings, run)]
    for own, member in repetitions(settings, run, link=False):
        if seed in (None, own.seed):
            tasks += [Task(*step, own, member) for step in _steps(own, only)]
    return tasks


def _steps(settings: Settings, only: Sequence[str]) -> list[Need]:
    """Kinds and objects of the tasks of one training, in order."""
    wanted: list[Need] = [("train-segmenter", arm) for arm in in_training_order(settings.arms)]
    wanted += [("translate", method) for method in settings.methods]
    wanted += [("translate-back", method) for method in quality.back_methods(settings)]
    wanted += [("evaluate", method) for method in quality.scored_methods(settings)]
    steps = _with_needs(settings, wanted)
    if not only:
        return steps
    part = _with_needs(settings, [("train-segmenter", arm) for arm in only])
    return [step for step in steps if step in part]


def _with_needs(settings: Settings, wanted: Sequence[Need]) -> list[Need]:
    """Steps, each after those that it needs; an arm is scored at once."""
    found: list[Need] = []
    for step in wanted:
        for one in (*_with_needs(settings, _needs(settings, *step)), step):
            if one not in found:
                found.append(one)
                if one[0] == "train-segmenter" and one[1] in settings.arms:
                    found.append(("evaluate", one[1]))
    return found


def _needs(settings: Settings, kind: str, of: str) -> list[Need]:
    """What has to be done before a step, the preparation apart."""
    if kind in ("translate", "translate-back"):
        return [("train-translator", of)]
    if kind == "train-translator":
        return [("train-segmenter", FLOOR)] if TRANSLATORS[of].needs_segmenter else []
    if kind == "train-segmenter":
        return Arm(of).needs
    if Arm(of).kind in ARMS:
        return [("train-segmenter", of)]
    back = of in quality.back_methods(settings)
    judge = [("train-segmenter", FLOOR)] if settings.arms else []
    return [*judge, ("translate", of), *([("translate-back", of)] if back else [])]
