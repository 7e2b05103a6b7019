"""Viewers: a slider between two pictures of the same scene."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from i2i_keras.data.records import Record, read_label, spread
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.errors import how_many
from i2i_keras.evaluation import metrics
from i2i_keras.report.reading import (
    Kept,
    Predicted,
    methods_of,
    read_images,
    read_kept,
    read_predictions,
    read_table,
)
from i2i_keras.report.widgets import Widget, packed_label, picture_url
from i2i_keras.run_folder import arrays, places
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import FLOOR

_TRANSLATED = 12
_MOST = 32  # Images of a viewer: each adds some 30 to 200 kB.

Scores = Mapping[str, Mapping[str, float]]  # By arm and name of an image.


def prediction_viewers(
    run: Run, arms: Sequence[str], space: LabelSpace, by: str | None
) -> Iterator[Widget]:
    """Image, truth, each arm's prediction and its errors, of both domains.

    Args:
        run: whose kept predictions are shown.
        arms: in the order of the lists to choose from.
        space: what labels mean.
        by: the arm that is shown first.
    """
    kept = read_kept(run, arms)
    if kept.records:
        scores = image_scores(run, arms)
        chosen = _choose(kept, scores)
        shown = [arm for arm in arms if any(arm in own for own in chosen.predictions)]
        labels = [{a: read_label(path) for a, path in own.items()} for own in chosen.predictions]
        data = _data(chosen.records, labels, shown, space, by, scores)
        title = "Predictions on test images of the target"
        yield Widget("viewer", title, _told(chosen, scores), data)
    source = read_predictions(run, "source", [FLOOR])
    if source.by_arm:
        labels = [{FLOOR: label} for label in source.by_arm[FLOOR]]
        yield Widget(
            "viewer",
            f"Predictions of {FLOOR} on test images of the source",
            "Where it was trained: what it gets wrong here is no matter of style.",
            _data(source.records, labels, [FLOOR], space, None, {}),
        )


def unscored_viewer(predicted: Predicted, space: LabelSpace) -> Widget:
    """Images and each arm's prediction, where the truth is not known."""
    caption = "Their labels are not known, so that nobody can say which arm is right."
    arms = list(predicted.by_arm)
    labels = [
        {arm: predicted.by_arm[arm][place] for arm in arms}
        for place in range(len(predicted.records))
    ]
    records = [record._replace(label=None) for record in predicted.records]
    data = _data(records, labels, arms, space, None, {})
    return Widget("viewer", "Predictions on images of the target", caption, data)


def translation_viewers(run: Run, best: str | None = None) -> Iterator[Widget]:
    """Each image beside what the translators make of it, both ways.

    Args:
        run: whose translations are shown.
        best: the arm whose translator is shown first; None = any.
    """
    first = methods_of([best] if best else [])
    for direction, domain in (("xy", "source"), ("yx", "target")):
        before = {r.name: r for r in read_table(run, run.records, f"{domain}-train")}
        made = {
            method: {
                record.name: record
                for record in read_table(run, run.translated(method, direction), f"{domain}-train")
                if record.name in before
            }
            for method in _methods(run)
        }
        made = {method: records for method, records in made.items() if records}
        if not made:
            continue
        common = [name for name in before if all(name in records for records in made.values())]
        layers = {domain: before} | {f"by {method}": records for method, records in made.items()}
        items = [_translated(name, layers) for name in spread(common, _TRANSLATED)]
        titles = [*layers]
        beside = [title for title in titles if title.removeprefix("by ") in first] or titles
        shown = "in the target's style" if direction == "xy" else "in the source's style"
        yield Widget(
            "viewer",
            f"Images of the {domain}, and {shown}",
            "Training images, before and after.",
            {
                "layers": [_layer(f"picture{n}", t, "picture") for n, t in enumerate(titles)],
                "items": items,
                "classes": [],
                "apart": {},
                "left": "picture0",
                "right": f"picture{titles.index(beside[-1])}",
            },
        )


def image_scores(run: Run, arms: Iterable[str]) -> dict[str, dict[str, float]]:
    """Mean IoU of each test image alone, by arm and name of the image.

    Arms of which single images were not counted are left out.
    """
    names = [record.name for record in read_table(run, run.records, "target-test") if record.label]
    found = {}
    for arm in arms:
        if not run.confusions(arm).is_file():
            continue
        (counts,) = arrays.read(run.confusions(arm), ["confusions"], dimensions=3)
        if len(counts) == len(names):
            values = metrics.mean_iou(counts)
            found[arm] = {
                name: float(value)
                for name, value in zip(names, values, strict=True)
                if not np.isnan(value)
            }
    return found


