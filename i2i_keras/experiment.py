"""The stages, in order, and the records that each arm is trained on."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from i2i_keras import runs
from i2i_keras.data import prepare as preparation
from i2i_keras.data import streets as drawing
from i2i_keras.data.domains import Domain, DomainConfig
from i2i_keras.data.records import (
    Record,
    Splits,
    images_in,
    read_records,
    write_records,
)
from i2i_keras.data.spaces import LabelSpace, read_space
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.evaluation import segmentation, statistics, summary
from i2i_keras.report import page
from i2i_keras.settings import Settings, check_arm
from i2i_keras.training import segmenter as segmenters
from i2i_keras.translation import TRANSLATORS
from i2i_keras.translation.apply import translate_records

Tell = Callable[[str], None]


def check_method(method: str) -> None:
    """Refuses a name that is no translator.

    Raises:
        SettingsError: it is not a key of `TRANSLATORS`.
    """
    if method not in TRANSLATORS:
        raise SettingsError(f"No translator {method!r}; there are {', '.join(TRANSLATORS)}.")


def streets(settings: Settings, run: runs.Run) -> runs.Done:
    """Draws the source as Cityscapes and the target as GTA5."""
    if settings.streets is None:
        raise SettingsError("This preset has no [streets] to draw; give --source and --target.")
    config = settings.streets

    def work(folder: Path) -> runs.Facts:
        workers = settings.prepare.workers
        drawing.write_cityscapes(folder / "cityscapes", config, "camera", workers)
        drawing.write_gta5(folder / "gta5", config, "game", workers)
        return {}

    return run.stage("raw", config.model_dump(mode="json"), {}, work)


def prepare(settings: Settings, run: runs.Run) -> runs.Done:
    """Audits both domains and writes their records at the working size."""
    domains: dict[str, Domain] = {}
    inputs = {}
    for role in ("source", "target"):
        config: DomainConfig = getattr(settings, role)
        root = Path(config.root)
        if not config.root:
            if settings.streets is None:
                raise SettingsError(f"Give the {role}'s folder: --{role} ROOT.")
            inputs[f"{role} files"] = streets(settings, run).fingerprint
            root = run.root / "raw" / config.format
        splits = config.find(root)
        inputs.setdefault(f"{role} files", _listing(root, splits))
        domains[role] = Domain(config, root, splits)
    facts = {
        "source": settings.source.facts(),
        "target": settings.target.facts(),
        "prepare": settings.prepare.facts(),
    }

    def work(folder: Path) -> runs.Facts:
        return preparation.prepare(settings.prepare, domains, run.root)

    return run.stage("records", facts, inputs, work)


def train_translator(settings: Settings, run: runs.Run, method: str) -> runs.Done:
    """Trains a translator on the training images of both domains.

    It is handed paths of images: it cannot see a label.
    """
    check_method(method)
    inputs = {"records": run.done("records").fingerprint}
    config = getattr(settings.translator, method)
    x, y = ([r.image for r in _records(run, f"{d}-train")] for d in ("source", "target"))

    def work(folder: Path) -> runs.Facts:
        return dict(TRANSLATORS[method].fit(config, x, y, folder, settings.seed))

    facts = {"seed": settings.seed, **config.model_dump(mode="json")}
    return run.stage(f"translator/{method}", facts, inputs, work)


def translate(settings: Settings, run: runs.Run, method: str, direction: str = "xy") -> runs.Done:
    """Translates the labelled source (`xy`), or the target's images (`yx`)."""
    check_method(method)
    inputs = {"translator": run.done(f"translator/{method}").fingerprint}
    tables = ["source-train", "source-val"] if direction == "xy" else ["target-train"]

    def work(folder: Path) -> runs.Facts:
        function = TRANSLATORS[method].load(run.root / "translator" / method, direction)
        counts = {}
        for table in tables:
            records = _records(run, table)
            if direction == "yx":  # The target's labels are not for training.
                records = [record._replace(label=None) for record in records]
            translated = translate_records(function, records, folder / table, f"translate {table}")
            write_records(run.root, folder / f"{table}.csv", translated)
            counts[table] = len(translated)
        return {"records": counts}

    return run.stage(_translated(method, direction), {"direction": direction}, inputs, work)


def translate_folder(run: runs.Run, method: str, direction: str, images: Path, out: Path) -> int:
    """Translates images, each of any size, and returns their number."""
    check_method(method)
    run.done(f"translator/{method}")
    if out.resolve() == images.resolve():
        raise DataError(f"{out} holds the images themselves; give another folder for --out.")
    function = TRANSLATORS[method].load(run.root / "translator" / method, direction)
    records = [Record(path.stem, path, None) for path in images_in(images)]
    if not records:
        raise DataError(f"{images} holds no PNG or JPEG; give a folder of images.")
    seen: dict[str, Path] = {}
    for record in records:
        other = seen.setdefault(record.name, record.image)
        if other != record.image:
            raise DataError(
                f"{other} and {record.image} would both become {record.name}.png; rename one."
            )
    return len(translate_records(function, records, out, "translate", keep=False))


def train_segmenter(settings: Settings, run: runs.Run, arm: str) -> runs.Done:
    """Trains the segmenter of one arm."""
    train, val, inputs = _arm(run, arm)
    config = settings.segmenter

    def work(folder: Path) -> runs.Facts:
        num_classes = len(_label_space(run).names)
        return segmenters.fit(config, train, val, num_classes, folder, settings.seed)

    facts = {"seed": settings.seed, **config.model_dump(mode="json")}
    return run.stage(f"segmenter/{runs.folder_name(arm)}", facts, inputs, work)


