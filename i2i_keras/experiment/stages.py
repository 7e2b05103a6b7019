"""The stages, one function each, in order."""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

from i2i_keras.data.records import Splits, write_records
from i2i_keras.data.tables import prepared, translated
from i2i_keras.datasets import streets as drawing
from i2i_keras.datasets.spaces import read_space
from i2i_keras.errors import SettingsError
from i2i_keras.evaluation.summary import Summary, UnscoredSummary
from i2i_keras.experiment import contents, scoring, translating
from i2i_keras.experiment.settings import Settings, check_crop
from i2i_keras.experiment.translating import TrainedTranslator
from i2i_keras.preparation import prepare as preparation
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.report import page
from i2i_keras.run_folder import files, workers
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters import label_safe
from i2i_keras.segmenters.arms import FLOOR, Arm, Training, load_segmenter, read_arm_records
from i2i_keras.segmenters.eye import Eye
from i2i_keras.segmenters.segmenter_training import Examples
from i2i_keras.training import devices, runtime, tracking
from i2i_keras.translators import TRANSLATORS, check_method


def streets(settings: Settings, run: Run) -> Done:
    """Draws the source as Cityscapes and the target as GTA5."""
    if settings.streets is None:
        raise SettingsError("This preset has no [streets] to draw; give --source and --target.")
    config = settings.streets

    def work(folder: Path) -> Facts:
        workers = settings.prepare.workers
        drawing.write_cityscapes(folder / "cityscapes", config, "camera", workers)
        drawing.write_gta5(folder / "gta5", config, "game", workers)
        return {}

    return run.stage(run.raw, config.model_dump(mode="json"), {}, work)


def prepare(settings: Settings, run: Run) -> Done:
    """Audits both domains and writes their records at the working size.

    What is prepared stays so where its raw data are gone.
    """
    if contents.is_prepared(run) and contents.gone(settings):
        return run.done(run.records)
    contents.check_roots(settings)
    domains, inputs = _raw_domains(settings, run)

    def work(folder: Path) -> Facts:
        return preparation.prepare(settings.prepare, domains, run.root)

    return run.stage(run.records, _facts_of_prepare(settings), inputs, work)


def check_prepared(settings: Settings, run: Run) -> None:
    """Refuses records that `prepare` would refuse; nothing is written.

    Raises:
        DataError: they were made from other files, or with other settings.
    """
    named = settings.source.root and settings.target.root
    there = not contents.gone(settings) and (named or run.is_done(run.raw))
    if contents.is_prepared(run) and there:
        _, inputs = _raw_domains(settings, run)
        run.check(run.records, _facts_of_prepare(settings), inputs)


def _raw_domains(settings: Settings, run: Run) -> tuple[dict[str, Domain], dict[str, str]]:
    """The raw files of both domains, or what is drawn; and fingerprints."""
    domains: dict[str, Domain] = {}
    inputs = {}
    for role in ("source", "target"):
        config: DomainConfig = getattr(settings, role)
        root = Path(config.root)
        if not config.root:
            inputs[f"{role} files"] = streets(settings, run).fingerprint
            root = run.raw / config.format
        splits = config.find(root)
        inputs.setdefault(f"{role} files", _listing(root, splits))
        domains[role] = Domain(config, root, splits)
    return domains, inputs


def _facts_of_prepare(settings: Settings) -> Facts:
    return {
        "source": settings.source.facts(),
        "target": settings.target.facts(),
        "prepare": settings.prepare.facts(),
    }


def train_translator(settings: Settings, run: Run, method: str) -> Done:
    """Trains a translator on the training images of both domains.

    It is handed paths of images: it cannot see a label. One that needs a
    segmenter gets source_only, which has to be trained, as a function.
    """
    check_method(method)
    inputs = {"records": run.done(run.records).fingerprint}
    config = getattr(settings.translator, method)
    x, y = ([r.image for r in prepared(run, f"{d}-train")] for d in ("source", "target"))
    fit = TRANSLATORS[method].fit
    if TRANSLATORS[method].needs_segmenter:
        inputs["segmenter"] = run.done(run.segmenter(FLOOR)).fingerprint
        segmenter = load_segmenter(run, FLOOR)
        check_crop(method, config.pipeline.crop, segmenter.stride)
        # Not its `segment`, a graph of its own: this is compiled with the step.
        fit = partial(fit, segment=partial(segmenter.model, training=False))

    def work(folder: Path) -> Facts:
        runtime.make_deterministic(settings.deterministic)
        with (
            _devices(settings, config),
            tracking.using(settings.tracking, run, folder, facts),
        ):
            return dict(fit(config, x, y, folder, settings.seed))

    own = config.facts() if hasattr(config, "facts") else config.model_dump(mode="json")
    facts = {"seed": settings.seed, **own}
    return run.stage(run.translator(method), facts, inputs, work, together=True)


