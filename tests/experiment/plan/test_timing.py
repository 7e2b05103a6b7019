"""What a training step is made of; no test looks at a clock."""

import itertools

import keras
import pytest
import tensorflow as tf
from keras import layers

from i2i_keras.experiment.plan import timing
from i2i_keras.translators.cut import CUTConfig
from i2i_keras.translators.cycada import CyCADAConfig
from i2i_keras.translators.cyclegan import CycleGANConfig


def test_a_step_of_cyclegan_is_18_passes_of_generators_and_16_of_discriminators():
    # Of each generator a fake, its cycle and an identity, and all three trained
    # through (forward, to the inputs, to the weights); of each discriminator
    # forward and back for the generators, and reals and fakes trained through.
    assert timing.cyclegan_passes(CycleGANConfig())[:2] == (2 * 3 * 3, 2 * (2 + 2 * 3))


@pytest.mark.parametrize("weight", ["lambda_identity", "lambda_cycle"])
def test_a_loss_of_no_weight_saves_its_passes(weight):
    assert timing.cyclegan_passes(CycleGANConfig(**{weight: 0.0})).generator == 2 * 3 * 2


def test_more_updates_of_the_critics_need_fakes_but_no_trained_generators():
    once, thrice = (timing.cyclegan_passes(CycleGANConfig(critic_steps=n)) for n in (1, 3))
    assert thrice.generator - once.generator == 2 * 2
    assert thrice.discriminator - once.discriminator == 2 * 2 * (2 * 3)


def test_a_rare_penalty_costs_less():
    plain, rare, often = (
        timing.cyclegan_passes(CycleGANConfig(r1=weight, r1_every=every)).discriminator
        for weight, every in ((0.0, 16), (1.0, 16), (1.0, 1))
    )
    assert rare - plain == pytest.approx((often - plain) / 16)


def test_cut_has_one_generator_and_less_to_do_without_identity():
    both, one = (timing.cut_passes(CUTConfig(lambda_identity=w)) for w in (1.0, 0.0))
    assert both.ways == 1
    # What it makes is looked at by its encoder once more.
    assert (both.generator, both.encoder) == (2 * 3, 2 * 3)
    assert (one.generator, one.encoder) == (3, 3)
    assert both.discriminator == 2 + 2 * 3


def test_cycada_has_a_segmenter_see_images_before_and_after():
    both, one, none = (
        timing.cycada_passes(CyCADAConfig(**changes)).segmenter
        for changes in ({}, {"semantic_directions": ["yx"]}, {"lambda_semantic": 0.0})
    )
    assert (both, one, none) == (2 * 3, 3, 0)  # Before; after, and back to the image.


def test_a_pass_of_a_larger_image_takes_longer_by_its_pixels():
    assert timing.Pass(0.5, 2.0, 10 * 20).at((20, 40)) == pytest.approx(4 * 0.5)


def test_cuts_encoder_is_measured_with_its_projections():
    small = CUTConfig(generator={"filters": 2, "num_residual_blocks": 2}, projection=4)
    unit = timing.build_encoder(small)(tf.zeros((1, 16, 16, 3)), training=True)
    assert set(unit) == {"image", "down0_conv", "down1_conv", "block0_add", "block1_add"}
    assert unit["image"].shape == (1, 256, 4)


def test_what_two_networks_take_at_once_is_halved(monkeypatch):
    """By a clock that goes on by a second whenever it is looked at."""
    monkeypatch.setattr(timing.time, "perf_counter", itertools.count(0.0).__next__)

    def build():
        return lambda image, training: image

    one, two = (timing.measure(build, 2, (8, 4), ways) for ways in (1, 2))
    assert (one.start, one.seconds) == (3.0, 0.5)  # Of two images.
    assert (two.start, two.seconds) == (1.5, 0.25)


def test_no_more_than_two_images_are_computed_at_once():
    seen = []

    def build():
        inputs = keras.Input((None, None, 3))
        outputs = layers.Lambda(lambda x: seen.append(x.shape) or x)(inputs)
        return keras.Model(inputs, outputs)

    found = timing.measure(build, batch_size=32, crop=(8, 4), ways=2)
    assert seen[1:] == [(2, 8, 4, 3)] * 2  # The first one is of the building.
    assert found.pixels == 32
    assert found.seconds > 0 and found.start > 0
