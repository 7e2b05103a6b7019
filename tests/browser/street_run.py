"""A run of drawn streets such as the demo leaves it, without any training.

Its predictions are the truth with faults, its translations are drawn; scores,
intervals and pairs are made from them as `evaluate` does.
"""

import numpy as np
from PIL import Image

from i2i_keras.data.labels import CLASSES
from i2i_keras.data.records import Record, write_records
from i2i_keras.datasets.spaces import LABEL_SPACES, write_space
from i2i_keras.datasets.streets.scene import draw_street
from i2i_keras.evaluation import best, class_intervals, intervals, pairs, scores
from i2i_keras.evaluation.confusion import confusion_matrix, find_absent, write_confusion
from i2i_keras.evaluation.metrics import mean_iou
from i2i_keras.evaluation.summary import write_arm_file, write_summary
from i2i_keras.preparation import comparison
from i2i_keras.run_folder import files, places
from i2i_keras.run_folder.run import Run

SPACE = LABEL_SPACES["cityscapes19"]
TRAIN_IDS = np.array([row.train_id for row in CLASSES], np.uint8)
# Share of a picture's blocks that an arm takes for something else.
FAULTS = {
    "source_only": 0.55,
    "adapted:color": 0.4,
    "adapted:cyclegan": 0.3,
    "oracle": 0.12,
}
SAMPLES = 300
WARNING = "step 300: Discriminator y has won: it tells 100% of real and fake apart."


def make_run(root, num_test=12, num_kept=5, size=(96, 176), arms=FAULTS):
    """Writes the run; returns it."""
    run, rng = Run(root), np.random.default_rng(0)
    write_space(run.label_space, SPACE)
    tables = {
        (domain, split): _records(run, domain, split, count, size)
        for domain in ("source", "target")
        for split, count in (("train", 4), ("test", num_test))
    }
    _compare_domains(run, tables)
    for method in ("color", "cyclegan"):
        _translate(run, method, tables["source", "train"])
    _train_translator(run, rng)
    _score(run, tables["target", "test"], num_kept, arms, rng)
    settings = {"prepare": {"label_space": SPACE.name, "size": list(size)}}
    _finish(run.records, settings, 12.5)
    _finish(run.translator("cyclegan"), {"steps": 600}, 340.0, {"warnings": [WARNING]})
    for arm in arms:
        _finish(run.segmenter(arm), {"steps": 500, "arm": arm}, 61.5)
        _finish(run.scores(arm), {"num_pictures": num_kept}, 4.0)
    return run


def _records(run, domain, split, count, size):
    records = []
    first = {"train": 0, "test": 100}[split]
    for index in range(count):
        style = "camera" if domain == "source" else "game"
        image, ids = draw_street(style, size, first + index)
        folder = run.records / f"{domain}-{split}"
        name = f"{index:05d}"
        record = Record(name, folder / f"{name}.png", folder / f"{name}_label.png")
        _save(image, record.image)
        _save(TRAIN_IDS[ids], record.label)
        records.append(record)
    write_records(run.root, run.table(run.records, f"{domain}-{split}"), records)
    return records


def _compare_domains(run, tables):
    facts = {"names": SPACE.names, "foretold": ["sky fills 3% of the source's pixels."]}
    for domain in ("source", "target"):
        measured = [
            comparison.measure(_read(r.image), _read(r.label), len(SPACE.names))
            for r in tables[domain, "train"]
        ]
        facts[domain] = comparison.join(measured)
    files.write_json(run.comparison, facts)
    files.write_json(run.audit, {"findings": []})


def _translate(run, method, source):
    folder, made = run.translated(method), []
    for record in source:
        path = folder / "source-train" / f"{record.name}.png"
        _save(_restyle(_read(record.image), 1.0 if method == "cyclegan" else 0.5), path)
        made.append(record._replace(image=path))
    write_records(run.root, run.table(folder, "source-train"), made)


def _restyle(image, strength):
    """Warmer and of more contrast."""
    warmer = (image / 255.0 - 0.4) * (1 + 0.5 * strength) + 0.35
    return np.clip(255 * (warmer + strength * np.array([0.06, 0.0, -0.06])), 0, 255)


def _train_translator(run, rng):
    stage = run.translator("cyclegan")
    rows = [
        {
            "step": step,
            "cycle_loss": 0.5 * np.exp(-step / 200) + 0.05 * rng.random(),
            "adversarial_xy": 0.5 + 0.1 * rng.random(),
            "adversarial_yx": 0.4 + 0.1 * rng.random(),
            "generator_learning_rate": 2e-4,
        }
        for step in range(10, 601, 10)
    ]
    files.write_table(run.history(stage), rows, list(rows[0]))
    source = _read(run.records / "source-train" / "00000.png")
    target = _read(run.records / "target-train" / "00000.png")
    for step in range(100, 601, 100):
        made = _restyle(source, step / 600)
        back = _restyle(target, -step / 600)
        strip = np.hstack([source, made, source, target, back, target])
        _save(strip, run.samples(stage) / f"step-{step:06d}.png")