def translate(run: Run, method: str, direction: str = "xy") -> Done:
    """Translates the labelled source, or the target's images (`yx`)."""
    return translating.translate(TrainedTranslator(run, method, direction))


def train_segmenter(settings: Settings, run: Run, arm: Arm) -> Done:
    """Trains the segmenter of one arm, and first what it builds upon.

    That is the arm whose network it takes, or labels that are safe to train on.
    """
    kind, base = arm.about, arm.base
    safe = None
    if "label_safe" in kind.trains_on:
        safe = workers.by_chief(lambda: make_label_safe(settings, run, arm.method))
    records = read_arm_records(run, arm)
    inputs = records.inputs
    if base:
        inputs["segmenter"] = train_segmenter(settings, run, base).fingerprint
    # Of the target no labels: neither training nor choice of weights has them.
    target = [record.image for record in prepared(run, "target-train")]
    examples = Examples(records.train, records.val, target)

    def work(folder: Path) -> Facts:
        runtime.make_deterministic(settings.deterministic)
        num_classes = len(read_space(run.label_space).names)
        with (
            _devices(settings, settings.segmenter),
            tracking.using(settings.tracking, run, folder, facts),
        ):
            return kind.fit(Training(settings, run, arm, examples, num_classes, folder))

    facts = kind.facts(settings)
    done = run.stage(run.segmenter(arm), facts, inputs, work, together=True)
    return done.beside(safe)


def _devices(settings: Settings, config: Any) -> contextlib.AbstractContextManager[None]:
    """Those of a training; a method without batches has one."""
    if not hasattr(config, "pipeline"):
        return devices.using("one", 1)
    return devices.using(settings.strategy, config.pipeline.batch_size // config.accumulate)


def make_label_safe(settings: Settings, run: Run, method: str) -> Done:
    """Writes labels for a translated source, without what has drifted.

    Judged by source_only, which has to be trained. No label of the target is
    seen.
    """
    inputs = {
        "segmenter": run.done(run.segmenter(FLOOR)).fingerprint,
        "translated": run.done(run.translated(method)).fingerprint,
    }
    config = settings.label_safe
    run.done(run.records)  # Refuses what has changed.

    def work(folder: Path) -> Facts:
        runtime.make_deterministic(settings.deterministic)
        segmenter = load_segmenter(run, FLOOR)
        names, counts = read_space(run.label_space).names, {}
        for table in ("source-val", "source-train"):  # Results are of the latter.
            old, new = prepared(run, table), translated(run, method, table)
            eye = Eye(segmenter.segment, segmenter.stride)
            safe = label_safe.write_safe_labels(eye, old, new, folder / table, config.confidence)
            write_records(run.root, run.table(folder, table), safe)
            counts[table] = len(safe)
        return {"records": counts, **label_safe.marked(old, safe, names)}

    return run.stage(run.label_safe(method), config.model_dump(mode="json"), inputs, work)


def evaluate(settings: Settings, run: Run) -> Summary | UnscoredSummary:
    """Scores arms and translators; returns what the summary holds."""
    summary = scoring.evaluate(settings, run)
    tracking.log_summary(settings.tracking, run, summary)
    return summary


def report(run: Run) -> Facts:
    """Writes the report page from what the other stages left.

    One that was made from just that stays.
    """
    return page.bring_up_to_date(run)


def _listing(root: Path, splits: Splits) -> str:
    """Fingerprint of the raw files' places in the root and their sizes."""
    found = [
        (split, path.relative_to(root).as_posix(), path.stat().st_size if path.is_file() else 0)
        for split, records in splits.items()
        for record in records
        for path in (record.image, record.label)
        if path is not None
    ]
    return files.fingerprint(found)