def _methods(run: Run) -> list[str]:
    return [name for name in run.methods(places.TRANSLATE) if not name.endswith("-yx")]


def _translated(name: str, layers: Mapping[str, Mapping[str, Record]]) -> dict[str, Any]:
    images = read_images([records[name] for records in layers.values()])
    return {
        "name": name,
        "layers": {f"picture{n}": picture_url(image) for n, image in enumerate(images)},
        "scores": {},
    }


def _choose(kept: Kept, scores: Scores) -> Kept:
    """At most `_MOST` images: of each arm the best, median and worst first."""
    places = {record.name: place for place, record in enumerate(kept.records)}
    wanted = [places[n] for of_arm in scores.values() for n in _apart(of_arm) if n in places]
    common = sorted(places.values(), key=lambda place: -len(kept.predictions[place]))
    chosen = sorted([*dict.fromkeys([*wanted, *common])][:_MOST])
    return Kept([kept.records[n] for n in chosen], [kept.predictions[n] for n in chosen])


def _apart(scores: Mapping[str, float]) -> list[str]:
    """The images with the best, the median and the worst score."""
    ranked = sorted(scores, key=lambda name: scores[name])
    return [ranked[-1], ranked[(len(ranked) - 1) // 2], ranked[0]] if ranked else []


def _told(chosen: Kept, scores: Scores) -> str:
    text = f"{how_many(len(chosen.records), 'image')} of which predictions are kept"
    if not scores:
        return f"{text} (evaluate.num_pictures)."
    all_names = {name for of_arm in scores.values() for name in of_arm}
    there = {record.name for record in chosen.records}
    whole = all(name in there for of_arm in scores.values() for name in _apart(of_arm))
    count = how_many(len(all_names), "test image")
    among = f"all {count}" if whole else "those that are kept"
    return (
        f"{text}, of {count} (the first ones, see evaluate.num_pictures, and of each arm its best,"
        " median and worst). Scores are the mean IoU of an image alone, over the"
        f" classes that are in it or are predicted; best, median and worst are so among {among}."
    )


def _data(
    records: Sequence[Record],
    labels: Sequence[Mapping[str, Any]],
    arms: Sequence[str],
    space: LabelSpace,
    by: str | None,
    scores: Scores,
) -> dict[str, Any]:
    """What a viewer shows: without truth where records have no label.

    Args:
        records: of the images.
        labels: of each image the predictions that are there, by arm.
        arms: of all images.
        space: what labels mean.
        by: the arm that is shown first.
        scores: by arm and name of an image.
    """
    keys = {arm: f"arm{place}" for place, arm in enumerate(arms)}
    layers = [_layer("image", "image", "picture")]
    known = all(record.label for record in records)
    if known:
        layers.append(_layer("truth", "truth", "label"))
    layers += [_layer(keys[arm], arm, "label") for arm in arms]
    if known:
        layers += [
            {**_layer(f"error{keys[arm]}", f"errors of {arm}", "error"), "of": keys[arm]}
            for arm in arms
        ]
    items = []
    for record, own in zip(records, labels, strict=True):
        (image,) = read_images([record])
        found: dict[str, Any] = {"image": picture_url(image)}
        if record.label:
            found["truth"] = packed_label(read_label(record.label))
        found |= {keys[arm]: packed_label(label) for arm, label in own.items()}
        values = {
            keys[arm]: scores[arm][record.name]
            for arm in arms
            if record.name in scores.get(arm, {})
        }
        items.append({"name": record.name, "layers": found, "scores": values})
    return {
        "layers": layers,
        "items": items,
        "apart": _apart_places(items, keys, scores),
        "classes": [
            {"name": name, "color": [int(part) for part in color]}
            for name, color in zip(space.names, space.colors, strict=True)
        ],
        "left": "image",
        "right": keys.get(by or "", keys[arms[-1]]),
    }


def _apart_places(
    items: Sequence[Mapping[str, Any]], keys: Mapping[str, str], scores: Scores
) -> dict[str, list[int]]:
    """Of each arm the places of its best, median and worst image.

    Of all test images where these are here, and else of those that are.
    """
    found = {}
    for arm, key in keys.items():
        here = {item["name"]: n for n, item in enumerate(items) if key in item["layers"]}
        own = scores.get(arm, {})
        names = _apart(own)
        if not {*names} <= {*here}:
            names = _apart({name: score for name, score in own.items() if name in here})
        if names:
            found[key] = [here[name] for name in names]
    return found


def _layer(key: str, title: str, kind: str) -> dict[str, str]:
    return {"key": key, "title": title, "kind": kind}
