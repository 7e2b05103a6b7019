"""Our scores beside those of cityscapesScripts' own evaluation code."""

import importlib
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import CATEGORIES, CLASSES, IGNORE
from i2i_keras.data.records import read_label, read_records
from i2i_keras.datasets.spaces import LABEL_SPACES, SUBSETS
from i2i_keras.evaluation import scores
from i2i_keras.evaluation.confusion import confusion_matrix
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare
from i2i_keras.preparation.table import NATIVE_TABLE

MODULE = "cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling"
SIZE = (24, 40)
EVALUATED = [row.id for row in CLASSES if row.train_id != IGNORE]
ROAD, PARKING, CAR, CARAVAN, TRAIN = 7, 9, 26, 29, 31
ACCURACIES = ("pixel_accuracy", "mean_accuracy", "frequency_weighted_iou")


@pytest.fixture(scope="module")
def theirs():
    """From images of ids to the scores that cityscapesScripts gives them."""
    with pytest.MonkeyPatch.context() as patch:
        # Each is looked at as it is imported; the second one must be a folder.
        for name in ("CITYSCAPES_DATASET", "CITYSCAPES_EXPORT_DIR", "CITYSCAPES_RESULTS"):
            patch.delenv(name, raising=False)
        before = {*sys.modules}
        script = importlib.import_module(MODULE)
        patch.setattr(script, "CSUPPORT", False)
        options = SimpleNamespace(**vars(script.args))
        options.evalInstLevelScore, options.evalPixelAccuracy = False, True
        options.quiet, options.JSONOutput = True, False
        yield lambda pairs: scores_of(script, options, pairs)
    for name in {*sys.modules} - before:
        if name.startswith("cityscapesscripts"):
            del sys.modules[name]


def scores_of(script, options, pairs):
    """What `evaluateImgLists` computes, and accuracies by its own shares."""
    matrix, pixels = script.generateMatrix(options), {}
    for predicted, truth in pairs:
        script.evaluatePair(str(predicted), str(truth), matrix, {}, pixels, options)
    names = {label: script.id2label[label].name for label in options.evalLabels}
    classes = {n: script.getIouScoreForLabel(i, matrix, options) for i, n in names.items()}
    categories = {
        category: script.getIouScoreForCategory(category, matrix, options)
        for category in script.category2labels
    }
    counted = [i for i in names if not script.id2label[i].ignoreInEval and matrix[i].sum()]
    shares = np.array([script.getPrior(i, matrix) for i in counted])
    recalls = np.array([script.getMatrixFieldValue(matrix, i, i, options) for i in counted])
    iou = np.array([classes[names[i]] for i in counted])
    return {
        "iou": classes,
        "mean_iou": script.getScoreAverage(classes, options),
        "categories": categories,
        "mean_category_iou": script.getScoreAverage(categories, options),
        "pixel_accuracy": (shares @ recalls) / shares.sum() if counted else math.nan,
        "mean_accuracy": recalls.mean() if counted else math.nan,
        "frequency_weighted_iou": (shares @ iou) / shares.sum() if counted else math.nan,
        "pixels": pixels,
    }


def ours(pairs, space):
    """`scores.score_confusion` of the same images in a space of ours."""
    table = LABEL_SPACES[space].labels["cityscapes"]
    size = len(LABEL_SPACES[space].names)
    total = np.zeros((size, size), np.int64)
    for predicted, truth in pairs:
        seen, real = (table[np.asarray(Image.open(path))] for path in (predicted, truth))
        total += confusion_matrix(real, seen, size)
    return scores.score_confusion(LABEL_SPACES[space], total)


def save(folder, pairs):
    """Writes (prediction, truth) of ids as PNG files."""
    paths = []
    for number, pair in enumerate(pairs):
        for kind, ids in zip(("prediction", "truth"), pair, strict=True):
            Image.fromarray(np.asarray(ids, np.uint8)).save(folder / f"{number}-{kind}.png")
        paths.append(tuple(folder / f"{number}-{kind}.png" for kind in ("prediction", "truth")))
    return paths


