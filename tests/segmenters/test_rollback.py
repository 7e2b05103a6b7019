"""A segmenter that diverges goes back, and on at half its rate."""

import pytest

from i2i_keras.errors import DivergedError
from i2i_keras.segmenters.segmenter_training import Examples, fit


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"schedule": "poly"}, marks=pytest.mark.slow),
        {"schedule": "cosine", "weight_decay": 0.1, "precision": "mixed_float16"},
    ],
    ids=str,
)
def test_from_the_beginning_it_is_a_training_at_half_the_rate(
    tmp_path, tiny, records, recipe, poison
):
    examples = Examples(records, records[:1])
    half = tiny(learning_rate=0.0005, checkpoint_every=4, **recipe)
    expected = fit(half, examples, 3, tmp_path / "half", 5)
    poison(at=3)
    settings = tiny(learning_rate=0.001, checkpoint_every=4, on_nan="rollback", **recipe)
    found = fit(settings, examples, 3, tmp_path / "back", 5)
    told = "step 3: it was not finite; went on from step 0 at 0.5 times the learning rate."
    assert found["warnings"] == [told, *expected["warnings"]]
    for name in ("unet.weights.h5", "history.csv"):
        assert (tmp_path / "back" / name).read_bytes() == (tmp_path / "half" / name).read_bytes()


def test_what_was_trained_without_it_stays_valid(tiny):
    assert tiny(on_nan="rollback").facts() == tiny().facts()


def test_by_default_it_stops(tmp_path, tiny, records, poison):
    poison(at=3)
    with pytest.raises(DivergedError, match="is nan at step 3, whose batch is of"):
        fit(tiny(), Examples(records), 3, tmp_path, 5)