def evaluate(settings: Settings, run: runs.Run) -> runs.Facts:
    """Scores all arms on the target's test records.

    The confusion matrices are computed once an arm; intervals and summary are
    made from them anew each time.

    Returns:
        What `scores/summary.json` holds.
    """
    confusions, counts = {}, {}
    for arm in settings.arms:
        counts[arm] = _predict(settings, run, arm).results
        confusions[arm] = _load_confusions(run, arm)
    names = _label_space(run).names
    drawn = statistics.bootstrap(confusions, settings.evaluate.bootstrap_samples, settings.seed)
    results = summary.compare(confusions, drawn)
    for arm, facts in results.items():
        details = summary.details(names, confusions[arm].sum(axis=0))
        path = run.root / "scores" / f"{runs.folder_name(arm)}.json"
        runs.write_json(path, {"arm": arm, **facts, **details, **counts[arm]})
    facts = {
        "label_space": _label_space(run).name,
        "num_images": counts[settings.arms[0]]["num_images"],
        "bootstrap_samples": settings.evaluate.bootstrap_samples,
        "absent": summary.absent(names, confusions[settings.arms[0]].sum(axis=0)),
        "arms": results,
    }
    runs.write_json(run.root / "scores" / "summary.json", facts)
    return facts


def report(run: runs.Run) -> runs.Facts:
    """Writes the report page from what the other stages left."""
    return page.write_report(run.root)


def run_all(settings: Settings, run: runs.Run, tell: Tell) -> runs.Facts:
    """Runs every stage that is not done yet.

    Args:
        settings: of the experiment.
        run: where it lives.
        tell: is told how each stage ended.

    Returns:
        The report's results.
    """

    def tell_done(name: str, done: runs.Done) -> None:
        tell(f"{name}: {'was done before' if done.skipped else f'done in {done.seconds:.0f} s'}")

    tell_done("prepare", prepare(settings, run))
    for method in settings.methods:
        tell_done(f"train-translator {method}", train_translator(settings, run, method))
        tell_done(f"translate {method}", translate(settings, run, method))
    for arm in settings.arms:
        tell_done(f"train-segmenter {arm}", train_segmenter(settings, run, arm))
    evaluate(settings, run)
    return report(run)


def _translated(method: str, direction: str) -> str:
    return f"translated/{method}" if direction == "xy" else f"translated/{method}-{direction}"


def _records(run: runs.Run, table: str) -> list[Record]:
    return read_records(run.root, run.root / "records" / f"{table}.csv")


def _label_space(run: runs.Run) -> LabelSpace:
    return read_space(run.root / "records" / "label_space.json")


def _listing(root: Path, splits: Splits) -> str:
    """Fingerprint of the raw files' places in the root and their sizes."""
    files = [
        (split, path.relative_to(root).as_posix(), path.stat().st_size if path.is_file() else 0)
        for split, records in splits.items()
        for record in records
        for path in (record.image, record.label)
        if path is not None
    ]
    return runs.fingerprint(files)


def _arm(run: runs.Run, arm: str) -> tuple[list[Record], list[Record], dict[str, str]]:
    """Training and validation records of an arm, and what they come from.

    The only place where target labels reach a training: the oracle's.
    """
    try:
        check_arm(arm)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    kind, _, method = arm.partition(":")
    inputs = {"records": run.done("records").fingerprint}
    if kind == "oracle":
        return _records(run, "target-train"), _records(run, "target-val"), inputs
    train, val = _records(run, "source-train"), _records(run, "source-val")
    if kind == "source_only":
        return train, val, inputs
    stage = _translated(method, "xy")
    inputs["translated"] = run.done(stage).fingerprint
    translated = [
        read_records(run.root, run.root / stage / f"source-{split}.csv")
        for split in ("train", "val")
    ]
    if kind == "mixed":
        return train + translated[0], val + translated[1], inputs
    return translated[0], translated[1], inputs


def _predict(settings: Settings, run: runs.Run, arm: str) -> runs.Done:
    name = runs.folder_name(arm)
    inputs = {"segmenter": run.done(f"segmenter/{name}").fingerprint}
    scores = run.root / "scores"
    num_pictures = settings.evaluate.num_pictures

    def work(folder: Path) -> runs.Facts:
        trained = run.root / "segmenter" / name
        model, stride = segmenters.load(trained), segmenters.saved_network(trained).stride
        segment = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
        space = _label_space(run)

        def predict(table: str, pictures: Path, limit: int | None) -> segmentation.Prediction:
            records = _records(run, table)[:limit]
            places = {r.name: pictures / name / f"{r.name}.png" for r in records[:num_pictures]}
            return segmentation.predict(segment, records, len(space.names), stride, places)

        prediction = predict("target-test", scores / "predictions", None)
        if arm == "source_only":  # The report's figure 8.
            # No score depends on it, and Cityscapes withholds its test labels.
            with contextlib.suppress(DataError):
                predict("source-test", scores / "predictions-source", num_pictures)
        with runs.replacing(folder / "confusions.npz") as draft:
            np.savez_compressed(draft, confusions=prediction.confusions)
        return {"loss": prediction.loss, "num_images": len(prediction.confusions)}

    facts = {"num_pictures": num_pictures}
    return run.stage(f"scores/{name}", facts, inputs, work)


def _load_confusions(run: runs.Run, arm: str) -> Any:
    path = run.root / "scores" / runs.folder_name(arm) / "confusions.npz"
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["confusions"]
