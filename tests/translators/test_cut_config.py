import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.translators.cut_config import FASTCUT, CUTConfig


def build(**changes):
    return config.build(CUTConfig, changes)


def test_the_defaults_are_those_of_the_paper():
    paper = CUTConfig()
    assert (paper.lambda_nce, paper.lambda_identity) == (1.0, 1.0)
    assert (paper.temperature, paper.num_patches, paper.projection) == (0.07, 256, 256)
    assert (paper.adversarial, paper.pool_size, paper.pipeline.batch_size) == ("lsgan", 0, 1)
    assert (paper.learning_rate, paper.beta_1, paper.epochs) == (2e-4, 0.5, 400.0)


def test_fastcut_differs_in_four_settings():
    ours, fast = (c.model_dump() for c in (CUTConfig(), build(**FASTCUT)))
    changed = {name: value for name, value in fast.items() if value != ours[name]}
    assert changed == {
        "lambda_nce": 10.0,
        "lambda_identity": 0.0,
        "epochs": 200.0,
        "constant_share": 0.75,
    }


@pytest.mark.parametrize(
    ("changes", "critic_steps", "penalties"),
    [
        ({}, 1, {}),
        ({"adversarial": "wgan_gp"}, 5, {"gradient_penalty": 10.0}),
        ({"adversarial": "wgan_gp", "critic_steps": 2, "gradient_penalty": 0.0}, 2, {}),
        ({"r1": 2.0}, 1, {"r1": 2.0}),
    ],
)
def test_a_loss_brings_its_critic_steps_and_penalty(changes, critic_steps, penalties):
    settings = build(**changes)
    assert (settings.num_critic_steps, settings.penalties) == (critic_steps, penalties)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipeline": {"crop": [30, 32]}}, "pipeline.crop has to be a multiple of 4, the gen"),
        ({"adversarial": "wgan"}, "no adversarial loss 'wgan'. Did you mean "),
        ({"adversarial": "hinge", "label_smoothing": 0.1}, "label_smoothing is for lsgan and bce"),
        ({"r1": 1.0, "discriminator": {"norm": "batch"}}, "gradient_penalty and r1 look at one"),
        ({"accumulate": 2}, "accumulate has to divide pipeline.batch_size, 1"),
        ({"temperature": 0.0}, "'temperature'"),
        ({"num_patches": 0}, "'num_patches'"),
        ({"lambda_cycle": 1.0}, "No setting 'lambda_cycle'"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        build(**changes)
