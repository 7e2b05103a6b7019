"""Settings of adversarial translators: what papers say, and what cannot be."""

import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.translators.cut import FASTCUT, CUTConfig
from i2i_keras.translators.cycada import CyCADAConfig
from i2i_keras.translators.cyclegan import CycleGANConfig

ALL = pytest.mark.parametrize("kind", [CycleGANConfig, CUTConfig, CyCADAConfig])


def refused(kind, changes):
    with pytest.raises(SettingsError) as error:
        config.build(kind, changes)
    return str(error.value)


def test_the_defaults_of_cyclegan_are_those_of_its_paper():
    paper = CycleGANConfig()
    assert (paper.lambda_cycle, paper.lambda_identity, paper.pool_size) == (10.0, 5.0, 50)
    assert (paper.learning_rate, paper.beta_1, paper.pipeline.batch_size) == (2e-4, 0.5, 1)
    assert (paper.adversarial, paper.epochs, paper.constant_share) == ("lsgan", 200.0, 0.5)
    assert paper.schedule == "linear"


def test_the_defaults_of_cut_are_those_of_its_paper():
    paper = CUTConfig()
    assert (paper.lambda_nce, paper.lambda_identity) == (1.0, 1.0)
    assert (paper.temperature, paper.num_patches, paper.projection) == (0.07, 256, 256)
    assert (paper.adversarial, paper.pool_size, paper.pipeline.batch_size) == ("lsgan", 0, 1)
    assert (paper.learning_rate, paper.beta_1, paper.epochs) == (2e-4, 0.5, 400.0)


def test_fastcut_differs_in_four_settings():
    ours, fast = (c.model_dump() for c in (CUTConfig(), config.build(CUTConfig, FASTCUT)))
    changed = {name: value for name, value in fast.items() if value != ours[name]}
    assert changed == {
        "lambda_nce": 10.0,
        "lambda_identity": 0.0,
        "epochs": 200.0,
        "constant_share": 0.75,
    }


@ALL
def test_what_the_papers_do_not_do_is_off(kind):
    paper = kind()
    assert (paper.num_critic_steps, paper.penalties) == (1, {})
    assert paper.label_smoothing == paper.instance_noise == paper.ema == 0
    assert (paper.augment, paper.clip_norm, paper.discriminator_learning_rate) == ((), None, None)
    assert (paper.accumulate, paper.precision) == (1, "float32")
    assert getattr(paper, "cycle_ssim", 0.0) == 0.0


@ALL
@pytest.mark.parametrize(
    ("changes", "critic_steps", "penalties"),
    [
        ({"adversarial": "wgan_gp"}, 5, {"gradient_penalty": 10.0}),
        ({"adversarial": "wgan_gp", "critic_steps": 2, "gradient_penalty": 0.0}, 2, {}),
        ({"adversarial": "hinge"}, 1, {}),
        ({"critic_steps": 3, "gradient_penalty": 5.0}, 3, {"gradient_penalty": 5.0}),
        ({"r1": 2.0}, 1, {"r1": 2.0}),
    ],
)
def test_a_loss_brings_its_critic_steps_and_penalty_unless_told_otherwise(
    kind, changes, critic_steps, penalties
):
    settings = config.build(kind, changes)
    assert (settings.num_critic_steps, settings.penalties) == (critic_steps, penalties)


@ALL
def test_another_crop_leaves_the_batch_as_small_as_it_is(kind):
    assert config.build(kind, {"pipeline": {"crop": [64, 64]}}).pipeline.batch_size == 1


@ALL
def test_a_batch_norm_discriminator_is_fine_without_penalties(kind):
    norm = {"norm": "batch"}
    config.build(kind, {"adversarial": "wgan_gp", "gradient_penalty": 0.0, "discriminator": norm})


@ALL
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipeline": {"crop": [30, 32]}}, "pipeline.crop has to be a multiple of 4, the gen"),
        ({"pipeline": {"crop": [32, 20]}}, "pipeline.crop has to be 24 or more with so many dis"),
        (
            {"adversarial": "wgan"},
            "Setting 'adversarial': there is no 'wgan'. Did you mean 'wgan_gp'",
        ),
        (
            {"adversarial": "hinge", "label_smoothing": 0.1},
            "label_smoothing is for lsgan and bce; hinge has no target that could be smoothed",
        ),
        ({"adversarial": "wgan_gp", "label_smoothing": 0.1}, "label_smoothing is for lsgan and"),
        ({"adversarial": "wgan_gp", "discriminator": {"norm": "batch"}}, "gradient_penalty and r1"),
        ({"r1": 1.0, "discriminator": {"norm": "batch"}}, "gradient_penalty and r1 look at one"),
        ({"accumulate": 3, "pipeline": {"batch_size": 4}}, "accumulate has to divide pipeline.b"),
        (
            {"augment": ["colour"]},
            "Setting 'augment.0': there is no 'colour'. Did you mean 'color'",
        ),
        ({"ema": 1.0}, "Setting 'ema': "),
        ({"label_smoothing": -0.1}, "Setting 'label_smoothing': "),
        ({"critic_steps": 0}, "Setting 'critic_steps': "),
        ({"clip_norm": 0.0}, "Setting 'clip_norm': "),
        ({"schedule": "step"}, "Setting 'schedule': there is no 'step'; it is one of linear, c"),
        ({"precision": "float16"}, "Setting 'precision': there is no 'float16'. Did you mean"),
    ],
)
def test_what_does_not_go_together_is_refused(kind, changes, message):
    assert refused(kind, changes).startswith(message)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (
            CycleGANConfig,
            {
                "cycle_ssim": 0.5,
                "pipeline": {"crop": [8, 64]},
                "discriminator": {"num_downsamplings": 1},
            },
            "cycle_ssim needs a pipeline.crop",
        ),
        (CycleGANConfig, {"cycle_ssim": 1.1}, "Setting 'cycle_ssim': "),
        (CUTConfig, {"temperature": 0.0}, "Setting 'temperature': "),
        (CUTConfig, {"num_patches": 0}, "Setting 'num_patches': "),
        (CUTConfig, {"lambda_cycle": 1.0}, "No setting 'lambda_cycle'"),
    ],
)
def test_what_a_method_cannot_do_is_refused(kind, changes, message):
    assert refused(kind, changes).startswith(message)
