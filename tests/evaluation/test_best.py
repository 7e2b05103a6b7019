"""Which arm may be marked as the best."""

import json

import numpy as np
import pytest

from i2i_keras.datasets.spaces import LABEL_SPACES, SpaceClass, build_space
from i2i_keras.evaluation import intervals, scores
from i2i_keras.evaluation.best import find_best

IDD, STREETS = LABEL_SPACES["idd7"], LABEL_SPACES["cityscapes34"]
PAIR = build_space("pair", [SpaceClass(name=n, color=(0, 0, 0)) for n in ("wide", "rare")])


def leads(found):
    """All leads by kind and name."""
    for kind, value in found.items():
        if "arm" in value:
            yield (kind, ""), value
        else:
            yield from (((kind, name), lead) for name, lead in value.items())


def matrices(hits, wrong=100, images=30, seeds=1, seed=0):
    """Confusion matrices `(seeds, images, 7, 7)` with about so many hits."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(wrong, (seeds, images, 7, 7))
    return counts + np.eye(7, dtype=int) * rng.poisson(hits, (seeds, images, 1, 1))


# --- Against plain loops -----------------------------------------------------


def by_hand(images, space):
    """All scores of some images, from the matrices' sum, by `details`."""
    facts = scores.score_confusion(space, images.sum(axis=0))
    evaluated = facts["evaluated"]["iou"]
    found = {("mean_iou", ""): facts["mean_iou"]}
    found |= {("mean_category_iou", ""): facts["mean_category_iou"]}
    for kind, values in {**facts, "evaluated": evaluated}.items():
        if kind in ("iou", "evaluated", "categories", "subsets"):
            found |= {(kind, name): value for name, value in values.items()}
    return found


def test_every_lead_is_that_of_scoring_each_drawn_test_set():
    rng = np.random.default_rng(3)
    arms = {
        arm: rng.integers(0, 20, (2, 9, 34, 34)) + np.eye(34, dtype=int) * hits
        for arm, hits in (("source_only", 40), ("adapted:x", 60), ("mixed:x", 55))
    }
    arms["oracle"] = arms["mixed:x"] * 9
    found = dict(leads(find_best(arms, STREETS, 20, seed=5)))
    draws = np.random.default_rng(5).multinomial(9, np.full(9, 1 / 9), 20)
    points = {
        arm: [by_hand(training, STREETS) for training in arms[arm]]
        for arm in arms if arm != "oracle"
    }  # fmt: skip
    drawn = {
        arm: [[by_hand(np.repeat(t, times, axis=0), STREETS) for t in arms[arm]] for times in draws]
        for arm in points
    }
    assert found.keys() == points["source_only"][0].keys()
    assert len(found) == 34 + 19 + 7 + 3 + 2
    for key, lead in found.items():
        means = {arm: np.mean([scores[key] for scores in points[arm]]) for arm in points}
        best, following = sorted(means, key=means.get, reverse=True)[:2]
        assert (lead["arm"], lead["next"]) == (best, following)
        one, two = (np.array([s[key] for s in points[arm]]) for arm in (best, following))
        samples = [
            [first[key] - second[key] for first, second in zip(a, b, strict=True)]
            for a, b in zip(drawn[best], drawn[following], strict=True)
        ]
        wanted = intervals.Drawn(one - two, np.transpose(samples), 9)
        assert lead["difference"] == pytest.approx(wanted.mean)
        assert lead["ci95"] == pytest.approx(wanted.interval())
        assert lead["sure"] == (wanted.interval()[0] > 0)


def test_the_lead_in_mean_iou_over_source_only_is_its_gain():
    arms = {"source_only": matrices(300), "adapted:x": matrices(320, seed=1)}
    gain = scores.compare(intervals.bootstrap(arms, 500, 2))["adapted:x"]
    lead = find_best(arms, IDD, 500, 2)["mean_iou"]
    assert (lead["arm"], lead["next"]) == ("adapted:x", "source_only")
    assert lead["difference"] == pytest.approx(gain["gain"])
    assert lead["ci95"] == pytest.approx(gain["gain_ci95"])


# --- Who is marked -----------------------------------------------------------


@pytest.mark.parametrize("seeds", [1, 3])
def test_an_arm_that_is_better_on_every_image_is_sure_and_the_oracle_is_none(seeds):
    arms = {
        arm: matrices(hits, seeds=seeds, seed=hits)
        for arm, hits in (("source_only", 100), ("adapted:x", 400), ("oracle", 4000))
    }
    for _, lead in leads(find_best(arms, IDD, 300, 0)):
        assert (lead["arm"], lead["sure"]) == ("adapted:x", True)


def test_arms_that_are_alike_to_the_pixel_have_no_winner():
    arms = dict.fromkeys(("source_only", "adapted:x"), matrices(300))
    for _, lead in leads(find_best(arms, IDD, 300, 0)):
        assert (lead["difference"], lead["ci95"], lead["sure"]) == (0, (0, 0), False)


def test_without_two_arms_to_compare_there_is_no_best():
    one = matrices(300)
    assert find_best({"oracle": one}, IDD, 10, 0) == {}
    assert find_best({"adapted:x": one, "oracle": one}, IDD, 10, 0) == {}
    assert find_best({}, IDD, 10, 0) == {}
    none = one[:, :0]
    assert find_best({"source_only": none, "adapted:x": none}, IDD, 10, 0) == {}


