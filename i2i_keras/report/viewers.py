"""Viewers: a slider between two pictures of the same scene."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from i2i_keras.data.records import Record, spread
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.errors import how_many
from i2i_keras.evaluation import metrics
from i2i_keras.report.reading import (
    Predicted,
    read_images,
    read_labels,
    read_predictions,
    read_table,
)
from i2i_keras.report.widgets import Widget, packed_label, picture_url
from i2i_keras.run_folder import arrays, places
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import FLOOR

_MOST = 12  # Images of a viewer: each adds some 10 to 100 kB a layer.

Scores = Mapping[str, Mapping[str, float]]  # By arm and name of an image.


def prediction_viewers(
    run: Run, arms: Sequence[str], space: LabelSpace, by: str | None
) -> Iterator[Widget]:
    """Image, truth, each arm's prediction and its errors, of both domains.

    Args:
        run: whose kept predictions are shown.
        arms: in the order of the lists to choose from.
        space: what labels mean.
        by: the arm whose scores say which images are best and worst.
    """
    predicted = read_predictions(run, "target", arms)
    if predicted.by_arm:
        scores = image_scores(run, predicted.by_arm)
        chosen = _choose(predicted, scores.get(by or "", {}))
        yield Widget(
            "viewer",
            "Predictions on test images of the target",
            _told(run, chosen, scores),
            _data(chosen, space, read_labels(chosen.records), scores, by),
        )
    source = read_predictions(run, "source", [FLOOR])
    if source.by_arm:
        chosen = _choose(source, {})
        yield Widget(
            "viewer",
            f"Predictions of {FLOOR} on test images of the source",
            "Where it was trained: what it gets wrong here is no matter of style.",
            _data(chosen, space, read_labels(chosen.records), {}, None),
        )


def unscored_viewer(predicted: Predicted, space: LabelSpace) -> Widget:
    """Images and each arm's prediction, where the truth is not known."""
    caption = "Their labels are not known, so that nobody can say which arm is right."
    data = _data(predicted, space, None, {}, None)
    return Widget("viewer", "Predictions on images of the target", caption, data)


def translation_viewers(run: Run) -> Iterator[Widget]:
    """Each image beside what the translators make of it, both ways."""
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
        items = [_translated(name, layers) for name in spread(common, _MOST)]
        titles = [*layers]
        shown = "in the target's style" if direction == "xy" else "in the source's style"
        yield Widget(
            "viewer",
            f"Images of the {domain}, and {shown}",
            "Training images: segmenters are trained on the translations, with the labels kept.",
            {
                "layers": [_layer(f"picture{n}", t, "picture") for n, t in enumerate(titles)],
                "items": items,
                "classes": [],
                "left": "picture0",
                "right": f"picture{len(titles) - 1}",
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


def _choose(predicted: Predicted, scores: Mapping[str, float]) -> Predicted:
    """At most `_MOST` images, among them the best, the median and the worst."""
    names = [record.name for record in predicted.records]
    ranked = sorted((name for name in names if name in scores), key=lambda name: scores[name])
    kept = {ranked[0], ranked[(len(ranked) - 1) // 2], ranked[-1]} if ranked else set()
    others = spread([name for name in names if name not in kept], _MOST - len(kept))
    places = [place for place, name in enumerate(names) if name in kept or name in others]
    return Predicted(
        [predicted.records[place] for place in places],
        {arm: [labels[place] for place in places] for arm, labels in predicted.by_arm.items()},
    )


def _told(run: Run, chosen: Predicted, scores: Scores) -> str:
    all_names = {name for of_arm in scores.values() for name in of_arm}
    text = f"{how_many(len(chosen.records), 'image')} of those whose predictions are kept"
    if all_names:
        text += f", of {how_many(len(all_names), 'test image')}"
    text += " (evaluate.num_pictures)."
    if scores:
        text += (
            " Scores are the mean IoU of an image alone, over the classes that are in it or are"
            " predicted; best, median and worst are so among the images that are here."
        )
    return text


def _data(
    predicted: Predicted,
    space: LabelSpace,
    truth: Sequence[Any] | None,
    scores: Scores,
    by: str | None,
) -> dict[str, Any]:
    arms = list(predicted.by_arm)
    keys = {arm: f"arm{place}" for place, arm in enumerate(arms)}
    layers = [_layer("image", "image", "picture")]
    if truth is not None:
        layers.append(_layer("truth", "truth", "label"))
    layers += [_layer(keys[arm], arm, "label") for arm in arms]
    if truth is not None:
        layers += [
            {**_layer(f"error{keys[arm]}", f"errors of {arm}", "error"), "of": keys[arm]}
            for arm in arms
        ]
    items = []
    for place, image in enumerate(read_images(predicted.records)):
        name = predicted.records[place].name
        found: dict[str, Any] = {"image": picture_url(image)}
        if truth is not None:
            found["truth"] = packed_label(truth[place])
        found |= {keys[arm]: packed_label(predicted.by_arm[arm][place]) for arm in arms}
        own = {keys[arm]: scores[arm][name] for arm in arms if name in scores.get(arm, {})}
        items.append({"name": name, "layers": found, "scores": own})
    chosen = by if by in keys else arms[-1]
    return {
        "layers": layers,
        "items": items,
        "classes": [
            {"name": name, "color": [int(part) for part in color]}
            for name, color in zip(space.names, space.colors, strict=True)
        ],
        "left": "image",
        "right": keys[chosen],
    }


def _layer(key: str, title: str, kind: str) -> dict[str, str]:
    return {"key": key, "title": title, "kind": kind}
