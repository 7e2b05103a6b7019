"""The names of a run's folders and files, and what makes each of them."""

import os
import shlex
from pathlib import Path

# Of a stage: how it was done, and how it was begun.
DONE, BEGUN = "done.json", "begun.json"
WARNINGS = "warnings.json"
# And how far a training is, and why a stage failed: no part of what it makes.
PROGRESS, FAILED = ".progress.json", ".failed.json"
# Folders of stages; those of a command have its name.
PREPARE, TRAIN_TRANSLATOR, TRANSLATE = "prepare", "train-translator", "translate"
TRAIN_SEGMENTER, EVALUATE, REPORT = "train-segmenter", "evaluate", "report"
RAW, LABEL_SAFE = "raw", "label_safe"

# What earlier versions called them; for one more release, runs that have these
# go on with them.
_OLD_NAMES = {
    PREPARE: "records",
    TRAIN_TRANSLATOR: "translator",
    TRANSLATE: "translated",
    TRAIN_SEGMENTER: "segmenter",
    EVALUATE: "scores",
}

# The command that makes each folder of a run; {} is the name below it.
_COMMANDS = {
    RAW: "streets",
    PREPARE: "prepare",
    TRAIN_TRANSLATOR: "train-translator --method {}",
    TRANSLATE: "translate --method {}",
    LABEL_SAFE: "train-segmenter --arm label_safe:{}",
    TRAIN_SEGMENTER: "train-segmenter --arm {}",
    EVALUATE: "evaluate",
    REPORT: "report",
}
_STAGES = {folder: stage for stage in _COMMANDS for folder in (stage, _OLD_NAMES.get(stage))}


class Places:
    """The folders and files of a run directory.

    They are named here and nowhere else. An arm is a name such as
    `adapted:cyclegan`, a method one such as `cyclegan`.

    Args:
        root: the run directory.
        like: a run whose names of folders it takes, where it has none yet.

    Attributes:
        is_old: whether its folders have the names of an earlier version.
        raw: stage, drawn data in the layouts of their formats.
        records: stage, tables of prepared images and labels, and the images.
        label_space: what the labels of the records mean.
        audit: what was wrong with the raw data.
        comparison: how the domains differ.
        translators: folder of the trained translators of all methods.
        segmenters: folder of the trained segmenters of all arms.
        summary: what is compared, of all arms.
        predicted: table of what was predicted where the target has no test
            labels.
        report: the page and its figures.
        exports: networks for use without this package.
        settings: what the run was begun with.
        settings_files: copies of the TOML files that the settings name.
        locks: what keeps processes from doing the same.
    """

    def __init__(self, root: Path, like: "Places | None" = None) -> None:
        self.root = root
        there = {path.name for path in [*root.glob("*"), *root.glob("seed-*/*")]}
        known = there & {*_OLD_NAMES, *_OLD_NAMES.values()}
        self.is_old: bool = like is not None and like.is_old
        if known:
            self.is_old = not known & {*_OLD_NAMES}
        self.raw = self.folder(RAW)
        self.records = self.folder(PREPARE)
        self.label_space = self.records / "label_space.json"
        self.audit = self.records / "audit.json"
        self.comparison = self.records / "comparison.json"
        self.translators = self.folder(TRAIN_TRANSLATOR)
        self.segmenters = self.folder(TRAIN_SEGMENTER)
        self.summary = self.folder(EVALUATE) / "summary.json"
        self.predicted = self.folder(EVALUATE) / "predicted.csv"
        self.report = self.folder(REPORT)
        self.exports = root / "export"
        self.settings = root / "settings.json"
        self.settings_files = root / "settings"
        self.locks = root / ".locks"

    def folder(self, stage: str) -> Path:
        """The folder of a stage, such as `places.TRANSLATE`, of all methods."""
        return self.root / (_OLD_NAMES.get(stage, stage) if self.is_old else stage)

    def name_of(self, place: Path) -> str:
        """The name of a place in its run."""
        return place.relative_to(self.root).as_posix()

    def forget_beginning(self, place: Path) -> None:
        """Lets a stage that has begun be begun again with other settings."""
        (place / BEGUN).unlink(missing_ok=True)

    def table_folder(self, name: str) -> Path:
        """The images of a table, their labels, and what was found in them."""
        return self.records / name

    def translator(self, method: str) -> Path:
        """Stage: a trained translator."""
        return self.translators / method

    def translated(self, method: str, direction: str = "xy") -> Path:
        """Stage: records that a translator has made, one way."""
        return self.folder(TRANSLATE) / (method if direction == "xy" else f"{method}-yx")

    def label_safe(self, method: str) -> Path:
        """Stage: translated records without the labels of what has drifted."""
        return self.folder(LABEL_SAFE) / method

    def segmenter(self, arm: str) -> Path:
        """Stage: the trained segmenter of an arm."""
        return self.segmenters / folder_name(arm)

    def scores(self, name: str) -> Path:
        """Stage: what was counted of an arm, or of a translator."""
        return self.folder(EVALUATE) / folder_name(name)

    def checkpoint_scores(self, arm: str) -> Path:
        """Stage: scores of checkpoints that an arm's training has kept."""
        return self.scores(arm) / "states"

    def score_file(self, name: str) -> Path:
        """All scores of an arm, or of a translator."""
        return self.folder(EVALUATE) / f"{folder_name(name)}.json"

    def confusion_file(self, arm: str) -> Path:
        """The confusion matrix of an arm."""
        return self.folder(EVALUATE) / f"{folder_name(arm)}-confusion.csv"

    def confusions(self, arm: str) -> Path:
        """The confusion matrix of each image, of an arm."""
        return self.scores(arm) / "confusions.npz"

    def predictions(self, arm: str, domain: str = "target") -> Path:
        """Predictions of an arm on test images of a domain."""
        kind = "predictions" if domain == "target" else f"predictions-{domain}"
        return self.folder(EVALUATE) / kind / folder_name(arm)

    def table(self, stage: Path, name: str) -> Path:
        """Records that a stage has left, such as `source-train`."""
        return stage / f"{name}.csv"

    def history(self, stage: Path) -> Path:
        """What a training has seen, step by step."""
        return stage / "history.csv"

    def warnings(self, stage: Path) -> Path:
        """What has gone wrong in a training so far."""
        return stage / WARNINGS

    def samples(self, stage: Path) -> Path:
        """Strips of images that a translator's training has left."""
        return stage / "samples"

    def is_foreign(self) -> bool:
        """Whether it is a folder of others, where nothing must be written."""
        if not self.root.is_dir() or self.settings.is_file():
            return False
        stages = (f"{depth}{name}" for depth in ("*/", "*/*/") for name in (DONE, BEGUN))
        if any(next(self.root.glob(pattern), None) for pattern in stages):
            return False
        return not all(map(_is_ours, self.root.iterdir()))

    def is_run(self) -> bool:
        """Whether a run has been begun here."""
        return self.settings.is_file() and self.records.is_dir()