def assert_equal(found, wanted, space):
    """Every number to 1e-9, and nothing where there is nothing."""
    by_rules = found["evaluated"] if space == "cityscapes34" else found
    mean = found["subsets"]["cityscapes19"] if space == "cityscapes34" else found["mean_iou"]
    for name in SUBSETS["cityscapes19"]:
        assert_same(by_rules["iou"][name], wanted["iou"][name], name)
    assert found["categories"].keys() == {*CATEGORIES}
    for category in CATEGORIES:
        assert_same(found["categories"][category], wanted["categories"][category], category)
    assert_same(mean, wanted["mean_iou"], "mean_iou")
    assert_same(by_rules["mean_iou"], wanted["mean_iou"], "mean_iou")
    assert_same(found["mean_category_iou"], wanted["mean_category_iou"], "mean_category_iou")
    for name in ACCURACIES:
        assert_same(by_rules[name], wanted[name], name)
    for subset, mean in found["subsets"].items():
        known = [wanted["iou"][n] for n in SUBSETS[subset] if not math.isnan(wanted["iou"][n])]
        assert_same(mean, np.mean(known) if known else math.nan, subset)


def assert_same(found, wanted, what):
    if math.isnan(wanted):
        assert found is None, what
    else:
        assert found == pytest.approx(wanted, abs=1e-9, rel=0), what