def test_a_class_that_nobody_finds_has_no_best():
    arms = {"source_only": matrices(300), "adapted:x": matrices(900)}
    for counts in arms.values():
        counts[..., 0] = 0  # Nobody predicts the first class, which occurs.
    assert "drivable" not in find_best(arms, IDD, 100, 0)["iou"]


def test_a_class_that_does_not_occur_has_no_best_whoever_predicts_it():
    arms = {"source_only": matrices(300), "adapted:x": matrices(900)}
    for counts in arms.values():
        counts[..., 0, :] = 0
    arms["adapted:x"][..., 0] = 0
    assert "drivable" not in find_best(arms, IDD, 100, 0)["iou"]


def test_one_image_makes_no_winner():
    arms = {"source_only": matrices(100, images=1), "adapted:x": matrices(900, images=1)}
    for _, lead in leads(find_best(arms, IDD, 100, 0)):
        assert (lead["ci95"], lead["sure"]) == (None, False)


def rare(images_with, better):
    """Arms on 60 images, of which some show the rare class."""
    rng = np.random.default_rng(0)
    wide = rng.integers(800, 900, 60)
    pixels = np.where(np.arange(60) < images_with, 100, 0)
    found = {}
    for arm, share in (("source_only", 0.4), ("adapted:x", better)):
        hits = (share * pixels).astype(int)
        # Off the diagonal: the rare class is missed, and never invented.
        counts = np.stack([[wide, 0 * wide], [pixels - hits, hits]], axis=0)
        found[arm] = np.moveaxis(counts, -1, 0)[np.newaxis]
    return found


@pytest.mark.parametrize(("images_with", "sure"), [(1, False), (5, False), (12, True)])
def test_a_class_of_few_images_has_no_winner_however_far_ahead(images_with, sure):
    lead = find_best(rare(images_with, better=0.9), PAIR, 2000, 0)["iou"]["rare"]
    assert (lead["arm"], lead["sure"]) == ("adapted:x", sure)


@pytest.mark.parametrize(("images", "sure"), [(5, False), (6, True)])
def test_so_few_images_make_no_winner_that_chance_would_agree_on_one(images, sure):
    arms = {
        arm: matrices(hits, wrong=20, images=images)
        for arm, hits in (("source_only", 100), ("adapted:x", 900))
    }
    for _, lead in leads(find_best(arms, IDD, 300, 0)):
        assert lead["ci95"][0] > 0
        assert lead["sure"] == sure


def test_test_sets_without_a_class_count_as_no_difference():
    arms = rare(3, better=0.9)
    draws = intervals.draw_test_sets(60, 4000, 7)
    without = np.mean(draws[:, :3].sum(axis=1) == 0)
    assert without == pytest.approx(np.exp(-3), abs=0.01)
    lead = find_best(arms, PAIR, 4000, 7)["iou"]["rare"]
    assert lead["ci95"][0] == 0 and lead["ci95"][1] > 0


def test_what_is_found_can_be_written_as_json():
    arms = {"source_only": matrices(300), "adapted:x": matrices(320, seed=1)}
    found = find_best(arms, IDD, 50, 0)
    assert json.loads(json.dumps(found, allow_nan=False))["iou"].keys() == {*IDD.names}


# --- How often chance is taken for a winner ----------------------------------


def marked(num_arms, images, seeds, spread, count=300):
    """Share of simulated experiments with equal arms that mark one."""
    marks = {}
    for number in range(count):
        rng = np.random.default_rng(number)
        # Images show some of the classes, and are hard or easy for all arms.
        there = rng.random((images, 7)) < [1, 1, 1, 0.9, 0.5, 0.15, 0.05]
        pixels = there * rng.gamma(2, 200, (images, 7))
        hard = rng.normal(0, 0.6, (images, 7))
        arms = {}
        for arm in range(num_arms):
            own = rng.normal(0, 0.4, (seeds, images, 7)) + rng.normal(0, spread, (seeds, 1, 7))
            right = pixels / (1 + np.exp(-0.8 - hard - own))
            wrong = ((pixels - right) / 6)[..., np.newaxis] * (1 - np.eye(7))
            counts = np.round(wrong + right[..., np.newaxis] * np.eye(7)).astype(np.int64)
            arms[f"arm{arm}"] = counts
        for key, lead in leads(find_best(arms, IDD, 500, number)):
            marks.setdefault(key, []).append(lead["sure"])
    return {key: np.mean(sure) for key, sure in marks.items()}


@pytest.mark.slow  # 300 experiments each.
@pytest.mark.parametrize(
    ("num_arms", "images", "seeds", "spread"),
    [(2, 100, 1, 0.0), (2, 40, 1, 0.0), (5, 100, 1, 0.0), (2, 100, 3, 0.2), (5, 40, 3, 0.2)],
)
def test_of_equal_arms_one_is_marked_in_about_5_percent_at_most(num_arms, images, seeds, spread):
    shares = marked(num_arms, images, seeds, spread)
    assert len(shares) == 7 + 4 + 2  # Classes, categories and means.
    assert np.mean([*shares.values()]) <= 0.055
    for key, share in shares.items():
        # 0.05 and two and a half times the deviation of 300 draws.
        assert share <= 0.082, f"{key}: {share}"
