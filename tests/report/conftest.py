"""A run directory such as the other stages leave it, in small."""

import copy

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record, write_records
from i2i_keras.datasets.spaces import LABEL_SPACES, write_space
from i2i_keras.preparation import comparison
from i2i_keras.run_folder import files

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


@pytest.fixture()
def bare_run(tmp_path, summary):
    """A run of which nothing but the summary is left."""
    files.write_json(tmp_path / "scores" / "summary.json", summary)
    return tmp_path


@pytest.fixture(scope="session")
def full_run(tmp_path_factory):
    """A run with everything a report can show; tests must not change it."""
    root = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    tables = {
        (domain, split): make_records(root, domain, split, rng)
        for domain in ("source", "target")
        for split in ("train", "val", "test")
    }
    translate(root, tables["source", "train"], rng)
    describe(root, rng)
    for arm in ARMS:
        score(root, arm, tables, rng)
    files.write_json(root / "scores" / "summary.json", SUMMARY)
    quality = {
        "features": "the bottom of segmenter/source_only, mean over the image",
        "frechet_distance": {"source": 2.2165, "translated": 0.0623},
        "kernel_distance": {"source": [0.0325, 0.002], "translated": [0.00053, 0.0001]},
        "cycle_error": 4.51,
        "drift": DRIFT,
    }
    files.write_json(root / "scores" / "cyclegan.json", quality)
    stages = ["records", "translator/cyclegan", "translated/cyclegan", "scores/source_only"]
    for stage in stages:
        settings = {"prepare": {"label_space": "cityscapes19", "size": list(SIZE)}}
        facts = {"settings": settings, "results": {}, "versions": VERSIONS, "seconds": 12.5}
        files.write_json(root / stage / "done.json", facts)
    return root


def describe(root, rng):
    """What `prepare` leaves besides the records."""
    write_space(root / "records" / "label_space.json", SPACE)
    domains = {}
    for domain in ("source", "target"):
        image = rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
        label = rng.integers(0, 19, SIZE).astype(np.uint8)
        domains[domain] = comparison.join([comparison.measure(image, label, 19)])
    told = ["sky fills 3% of the source's pixels and 12% of the target's."]
    facts = {"names": SPACE.names, **domains, "foretold": told}
    files.write_json(root / "records" / "comparison.json", facts)
    finding = {"kind": "solid image", "table": "source-train", "bad": True}
    files.write_json(root / "records" / "audit.json", {"findings": [finding]})


def make_records(root, domain, split, rng):
    records = []
    for index in range(2):
        folder = root / "records" / f"{domain}-{split}"
        record = Record(f"{index:03d}", folder / f"{index}.png", folder / f"{index}_label.png")
        save(rng.integers(0, 256, (*SIZE, 3)), record.image)
        label = np.kron(rng.integers(0, 19, (3, 6)), np.ones((8, 8)))
        label[:2] = 255
        save(label, record.label)
        records.append(record)
    write_records(root, root / "records" / f"{domain}-{split}.csv", records)
    return records


def translate(root, source, rng):
    folder = root / "translated" / "cyclegan"
    records = [r._replace(image=folder / "source-train" / f"{r.name}.png") for r in source]
    for record in records:
        save(rng.integers(0, 256, (*SIZE, 3)), record.image)
    write_records(root, folder / "source-train.csv", records)

    translator = root / "translator" / "cyclegan"
    rows = [{"step": s, "adversarial_xy": 1 / s, "adversarial_yx": 0.5} for s in range(1, 5)]
    files.write_table(translator / "history.csv", rows, list(rows[0]))
    for step in (900, 1000):
        save(np.full((*SIZE, 3), step // 10), translator / "samples" / f"step-{step:06d}.png")


def score(root, arm, tables, rng):
    name = arm.replace(":", "-")
    rows = [{"step": s, "loss": 1 / s, "val_loss": 2 / s if s % 2 else ""} for s in range(1, 6)]
    files.write_table(root / "segmenter" / name / "history.csv", rows, list(rows[0]))
    iou = {c: None if c == "train" else float(rng.random()) for c in SPACE.names}
    shares = {"pixel_accuracy": 0.9, "mean_accuracy": 0.6, "frequency_weighted_iou": 0.8}
    facts = {"arm": arm, **shares, "loss": 0.25, "iou": iou, "num_images": 100}
    facts["subsets"] = {"cityscapes16": 0.25}
    facts |= {"calibration_error": 0.07, "categories": {"flat": 0.95, "sky": None}}
    facts["mean_category_iou"] = 0.95
    counts = [dict.fromkeys(SPACE.names, 10) | {"truth": name} for name in SPACE.names]
    files.write_table(root / "scores" / f"{name}-confusion.csv", counts, ["truth", *SPACE.names])
    files.write_json(root / "scores" / f"{name}.json", facts)
    for record in tables["target", "test"]:
        predicted = rng.integers(0, 19, SIZE)
        save(predicted, root / "scores" / "predictions" / name / f"{record.name}.png")
        if arm == "source_only":
            save(predicted, root / "scores" / "predictions-source" / name / f"{record.name}.png")


def save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)
