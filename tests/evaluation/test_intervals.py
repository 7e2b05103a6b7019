import tracemalloc
import weakref
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from i2i_keras.datasets.spaces import SpaceClass, build_space
from i2i_keras.evaluation.best import find_best
from i2i_keras.evaluation.intervals import Drawn, bootstrap, gap_closed
from i2i_keras.evaluation.metrics import mean_iou

IMAGES, CLASSES, SAMPLES = 12, 3, 200
THREE = build_space("three", [SpaceClass(name=n, color=(0, 0, 0)) for n in ("a", "b", "c")])


def matrices(accuracy, seed=0, seeds=1):
    """Confusion matrices of images with about this share of hits."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 30, (seeds, IMAGES, CLASSES, CLASSES))
    number = rng.integers(50, 400 * accuracy, (seeds, IMAGES, 1, 1))
    return counts + (np.eye(CLASSES) * number).astype(np.int64)


@pytest.fixture(scope="module")
def arms():
    return {"floor": matrices(0.3), "better": matrices(0.9), "same": matrices(0.3)}


# --- Samples ----------------------------------------------------------------


def test_it_equals_scoring_each_drawn_test_set(arms):
    drawn = bootstrap(arms, SAMPLES, seed=4)
    counts = np.random.default_rng(4).multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), SAMPLES)
    for arm, [images] in arms.items():
        expected = [
            mean_iou(sum(images[i] for i in np.repeat(np.arange(IMAGES), times)))
            for times in counts
        ]
        np.testing.assert_allclose(drawn[arm].samples[0], expected, rtol=1e-12)
        assert drawn[arm].points == [mean_iou(images.sum(axis=0))]


def test_drawing_hits_and_unions_equals_drawing_whole_matrices():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 9, (3, 35, 35))
    many = bootstrap({"arm": images[np.newaxis]}, 4000, seed=0)["arm"].samples[0]
    counts = np.random.default_rng(0).multinomial(3, np.full(3, 1 / 3), 4000)
    np.testing.assert_array_equal(many, mean_iou(np.tensordot(counts, images, 1)))


def test_all_trainings_of_an_arm_are_scored_on_the_same_test_sets():
    three = matrices(0.5, seeds=3)
    drawn = bootstrap({"arm": three}, SAMPLES, seed=1)["arm"]
    for number in range(3):
        alone = bootstrap({"arm": three[number : number + 1]}, SAMPLES, seed=1)["arm"]
        np.testing.assert_array_equal(drawn.samples[number], alone.samples[0])


def test_the_same_seed_draws_the_same(arms):
    one, two, other = (bootstrap(arms, SAMPLES, seed)["floor"].samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_many_drawn_test_sets_are_small():
    images, samples = 20_000, 500
    counts = {"arm": np.ones((1, images, 2, 2), np.int32)}
    tracemalloc.start()
    bootstrap(counts, samples, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two bytes for each, beside a few MB for some at a time and for the images.
    assert peak < samples * images * 2 + 60e6


class ReadOneByOne(Sequence):
    """Matrices that are made when they are looked at, and counted meanwhile."""

    alive, most = 0, 0

    def __init__(self, trainings):
        self.trainings = trainings

    def __len__(self):
        return len(self.trainings)

    def __getitem__(self, place):
        matrices = self.trainings[place].copy()
        cls = ReadOneByOne
        cls.alive += 1
        cls.most = max(cls.most, cls.alive)
        weakref.finalize(matrices, cls.forget)
        return matrices

    @classmethod
    def forget(cls):
        cls.alive -= 1


def resampled_scores(arms):
    return {arm: drawn.samples.tolist() for arm, drawn in bootstrap(arms, 9, seed=0).items()}


def best_arms(arms):
    return find_best(arms, THREE, 9, seed=0)


@pytest.mark.parametrize("compute", [resampled_scores, best_arms])
def test_matrices_are_looked_at_one_training_after_the_other(compute):
    arms = {arm: matrices(0.5, seed, seeds=4) for seed, arm in enumerate(("a", "b", "c"))}
    ReadOneByOne.alive = ReadOneByOne.most = 0
    assert compute({arm: ReadOneByOne(found) for arm, found in arms.items()}) == compute(arms)
    # The next one is there before the name of the one before is given to it.
    assert 1 <= ReadOneByOne.most <= 2


# --- Intervals of one training ----------------------------------------------


def test_the_interval_leaves_out_as_much_as_students_distribution_asks_for(arms):
    drawn = bootstrap(arms, 20_000, seed=0)["floor"]
    low, high = drawn.interval()
    # Normal tails beyond the ends of Student's interval, for twelve images.
    tail = stats.norm.cdf(stats.t.ppf(0.025, 11) * np.sqrt(12 / 11))
    assert np.mean(drawn.samples < low) == pytest.approx(tail, abs=0.002)
    assert np.mean(drawn.samples > high) == pytest.approx(tail, abs=0.002)


def test_of_many_images_it_is_the_middle_95_percent():
    drawn = Drawn(np.zeros(1), np.random.default_rng(0).normal(size=(1, 50_000)), 10_000)
    np.testing.assert_allclose(drawn.interval(), [-1.96, 1.96], atol=0.03)


def test_the_interval_holds_the_score_itself(arms):
    for found in bootstrap(arms, 2000, seed=0).values():
        low, high = found.interval()
        assert low < found.mean < high


def test_equal_arms_have_no_gain_at_all(arms):
    drawn = bootstrap(arms, SAMPLES, seed=0)
    assert drawn["same"].minus(drawn["floor"]).interval() == (0.0, 0.0)


def test_a_gain_on_every_image_is_above_zero(arms):
    drawn = bootstrap(arms, SAMPLES, seed=0)
    low, high = drawn["better"].minus(drawn["floor"]).interval()
    assert 0 < low < high


def test_a_loss_is_the_gain_turned_round(arms):
    drawn = bootstrap(arms, SAMPLES, seed=0)
    gain = drawn["better"].minus(drawn["floor"]).interval()
    loss = drawn["floor"].minus(drawn["better"]).interval()
    np.testing.assert_allclose(loss, (-gain[1], -gain[0]))


def test_pairing_by_image_narrows_the_interval():
    # Hard and easy images, on all of which the other arm is a little better.
    hits = np.linspace(10, 90, IMAGES).astype(np.int64)
    floor = np.array([[[[h, 100 - h], [100 - h, h]] for h in hits]])
    better = floor + np.array([[4, -4], [-4, 4]])
    drawn = bootstrap({"floor": floor, "better": better}, SAMPLES, seed=0)
    gain = drawn["better"].minus(drawn["floor"])
    assert np.ptp(gain.interval()) < 0.2 * np.ptp(drawn["floor"].interval())


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_image_says_nothing_of_others(seeds):
    drawn = bootstrap({"arm": matrices(0.5, seeds=seeds)[:, :1]}, SAMPLES, seed=0)
    assert np.isnan(drawn["arm"].interval()).all()
    assert np.isnan(drawn["arm"].p_value())


def test_one_training_has_neither_spread_nor_p_value(arms):
    drawn = bootstrap(arms, SAMPLES, seed=0)["floor"]
    assert np.isnan(drawn.spread) and np.isnan(drawn.p_value())


# --- Several trainings ------------------------------------------------------


def students(values):
    """Student's interval of a mean, by scipy."""
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def test_where_images_do_not_matter_the_interval_is_students_over_the_trainings():
    points = np.array([0.31, 0.35, 0.30, 0.38])
    drawn = Drawn(points, np.repeat(points[:, np.newaxis], 50, 1), 100)
    np.testing.assert_allclose(drawn.interval(), students(points), rtol=1e-6)
    assert drawn.p_value() == pytest.approx(stats.ttest_1samp(points, 0).pvalue, rel=1e-3)


