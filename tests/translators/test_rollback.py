"""A translator that diverges goes back, and on at half its rates."""

import h5py
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translators import cut, cyclegan


def weights(folder):
    found = {}
    for path in folder.glob("*.h5"):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, path=path: (
                    found.update({(path.name, name): item[()]})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["linear", "constant", "plateau"])
def test_from_the_beginning_it_is_a_training_at_half_the_rates(
    tmp_path, tiny, images, schedule, poison
):
    common = {"schedule": schedule, "checkpoint_every": 4, "ema": 0.9}
    half = tiny(learning_rate=0.0001, discriminator_learning_rate=0.0002, **common)
    cyclegan.fit(half, *images, tmp_path / "half", 7)
    poison(at=3)
    twice = {"learning_rate": 0.0002, "discriminator_learning_rate": 0.0004}
    found = cyclegan.fit(tiny(on_nan="rollback", **twice, **common), *images, tmp_path / "back", 7)
    told = "step 3: it was not finite; went on from step 0 at 0.5 times the learning rate."
    assert told in found["warnings"]
    histories = [(tmp_path / name / "history.csv").read_bytes() for name in ("half", "back")]
    assert histories[0] == histories[1]
    one, two = (weights(tmp_path / name) for name in ("half", "back"))
    assert one and one.keys() == two.keys()
    for place, value in one.items():
        np.testing.assert_array_equal(two[place], value, str(place))


def test_what_was_trained_without_it_stays_valid(tiny):
    assert tiny(on_nan="rollback").facts() == tiny().facts()


def test_from_a_checkpoint_only_what_follows_is_at_half_the_rate(
    tmp_path, tiny_cut, images, poison
):
    poison(at=4)
    found = cut.fit(tiny_cut(on_nan="rollback"), *images, tmp_path, 7)
    assert found["warnings"][0].startswith("step 4: it was not finite; went on from step 2 at 0.5")
    checkpoint = tf.train.load_checkpoint(str(tmp_path / "checkpoints" / "ckpt-4"))
    assert b"went_back" in checkpoint.get_tensor("notes/.ATTRIBUTES/VARIABLE_VALUE")
