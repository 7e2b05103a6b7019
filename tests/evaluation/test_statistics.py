import numpy as np
import pytest

from i2i_keras.evaluation.segmentation import mean_iou
from i2i_keras.evaluation.statistics import bootstrap, gap_closed

IMAGES, CLASSES, SAMPLES = 12, 3, 200


def matrices(accuracy, seed=0):
    """Confusion matrices of images with about this share of hits."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 30, (IMAGES, CLASSES, CLASSES))
    hits = (np.eye(CLASSES) * rng.integers(50, 400 * accuracy, (IMAGES, 1, 1))).astype(np.int64)
    return counts + hits


@pytest.fixture(scope="module")
def arms():
    return {"floor": matrices(0.3), "better": matrices(0.9), "same": matrices(0.3)}


def test_it_equals_scoring_each_drawn_test_set(arms):
    drawn = bootstrap(arms, SAMPLES, seed=4)
    counts = np.random.default_rng(4).multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), SAMPLES)
    for arm, images in arms.items():
        expected = [
            mean_iou(sum(images[i] for i in np.repeat(np.arange(IMAGES), times)))
            for times in counts
        ]
        np.testing.assert_allclose(drawn.mean_iou[arm], expected, rtol=1e-12)


def test_drawing_in_parts_equals_drawing_at_once():
    # 35 classes and 4000 samples are computed in two parts.
    rng = np.random.default_rng(0)
    images = rng.integers(0, 9, (3, 35, 35))
    many = bootstrap({"arm": images}, 4000, seed=0).mean_iou["arm"]
    counts = np.random.default_rng(0).multinomial(3, np.full(3, 1 / 3), 4000)
    np.testing.assert_array_equal(many, mean_iou(np.tensordot(counts, images, 1)))


def test_the_interval_is_that_of_the_middle_95_percent(arms):
    drawn = bootstrap(arms, SAMPLES, seed=0)
    low, high = drawn.interval("floor")
    inside = (drawn.mean_iou["floor"] >= low) & (drawn.mean_iou["floor"] <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.01)


def test_the_interval_holds_the_score_itself(arms):
    drawn = bootstrap(arms, 2000, seed=0)
    for arm, images in arms.items():
        low, high = drawn.interval(arm)
        assert low < mean_iou(images.sum(axis=0)) < high


def test_equal_arms_have_no_gain_at_all(arms):
    assert bootstrap(arms, SAMPLES, seed=0).gain_interval("same", "floor") == (0.0, 0.0)


def test_a_gain_on_every_image_is_above_zero(arms):
    low, high = bootstrap(arms, SAMPLES, seed=0).gain_interval("better", "floor")
    assert 0 < low < high


def test_a_loss_is_the_gain_turned_round(arms):
    drawn = bootstrap(arms, SAMPLES, seed=0)
    gain, loss = drawn.gain_interval("better", "floor"), drawn.gain_interval("floor", "better")
    np.testing.assert_allclose(loss, (-gain[1], -gain[0]))


def test_pairing_by_image_narrows_the_interval():
    # Hard and easy images, on all of which the other arm is a little better.
    hits = np.linspace(10, 90, IMAGES).astype(np.int64)
    floor = np.array([[[h, 100 - h], [100 - h, h]] for h in hits])
    better = floor + np.array([[4, -4], [-4, 4]])
    drawn = bootstrap({"floor": floor, "better": better}, SAMPLES, seed=0)
    width = np.ptp(drawn.gain_interval("better", "floor"))
    assert width < 0.2 * np.ptp(drawn.interval("floor"))


def test_one_image_leaves_nothing_to_draw():
    drawn = bootstrap({"arm": matrices(0.5)[:1]}, SAMPLES, seed=0)
    assert np.ptp(drawn.interval("arm")) == 0


def test_the_same_seed_draws_the_same(arms):
    one, two, other = (bootstrap(arms, SAMPLES, seed).mean_iou["floor"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_gap_closed_is_the_gain_in_parts_of_the_oracles():
    assert gap_closed(0.2, 0.5, 0.6) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("adapted", "expected"), [(0.2, 0.0), (0.6, 1.0), (0.1, -0.25), (0.8, 1.5)]
)
def test_the_gap_closed_can_lie_outside_of_0_and_1(adapted, expected):
    assert gap_closed(0.2, adapted, 0.6) == pytest.approx(expected)


@pytest.mark.parametrize("oracle", [0.2, 0.1])
def test_without_a_gap_there_is_nothing_to_close(oracle):
    assert gap_closed(0.2, 0.3, oracle) is None