def test_where_trainings_do_not_matter_it_is_that_of_the_images():
    scores = np.random.default_rng(0).normal(0.4, 0.1, 60)
    picks = np.random.default_rng(1).integers(0, 60, (20_000, 60))
    drawn = Drawn(np.full(3, scores.mean()), np.tile(scores[picks].mean(1), (3, 1)), 60)
    np.testing.assert_allclose(drawn.interval(), students(scores), atol=0.001)


def test_both_chances_add_up_by_the_squares():
    rng = np.random.default_rng(0)
    points, noise = np.array([0.31, 0.35, 0.36]), rng.normal(0, 0.01, 4000)
    flat, noisy = (Drawn(points, points[:, np.newaxis] + n, 50) for n in (0 * noise, noise))
    images = Drawn(np.full(3, 0.34), np.full((3, 1), 0.34) + noise, 50)
    widths = [np.ptp(drawn.interval()) for drawn in (flat, images, noisy)]
    assert widths[2] ** 2 == pytest.approx(widths[0] ** 2 + widths[1] ** 2, rel=1e-6)


def test_the_p_value_is_the_level_whose_interval_ends_at_zero():
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.01, (3, 2000))
    for mean in (0.02, 0.05, 0.1, -0.06):
        points = mean + np.array([-0.01, 0.0, 0.015])
        drawn = Drawn(points, points[:, np.newaxis] + samples, 80)
        low, high = drawn.interval()
        assert (drawn.p_value() < 0.05) == (not low <= 0 <= high)


def test_the_mean_and_its_spread_are_those_of_the_trainings():
    points = np.array([0.2, 0.3, 0.7])
    drawn = Drawn(points, np.zeros((3, 5)), 9)
    assert drawn.mean == pytest.approx(0.4) and drawn.spread == pytest.approx(np.sqrt(0.07))


# --- The gap ----------------------------------------------------------------


def exact(value):
    return Drawn(np.array([value]), np.full((1, 10), value), 20)


def test_the_gap_closed_is_the_gain_in_parts_of_the_oracles():
    share, ends = gap_closed(exact(0.2), exact(0.5), exact(0.6))
    np.testing.assert_allclose([share, *ends], 0.75)


