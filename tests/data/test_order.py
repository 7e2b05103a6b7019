import numpy as np
import pytest

from i2i_keras.data.order import by_rare_classes, rare_class_probabilities, shuffled

# Six records; the third class is rare, the fourth is nowhere.
COUNTS = np.array(
    [[90, 10, 0, 0], [80, 20, 0, 0], [100, 0, 0, 0], [70, 20, 10, 0], [50, 45, 5, 0], [99, 1, 0, 0]]
)
SHARES = COUNTS.sum(0) / COUNTS.sum()


def taken(order, first, count):
    return [(int(p), int(i)) for p, i in order(first).take(count).as_numpy_iterator()]


@pytest.mark.parametrize("order", [shuffled(6, 3), by_rare_classes(COUNTS, 0.2, 3)])
@pytest.mark.parametrize("first", [1, 6, 17])
def test_an_order_is_the_same_from_wherever_it_begins(order, first):
    whole = taken(order, 0, first + 9)
    assert [position for position, _ in whole] == list(range(first + 9))
    assert taken(order, first, 9) == whole[first:]


@pytest.mark.parametrize("rare", [False, True])
def test_another_seed_is_another_order(rare):
    one, two, same = (
        taken(by_rare_classes(COUNTS, 1.0, seed) if rare else shuffled(6, seed), 0, 30)
        for seed in (-5, 2, -5)
    )
    assert one == same != two


def test_probabilities_are_the_papers():
    # As it is written there, of classes that occur.
    temperature = 0.3
    powers = [np.exp((1 - share) / temperature) for share in SHARES[:3]]
    expected = [*np.array(powers) / sum(powers), 0.0]
    np.testing.assert_allclose(rare_class_probabilities(SHARES, temperature), expected)


@pytest.mark.parametrize(("temperature", "rarest"), [(1e-6, 1.0), (1e6, 1 / 3)])
def test_the_temperature_goes_from_the_rarest_class_alone_to_all_alike(temperature, rarest):
    found = rare_class_probabilities(SHARES, temperature)
    assert np.isfinite(found).all() and found.sum() == pytest.approx(1)
    assert found[2] == pytest.approx(rarest, rel=1e-3) and found[3] == 0


def test_records_are_drawn_by_class_and_then_alike():
    temperature, number = 0.5, 6000
    indices = [index for _, index in taken(by_rare_classes(COUNTS, temperature, 0), 0, number)]
    having = COUNTS > 0
    probabilities = rare_class_probabilities(SHARES, temperature)[:3]
    expected = (having[:, :3] / having[:, :3].sum(0)) @ probabilities
    seen = np.bincount(indices, minlength=6) / number
    deviations = np.sqrt(expected * (1 - expected) / number)
    assert (np.abs(seen - expected) < 4.5 * deviations).all()


@pytest.mark.parametrize("nowhere", [0, 1, 2, 3])
def test_a_class_that_is_nowhere_is_never_drawn(nowhere):
    counts = np.ones((4, 4), np.int64)
    counts[:, nowhere] = 0
    drawn = {index for _, index in taken(by_rare_classes(counts, 0.1, 0), 0, 100)}
    assert drawn == {0, 1, 2, 3}