def _is_ours(path: Path) -> bool:
    """Whether a file or folder in a run directory is one that runs have."""
    known = (*_STAGES, "settings.json", "settings", "export", "notebooks")
    return path.name in known or path.name.startswith((".", "seed-"))


def folder_name(arm: str) -> str:
    """An arm's name as that of its folders and files."""
    return arm.replace(":", "-")


def arm_name(folder: str) -> str:
    """The arm that a folder is of."""
    return folder.replace("-", ":", 1)


def how_to_make(path: Path) -> str:
    """What to type to get a file or folder of a run that is not there.

    Args:
        path: of a stage's folder or of something in it.

    Returns:
        `make it with: i2i-keras COMMAND --run RUN`, to be said after what is
        missing.
    """
    place, command = _stage_place(path), command_for(path)
    if place is None or command is None:
        return "make it with its command, see i2i-keras --help"
    root = Path(*path.parts[:place])
    return f"make it with: i2i-keras {command} --run {shlex.quote(os.path.relpath(root))}"


def command_for(path: Path) -> str | None:
    """The command that makes a stage's folder or what is in it.

    Returns:
        Such as `translate --method cyclegan`; None where it is of no stage.
    """
    place = _stage_place(path)
    if place is None:
        return None
    stage, name = _STAGES[path.parts[place]], "".join(path.parts[place + 1 : place + 2])
    method, direction, _ = name.partition("-yx")
    if stage == TRAIN_SEGMENTER:
        method, direction = arm_name(name), ""
    command = _COMMANDS[stage].format(method) + " --direction yx" * bool(direction)
    if "{}" in _COMMANDS[stage] and not name:
        command = command.partition(" ")[0]
    return command


def _stage_place(path: Path) -> int | None:
    """Which part of a path is the folder of a stage; the last one that is."""
    return max((place for place, part in enumerate(path.parts) if part in _STAGES), default=None)