@pytest.mark.parametrize(
    ("adapted", "expected"), [(0.2, 0.0), (0.6, 1.0), (0.1, -0.25), (0.8, 1.5)]
)
def test_the_gap_closed_can_lie_outside_of_0_and_1(adapted, expected):
    share, _ = gap_closed(exact(0.2), exact(adapted), exact(0.6))
    assert share == pytest.approx(expected)


@pytest.mark.parametrize("oracle", [0.2, 0.1])
def test_without_a_gap_there_is_nothing_to_close(oracle):
    assert gap_closed(exact(0.2), exact(0.3), exact(oracle)) is None


def test_the_interval_of_the_gap_is_that_of_the_drawn_ratios():
    arms = {"floor": matrices(0.3), "arm": matrices(0.5, 1), "oracle": matrices(0.9, 2)}
    drawn = bootstrap(arms, 2000, seed=0)
    floor, arm, oracle = (drawn[name].samples[0] for name in arms)
    share, ends = gap_closed(*drawn.values())
    ratios = Drawn(np.array([share]), ((arm - floor) / (oracle - floor))[np.newaxis], IMAGES)
    np.testing.assert_allclose(ends, ratios.interval())
    assert ends[0] < share < ends[1]


def test_over_trainings_the_gap_is_that_of_the_means():
    floor, arm, oracle = (
        Drawn(np.array(p), np.repeat(np.array(p)[:, np.newaxis], 9, 1), 50)
        for p in ([0.2, 0.22], [0.3, 0.34], [0.4, 0.46])
    )
    share, (low, high) = gap_closed(floor, arm, oracle)
    assert share == pytest.approx((0.32 - 0.21) / (0.43 - 0.21))
    assert low < share < high


# --- How often the intervals are right ---------------------------------------

CHANCES = {"floor": 0.6, "arm": 0.7, "oracle": 0.85}
SHARES = np.array([0.5, 0.25, 0.15, 0.07, 0.03])  # Of five classes.


def world(rng, images, seeds=1, spread=0.0):
    """Confusion matrices of simulated arms: images are hard or easy for all.

    Args:
        rng: of this experiment.
        images: in the test set.
        seeds: trainings of each arm.
        spread: how much trainings differ, in logits of a class's accuracy.
    """
    shares = rng.gamma(8 * SHARES, 1, (images, 5))
    pixels = 1000 * shares / shares.sum(1, keepdims=True)
    hard = rng.normal(0, 0.6, (images, 5))
    found = {}
    for arm, chance in CHANCES.items():
        own = rng.normal(0, 0.3, (seeds, images, 5)) + rng.normal(0, spread, (seeds, 1, 1))
        right = pixels / (1 + np.exp(-np.log(chance / (1 - chance)) - hard - own))
        wrong = ((pixels - right) / 4)[..., np.newaxis] * (1 - np.eye(5))
        found[arm] = np.round(wrong + right[..., np.newaxis] * np.eye(5)).astype(np.int64)
    return found


def estimates(drawn):
    """Score, gain and gap closed of the arm, each with its interval."""
    gain = drawn["arm"].minus(drawn["floor"])
    return {
        "score": (drawn["arm"].mean, drawn["arm"].interval()),
        "gain": (gain.mean, gain.interval()),
        "gap": gap_closed(drawn["floor"], drawn["arm"], drawn["oracle"]),
    }


def coverage(truth, count, **settings):
    """Share of simulated experiments whose intervals hold the truth."""
    hits = dict.fromkeys(truth, 0)
    for number in range(count):
        arms = world(np.random.default_rng(10_000 + number), **settings)
        for name, (_, (low, high)) in estimates(bootstrap(arms, 1000, number)).items():
            hits[name] += low <= truth[name] <= high
    return {name: number / count for name, number in hits.items()}


@pytest.mark.slow  # 1,000 experiments.
@pytest.mark.parametrize("images", [50, 100, 200])
def test_95_percent_intervals_are_right_in_93_to_97_percent(images):
    everything = bootstrap(world(np.random.default_rng(0), 200_000), 2, 0)
    truth = {name: value for name, (value, _) in estimates(everything).items()}
    for name, share in coverage(truth, 1000, images=images).items():
        assert 0.93 <= share <= 0.97, f"{name}: {share}"


@pytest.mark.slow  # 1,000 experiments of three trainings each.
@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
def test_over_trainings_they_are_right_in_at_least_93_percent(spread):
    rng = np.random.default_rng(0)
    points = [
        [mean_iou(m.sum(axis=(0, 1))) for m in world(rng, 2000, 1, spread).values()]
        for _ in range(1500)
    ]
    floor, arm, oracle = np.mean(points, axis=0)
    truth = {"score": arm, "gain": arm - floor, "gap": (arm - floor) / (oracle - floor)}
    for name, share in coverage(truth, 1000, images=100, seeds=3, spread=spread).items():
        assert share >= 0.93, f"{name}: {share}"
