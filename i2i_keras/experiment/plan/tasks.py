"""The plan of an experiment: what is to be done, and in which order."""

from collections.abc import Sequence
from typing import NamedTuple

from i2i_keras.errors import SettingsError, unknown
from i2i_keras.evaluation.summary import FLOOR
from i2i_keras.experiment import contents, quality, scoring, stages, states
from i2i_keras.experiment.arms import (
    label_safe_stage,
    training_order,
    translated_stage,
    without_adabn,
)
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.experiment.translating import Trained, translate
from i2i_keras.run_folder.files import folder_name
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.translators import TRANSLATORS

Step = tuple[str, str]


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
    def stages(self) -> tuple[str, ...]:
        """Folders of the stages that it consists of."""
        arm = folder_name(self.of)
        if self.kind == "prepare":
            given = self.settings.source.root and self.settings.target.root
            return ("records",) if given else ("raw", "records")
        if self.kind == "train-translator":
            return (f"translator/{self.of}",)
        if self.kind == "translate":
            return (translated_stage(self.of),)
        if self.kind == "translate-back":
            return (translated_stage(self.of, "yx"),)
        if self.kind == "train-segmenter":
            kind, _, method = self.of.partition(":")
            safe = (label_safe_stage(method),) if kind == "label_safe" else ()
            return (*safe, f"segmenter/{arm}")
        kept = (f"scores/{arm}/states",) if self.num_states else ()
        return (f"scores/{arm}", *kept)

    @property
    def num_states(self) -> int:
        """How many states of an arm's training are scored besides the last."""
        if self.kind != "evaluate" or self.of in TRANSLATORS or self.of.startswith("adabn"):
            return 0
        if contents.is_prepared(self.run) and not contents.is_scored(self.run):
            return 0
        trained = self.run.root / "segmenter" / folder_name(self.of) / "done.json"
        if trained.is_file():
            return len(states.compared_steps(self.settings, self.run, self.of))
        kept = min(self.settings.evaluate.num_states, self.settings.segmenter.keep_checkpoints)
        return kept if kept > 1 else 0

    @property
    def done(self) -> bool:
        """Whether nothing of it is left to do."""
        return all((self.run.root / s / "done.json").is_file() for s in self.stages)

    def do(self) -> Done:
        """Does it, or finds it done."""
        _, of, settings, run = self
        if self.kind == "prepare":
            return stages.prepare(settings, run)
        if self.kind == "train-translator":
            return stages.train_translator(settings, run, of)
        if self.kind == "translate":
            return translate(Trained(run, of))
        if self.kind == "translate-back":
            return translate(Trained(run, of, "yx"))
        if self.kind == "train-segmenter":
            return stages.train_segmenter(settings, run, of)
        if of in TRANSLATORS:
            return quality.translator_quality(settings, run, of)
        return scoring.score_arm(settings, run, of)


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


def _steps(settings: Settings, only: Sequence[str]) -> list[Step]:
    """Kinds and objects of the tasks of one training, in order."""
    wanted: list[Step] = [("train-segmenter", arm) for arm in training_order(settings.arms)]
    wanted += [("translate", method) for method in settings.methods]
    wanted += [("translate-back", method) for method in quality.back_methods(settings)]
    wanted += [("evaluate", method) for method in quality.scored_methods(settings)]
    steps = _with_needs(settings, wanted)
    if not only:
        return steps
    part = _with_needs(settings, [("train-segmenter", arm) for arm in only])
    return [step for step in steps if step in part]


def _with_needs(settings: Settings, wanted: Sequence[Step]) -> list[Step]:
    """Steps, each after those that it needs; an arm is scored at once."""
    found: list[Step] = []
    for step in wanted:
        for one in (*_with_needs(settings, _needs(*step)), step):
            if one not in found:
                found.append(one)
                if one[0] == "train-segmenter" and one[1] in settings.arms:
                    found.append(("evaluate", one[1]))
    return found


def _needs(kind: str, of: str) -> list[Step]:
    """What has to be done before a step, the preparation apart."""
    if kind in ("translate", "translate-back"):
        return [("train-translator", of)]
    if kind == "train-translator":
        return [("train-segmenter", FLOOR)] if TRANSLATORS[of].needs_segmenter else []
    if kind == "evaluate":
        return []
    arm, _, method = of.partition(":")
    if arm == "adabn":
        return [("train-segmenter", without_adabn(of))]
    needs = [("translate", method)] if method else []
    return [*needs, ("train-segmenter", FLOOR)] if arm == "label_safe" else needs