def random_pair(random, predicted_from, size=SIZE):
    """Blocks of a few classes, mostly right; now and then of all classes."""
    some = random.choice(34, random.integers(1, 35), replace=False)
    blocks = random.choice(some, tuple(-(-side // 8) for side in size))
    truth = np.kron(blocks, np.ones((8, 8), int))[: size[0], : size[1]]
    wrong = random.random(size) < random.random()
    guess = np.where(np.isin(truth, predicted_from), truth, predicted_from[0])
    return np.where(wrong, random.choice(predicted_from, size), guess), truth


# In the space of 19 classes no other can be predicted.
PREDICTED = {"cityscapes19": EVALUATED, "cityscapes34": [*range(34)]}


@pytest.mark.parametrize("space", PREDICTED)
def test_200_random_pairs_score_as_cityscapes_scripts_says(theirs, space, tmp_path):
    random = np.random.default_rng(0)
    pairs = save(tmp_path, [random_pair(random, PREDICTED[space]) for _ in range(200)])
    for pair in pairs:
        assert_equal(ours([pair], space), theirs([pair]), space)
    assert_equal(ours(pairs, space), theirs(pairs), space)


def flat(label):
    return np.full(SIZE, label)


def halves(left, right):
    image = flat(left)
    image[:, SIZE[1] // 2 :] = right
    return image


EDGES = {  # Prediction and truth.
    "all right, one class": (flat(ROAD), flat(ROAD)),
    "all wrong": (flat(CAR), flat(ROAD)),
    "all wrong within a category": (flat(TRAIN), flat(CAR)),
    "only ignored truth": (flat(ROAD), flat(0)),
    "only truth that is not evaluated and no void": (flat(ROAD), flat(PARKING)),
    "a class predicted that is absent": (halves(ROAD, TRAIN), flat(ROAD)),
    "a class predicted on ignored truth alone": (halves(ROAD, TRAIN), halves(ROAD, 3)),
    "a class of the truth never predicted": (flat(ROAD), halves(ROAD, CAR)),
    "two classes exchanged": (halves(ROAD, CAR), halves(CAR, ROAD)),
    "every evaluated class once": (
        np.resize(EVALUATED, SIZE),
        np.resize(EVALUATED, SIZE),
    ),
    "one pixel alone": (flat(ROAD)[:1, :1], flat(ROAD)[:1, :1]),
}
EDGES_OF_34 = {
    "void predicted": (flat(0), flat(ROAD)),
    "void predicted on void": (flat(0), flat(0)),
    "another void predicted on void": (flat(4), flat(0)),
    "void predicted beside what is right": (halves(ROAD, 1), flat(ROAD)),
    "not evaluated but of the category predicted": (halves(CAR, CARAVAN), flat(CAR)),
    "not evaluated and of the category in truth": (flat(CAR), halves(CAR, CARAVAN)),
    "nothing but not evaluated": (flat(PARKING), flat(CARAVAN)),
    "every class by itself": (np.resize(np.arange(34), SIZE), np.resize(np.arange(34), SIZE)),
    "every class for its neighbor": (
        np.resize(np.arange(34), SIZE),
        np.resize((np.arange(34) + 1) % 34, SIZE),
    ),
}


@pytest.mark.parametrize("case", EDGES)
@pytest.mark.parametrize("space", PREDICTED)
def test_an_edge_case_scores_as_cityscapes_scripts_says(theirs, space, case, tmp_path):
    pairs = save(tmp_path, [EDGES[case]])
    assert_equal(ours(pairs, space), theirs(pairs), space)


@pytest.mark.parametrize("case", EDGES_OF_34)
def test_an_edge_case_of_34_classes_scores_as_cityscapes_scripts_says(theirs, case, tmp_path):
    pairs = save(tmp_path, [EDGES_OF_34[case]])
    assert_equal(ours(pairs, "cityscapes34"), theirs(pairs), "cityscapes34")


def test_all_edge_cases_together_score_as_cityscapes_scripts_says(theirs, tmp_path):
    pairs = save(tmp_path, [*EDGES.values(), *EDGES_OF_34.values()])
    assert_equal(ours(pairs, "cityscapes34"), theirs(pairs), "cityscapes34")


@pytest.mark.parametrize("space", PREDICTED)
def test_a_pair_of_native_size_scores_as_cityscapes_scripts_says(theirs, space, tmp_path):
    pair = random_pair(np.random.default_rng(1), PREDICTED[space], (1024, 2048))
    pairs = save(tmp_path, [pair])
    assert_equal(ours(pairs, space), theirs(pairs), space)


def test_all_that_void_hides_is_all_that_we_do_not_count(theirs, tmp_path):
    # Its count of pixels that are not ignored has the sign turned around
    # (`invert=True`): it counts those that are.
    pair = random_pair(np.random.default_rng(2), EVALUATED)
    [paths] = save(tmp_path, [pair])
    [pixels] = theirs([paths])["pixels"].values()
    space = LABEL_SPACES["cityscapes19"]
    truth, predicted = (space.labels["cityscapes"][ids] for ids in (pair[1], pair[0]))
    counted = confusion_matrix(truth, predicted, 19).sum()
    assert counted == pair[1].size - pixels["nbNotIgnoredPixels"]


def test_both_know_the_same_classes_as_evaluated(theirs, tmp_path):
    ids = np.resize(np.arange(34), SIZE)
    wanted = theirs(save(tmp_path, [(ids, ids)]))
    assert [n for n, iou in wanted["iou"].items() if not math.isnan(iou)] == [
        *SUBSETS["cityscapes19"]
    ]
    assert [c for c, iou in wanted["categories"].items() if not math.isnan(iou)] == [*CATEGORIES]


def test_real_frames_score_as_cityscapes_scripts_says(theirs, real_data, tmp_path):
    # By way of `prepare` on our side, the raw labels themselves on theirs.
    config = DomainConfig(format="cityscapes", split="val_as_test")
    root = real_data / "cityscapes"
    domain = Domain(config, root, config.find(root))
    settings = PrepareConfig(label_space="cityscapes34", native_labels=True, workers=1)
    prepare(settings, {"target": domain}, tmp_path)
    total, pairs = np.zeros((34, 34), np.int64), []
    raw = {record.name: record.label for record in domain.splits["test"]}
    for record in read_records(tmp_path, tmp_path / "prepare" / f"{NATIVE_TABLE}.csv"):
        truth = read_label(record.label)
        assert truth.shape == (1024, 2048)
        predicted = np.roll(truth, (40, 60), (0, 1))  # Void is predicted, too.
        path = tmp_path / f"{record.name}-prediction.png"
        Image.fromarray(predicted).save(path)
        total += confusion_matrix(truth, predicted, 34)
        pairs.append((path, raw[record.name]))
    assert pairs
    found = scores.score_confusion(LABEL_SPACES["cityscapes34"], total)
    assert_equal(found, theirs(pairs), "cityscapes34")
    assert 0.2 < found["evaluated"]["mean_iou"] < 0.9
