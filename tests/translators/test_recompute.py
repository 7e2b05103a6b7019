"""A translator that computes again learns the same."""

import csv

import pytest

from i2i_keras.translators import cut, cyclegan


def test_what_was_trained_without_it_stays_valid(tiny):
    assert tiny(recompute=True).facts() == tiny().facts()


def rows(folder):
    with (folder / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def assert_alike(tmp_path, fit, build, **changes):
    for again in (False, True):
        fit(build(recompute=again, **changes), tmp_path / str(again))
    for one, two in zip(rows(tmp_path / "False"), rows(tmp_path / "True"), strict=True):
        assert one.keys() == two.keys()
        for column, value in one.items():
            assert two[column] == pytest.approx(value, rel=1e-5, abs=1e-6, nan_ok=True), column


@pytest.mark.parametrize(
    "changes",
    [
        {},
        pytest.param(
            {
                "accumulate": 2,
                "r1": 1.0,
                "discriminator": {"filters": 2, "num_downsamplings": 1, "dropout": 0.2},
            },
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"discriminator": {"filters": 2, "num_downsamplings": 1, "spectral_norm": True}},
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_cyclegan(tmp_path, tiny, images, changes):
    assert_alike(tmp_path, lambda c, f: cyclegan.fit(c, *images, f, 7), tiny, **changes)


@pytest.mark.slow
def test_cut(tmp_path, tiny_cut, images):
    assert_alike(tmp_path, lambda c, f: cut.fit(c, *images, f, 7), tiny_cut)


@pytest.mark.slow
def test_cycada(tmp_path, tiny_cycada, images, new_model):
    import tensorflow as tf

    def count(again):
        model = new_model(tiny_cycada(recompute=again))
        model.compile(steps=4)
        images = tf.TensorSpec((2, 16, 16, 3))
        graph = tf.function(model.train_step).get_concrete_function((images, images)).graph
        return sum(operation.type == "Conv2D" for operation in graph.get_operations())

    assert count(True) > count(False)
