"""A run directory such as the other stages leave it, in small."""

import copy

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record, write_records
from i2i_keras.datasets.spaces import LABEL_SPACES, write_space
from i2i_keras.evaluation.summary import write_summary
from i2i_keras.preparation import comparison
from i2i_keras.run_folder import files, places
from i2i_keras.run_folder.run import Run

SPACE = LABEL_SPACES["cityscapes19"]
SIZE = (24, 48)
SUMMARY = {
    "label_space": "cityscapes19",
    "num_images": 100,
    "bootstrap_samples": 2000,
    "absent": ["train"],
    "best": {
        "mean_iou": {
            "arm": "adapted:cyclegan",
            "next": "source_only",
            "difference": 0.08,
            "ci95": [0.065, 0.094],
            "sure": True,
        },
    },
    "arms": {
        "source_only": {"mean_iou": 0.38, "ci95": [0.36, 0.4]},
        "adapted:cyclegan": {
            "mean_iou": 0.46,
            "ci95": [0.44, 0.48],
            "gain": 0.08,
            "gain_ci95": [0.065, 0.094],
            "gap_closed": 0.5,
        },
        "oracle": {"mean_iou": 0.54, "ci95": [0.5, 0.58], "gain": 0.16, "gain_ci95": [0.1, 0.2]},
    },
}
ARMS = list(SUMMARY["arms"])
KEPT = {**dict.fromkeys(SPACE.names), "road": 0.72, "car": 1.0}
DRIFT = {
    "drifted": 0.14,
    "kept": KEPT,
    "sentences": ["road became car in 28% of its pixels."],
    "transitions": np.array(
        [
            [{"road road": 72, "road car": 28, "car car": 100}.get(f"{a} {b}", 0) for b in KEPT]
            for a in KEPT
        ]
    ).tolist(),
    "by_step": [
        {"step": 900, "drifted": 0.2, "kept": {**KEPT, "road": 0.6}},
        {"step": 1000, "drifted": 0.14, "kept": KEPT},
    ],
}
VERSIONS = {"i2i_keras": "0.1.0", "tensorflow": "2.15.1"}


@pytest.fixture()
def summary():
    return copy.deepcopy(SUMMARY)


@pytest.fixture(scope="session")
def finish():
    """Marks a stage as done, with these settings and results."""
    return mark_done


@pytest.fixture()
def bare_run(tmp_path, summary):
    """A run of which nothing but the summary is left."""
    run = Run(tmp_path)
    write_summary(run, summary)
    return run


@pytest.fixture(scope="session")
def full_run(tmp_path_factory):
    """A run with everything a report can show; tests must not change it."""
    run = Run(tmp_path_factory.mktemp("run"))
    rng = np.random.default_rng(0)
    tables = {
        (domain, split): make_records(run, domain, split, rng)
        for domain in ("source", "target")
        for split in ("train", "val", "test")
    }
    translate(run, tables["source", "train"], rng)
    describe(run, rng)
    for arm in ARMS:
        score(run, arm, tables, rng)
    write_summary(run, SUMMARY)
    quality = {
        "features": "the bottom of the segmenter source_only, mean over the image",
        "frechet_distance": {"source": 2.2165, "translated": 0.0623},
        "kernel_distance": {"source": [0.0325, 0.002], "translated": [0.00053, 0.0001]},
        "cycle_error": 4.51,
        "drift": DRIFT,
    }
    files.write_json(run.score_file("cyclegan"), quality)
    settings = {"prepare": {"label_space": "cityscapes19", "size": list(SIZE)}}
    for stage in (
        *(run.records, run.translator("cyclegan"), run.translated("cyclegan")),
        run.scores("source_only"),
    ):
        mark_done(stage, settings)
    return run


def mark_done(stage, settings, results=None, seconds=12.5):
    facts = {"settings": settings, "inputs": {}, "fingerprint": "0", "results": results or {}}
    files.write_json(stage / places.DONE, {**facts, "versions": VERSIONS, "seconds": seconds})


def describe(run, rng):
    """What `prepare` leaves besides the records."""
    write_space(run.label_space, SPACE)
    domains = {}
    for domain in ("source", "target"):
        image = rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
        label = rng.integers(0, 19, SIZE).astype(np.uint8)
        domains[domain] = comparison.join([comparison.measure(image, label, 19)])
    told = ["sky fills 3% of the source's pixels and 12% of the target's."]
    facts = {"names": SPACE.names, **domains, "foretold": told}
    files.write_json(run.comparison, facts)
    finding = {"kind": "solid image", "table": "source-train", "bad": True}
    files.write_json(run.audit, {"findings": [finding]})


def make_records(run, domain, split, rng):
    records = []
    for index in range(2):
        folder = run.records / f"{domain}-{split}"
        record = Record(f"{index:03d}", folder / f"{index}.png", folder / f"{index}_label.png")
        save(rng.integers(0, 256, (*SIZE, 3)), record.image)
        label = np.kron(rng.integers(0, 19, (3, 6)), np.ones((8, 8)))
        label[:2] = 255
        save(label, record.label)
        records.append(record)
    write_records(run.root, run.table(run.records, f"{domain}-{split}"), records)
    return records


def translate(run, source, rng):
    folder = run.translated("cyclegan")
    records = [r._replace(image=folder / "source-train" / f"{r.name}.png") for r in source]
    for record in records:
        save(rng.integers(0, 256, (*SIZE, 3)), record.image)
    write_records(run.root, run.table(folder, "source-train"), records)

    translator = run.translator("cyclegan")
    rows = [{"step": s, "adversarial_xy": 1 / s, "adversarial_yx": 0.5} for s in range(1, 5)]
    files.write_table(run.history(translator), rows, list(rows[0]))
    for step in (900, 1000):
        save(np.full((*SIZE, 3), step // 10), run.samples(translator) / f"step-{step:06d}.png")


def score(run, arm, tables, rng):
    rows = [{"step": s, "loss": 1 / s, "val_loss": 2 / s if s % 2 else ""} for s in range(1, 6)]
    files.write_table(run.history(run.segmenter(arm)), rows, list(rows[0]))
    iou = {c: None if c == "train" else float(rng.random()) for c in SPACE.names}
    shares = {"pixel_accuracy": 0.9, "mean_accuracy": 0.6, "frequency_weighted_iou": 0.8}
    facts = {"arm": arm, **shares, "loss": 0.25, "iou": iou, "num_images": 100}
    facts["subsets"] = {"cityscapes16": 0.25}
    facts |= {"calibration_error": 0.07, "categories": {"flat": 0.95, "sky": None}}
    facts["mean_category_iou"] = 0.95
    counts = [dict.fromkeys(SPACE.names, 10) | {"truth": name} for name in SPACE.names]
    files.write_table(run.confusion_file(arm), counts, ["truth", *SPACE.names])
    files.write_json(run.score_file(arm), facts)
    for record in tables["target", "test"]:
        predicted = rng.integers(0, 19, SIZE)
        save(predicted, run.predictions(arm) / f"{record.name}.png")
        if arm == "source_only":
            save(predicted, run.predictions(arm, "source") / f"{record.name}.png")


def save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)
