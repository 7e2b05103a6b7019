"""Makes settings fit what is there: the labels of a run, and its images' size.

An experiment is planned for labels that may be missing. What they do not allow
is left out before anything is trained, and said.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.experiment import contents
from i2i_keras.experiment.contents import Contents
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation.auto_size import Size
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import CEILING
from i2i_keras.translators import TRANSLATORS


class Fitted(NamedTuple):
    """Settings that can be carried out, and what had to change for that.

    Attributes:
        settings: arms that cannot be trained are left out, and crops that are
            larger than the images reduced.
        notes: a sentence for each change.
        scored: whether arms can be scored on the target.
        left_out: arms that cannot be trained.
    """

    settings: Settings
    notes: list[str]
    scored: bool
    left_out: tuple[str, ...] = ()

    def check(self, arms: Sequence[str]) -> None:
        """Refuses arms that cannot be trained with the labels that there are.

        Raises:
            SettingsError: one of them cannot be.
        """
        for arm in arms:
            if arm in self.left_out:
                raise SettingsError(f"{arm} cannot be trained here. {self.notes[0]}")


def fit(settings: Settings, run: Run) -> Fitted:
    """Fits settings to a run, or to its raw data where nothing is prepared yet.

    Raises:
        SettingsError: nothing is left to do, or what is left cannot be done.
        DataError: see `contents.look`.
    """
    return fit_to(settings, contents.look(settings, run))


def fit_to(settings: Settings, there: Contents) -> Fitted:
    """The same, from what images and labels there are."""
    fitted, notes = _fit_arms(settings, there)
    scored = there.labelled["target-test"] > 0
    if fitted.arms and not scored:
        notes.append(
            "The target has no labelled test images: arms are trained, but not scored. The page"
            " shows what they predict, how far they agree, and what translation did."
        )
    _check_selection(fitted, there)
    fitted, reduced = _fit_crops(fitted, there.size)
    left_out = tuple(arm for arm in settings.arms if arm not in fitted.arms)
    return Fitted(fitted, [*notes, *reduced, *there.noted], scored, left_out)


def _fit_arms(settings: Settings, there: Contents) -> tuple[Settings, list[str]]:
    """Leaves out the arms that there are no labels for."""
    if settings.arms and not there.labelled["source-train"]:
        methods = [m for m in settings.methods if not TRANSLATORS[m].needs_segmenter]
        if not methods:
            raise SettingsError(
                "The source's training images have no labels, and without them none of these can"
                f" be trained: {', '.join(settings.arms)}. Put labels there, or translate only,"
                " with --set 'arms=[]' --set 'translators=[\"cyclegan\"]'."
            )
        note = (
            "The source's training images have no labels: no segmenter is trained, images are"
            f" translated only ({', '.join(methods)})."
        )
        return settings.model_copy(update={"arms": (), "translators": (*methods,)}), [note]
    if CEILING not in settings.arms or there.labelled["target-train"]:
        return settings, []
    arms = tuple(arm for arm in settings.arms if arm != CEILING)
    if not arms and not settings.translators:
        raise SettingsError(
            "The target's training images have no labels, so that oracle cannot be trained, and"
            " no other arm is named; name one, such as source_only."
        )
    note = (
        "The target's training images have no labels: oracle is left out, and the share of the"
        " gap that is closed is not known."
    )
    return settings.model_copy(update={"arms": arms}), [note]


def _check_selection(settings: Settings, there: Contents) -> None:
    """Refuses a choice of weights by labels that there are not."""
    if settings.segmenter.select != "val_loss":
        return
    sides = {"target" if arm.about.sees_target_labels else "source" for arm in settings.arms}
    for side in sorted(sides):
        if not there.labelled[f"{side}-val"]:
            raise SettingsError(
                "segmenter.select = 'val_loss' needs labelled validation images, and the"
                f" {side} has none; take segmenter.select = 'last'."
            )


def _fit_crops(settings: Settings, size: Size) -> tuple[Settings, list[str]]:
    """Reduces crops to an `auto` size; refuses those above a set one."""
    stride = settings.segmenter.built.stride if settings.arms else 1
    wanted: list[tuple[str, Any, int]] = []
    for method in settings.methods:
        own = getattr(settings.translator, method)
        if hasattr(own, "pipeline"):
            least = 2**own.generator.num_downsamplings
            both = math.lcm(least, stride) if TRANSLATORS[method].needs_segmenter else least
            wanted.append((f"translator.{method}", own, both))
    if settings.arms:
        wanted.append(("segmenter", settings.segmenter, stride))
    changes, notes = {}, []
    for name, own, multiple in wanted:
        crop = own.pipeline.crop
        if crop[0] <= size[0] and crop[1] <= size[1]:
            continue
        if settings.prepare.size != "auto":
            raise SettingsError(
                f"{name}.pipeline.crop is {crop[0]} x {crop[1]}, larger than the images, which"
                f" are {size[0]} x {size[1]} (prepare.size); lower it, or raise that."
            )
        changes[name] = _reduced(name, crop, size, multiple)
        height, width = changes[name]
        notes.append(f"{name}.pipeline.crop is {height} x {width}, as images are not larger.")
    return _with_crops(settings, changes), notes


def _reduced(name: str, crop: Size, size: Size, multiple: int) -> Size:
    height, width = (
        min(part, side) // multiple * multiple for part, side in zip(crop, size, strict=True)
    )
    if not height or not width:
        raise SettingsError(
            f"Images of {size[0]} x {size[1]} are too small for {name}, which needs multiples of"
            f" {multiple}; set a larger prepare.size."
        )
    return height, width


def _with_crops(settings: Settings, changes: dict[str, Size]) -> Settings:
    """The settings with other crops, which all their checks have seen."""
    if not changes:
        return settings
    table = settings.model_dump(mode="json")
    for name, crop in changes.items():
        part: Any = table
        for key in name.split("."):
            part = part[key]
        part["pipeline"]["crop"] = list(crop)
    return config.build(type(settings), table)