def _score(run, records, num_kept, arms, rng):
    truths = [_read(record.label) for record in records]
    counted, predicted = {arm: [] for arm in arms}, {arm: [] for arm in arms}
    for truth in truths:
        for arm, share in arms.items():
            found = _predict(truth, share, rng)
            counted[arm].append(confusion_matrix(truth, found, len(SPACE.names)))
            predicted[arm].append(found)
    confusions = {arm: np.stack(found)[np.newaxis] for arm, found in counted.items()}
    for arm, (matrices,) in confusions.items():
        order = np.argsort(mean_iou(matrices))
        apart = order[[0, (len(order) - 1) // 2, -1]]
        for place in {*range(num_kept), *apart}:
            path = run.predictions(arm) / f"{records[place].name}.png"
            _save(predicted[arm][place], path)
    drawn = intervals.bootstrap(confusions, SAMPLES, 0)
    compared = scores.compare(drawn)
    for arm, matrices in confusions.items():
        run.scores(arm).mkdir(parents=True)
        np.savez_compressed(run.confusions(arm), confusions=matrices[0].astype(np.int32))
        total = matrices[0].sum(axis=0)
        ends = class_intervals.class_intervals(matrices, SPACE.names, SAMPLES, 0)
        facts = {"arm": arm, "loss": 0.3, "calibration_error": 0.05, "num_images": len(records)}
        facts |= {**compared[arm], **scores.score_confusion(SPACE, total), "iou_ci95": ends}
        write_arm_file(run, arm, facts)
        write_confusion(run.confusion_file(arm), SPACE.names, total)
        rows = [
            {"step": s, "loss": 3 / s**0.5, "val_loss": 3.3 / s**0.5 if s % 20 == 0 else ""}
            for s in range(10, 501, 10)
        ]
        files.write_table(run.history(run.segmenter(arm)), rows, list(rows[0]))
    summary = {
        "label_space": SPACE.name,
        "num_images": len(records),
        "bootstrap_samples": SAMPLES,
        "absent": find_absent(SPACE.names, next(iter(confusions.values()))[0].sum(axis=0)),
        "best": best.find_best(confusions, SPACE, SAMPLES, 0),
        "pairs": pairs.compare_pairs(drawn),
        "arms": compared,
    }
    write_summary(run, summary)
    _quality(run)


def _quality(run):
    """What `evaluate` says of the translator."""
    names = SPACE.names
    counts = np.diag(np.full(len(names), 90)) + 2
    rows = [
        {"step": s, "drifted": 0.4 - s / 2500, "kept": dict.fromkeys(names, 0.6 + s / 2500)}
        for s in (200, 400, 600)
    ]
    drift = {
        "drifted": 0.16,
        "kept": dict.fromkeys(names, 0.84),
        "sentences": ["road became sidewalk in 9% of its pixels."],
        "transitions": counts.tolist(),
        "by_step": rows,
    }
    facts = {
        "features": "the bottom of the segmenter source_only, mean over the image",
        "frechet_distance": {"source": 2.2165, "translated": 0.0623},
        "kernel_distance": {"source": [0.0325, 0.002], "translated": [0.00053, 0.0001]},
        "cycle_error": 4.51,
        "drift": drift,
    }
    files.write_json(run.score_file("cyclegan"), facts)


def _predict(truth, share, rng):
    """The truth, but for some blocks, which are of another place."""
    own = min(0.9, share * rng.uniform(0.5, 1.5))
    height, width = truth.shape
    wrong = rng.random((-(-height // 8), -(-width // 8))) < own
    wrong = np.kron(wrong, np.ones((8, 8), bool))[:height, :width]
    found = np.where(wrong, np.roll(truth, (height // 3, width // 5), (0, 1)), truth)
    found[found == 255] = 0
    return found


def _finish(stage, settings, seconds, results=None):
    facts = {
        "settings": settings,
        "inputs": {"records": "b2812e9ae8037982"},
        "fingerprint": "1a6181aef1dae1ba",
        "results": results or {},
        "versions": {"i2i_keras": "0.1.0", "tensorflow": "2.15.1"},
        "seconds": seconds,
    }
    files.write_json(stage / places.DONE, facts)


def _read(path):
    with Image.open(path) as image:
        return np.array(image)


def _save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)
