import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.translators.cyclegan_config import CycleGANConfig


def build(**changes):
    return config.build(CycleGANConfig, changes)


def test_the_defaults_are_those_of_the_paper():
    paper = CycleGANConfig()
    assert (paper.lambda_cycle, paper.lambda_identity, paper.pool_size) == (10.0, 5.0, 50)
    assert (paper.learning_rate, paper.beta_1, paper.pipeline.batch_size) == (2e-4, 0.5, 1)
    assert (paper.adversarial, paper.epochs, paper.constant_share) == ("lsgan", 200.0, 0.5)
    assert paper.schedule == "linear"


def test_what_the_paper_does_not_do_is_off():
    paper = CycleGANConfig()
    assert (paper.num_critic_steps, paper.penalties) == (1, {})
    assert paper.label_smoothing == paper.cycle_ssim == paper.instance_noise == paper.ema == 0
    assert (paper.augment, paper.clip_norm, paper.discriminator_learning_rate) == ((), None, None)
    assert (paper.accumulate, paper.precision) == (1, "float32")


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
    changes, critic_steps, penalties
):
    settings = build(**changes)
    assert (settings.num_critic_steps, settings.penalties) == (critic_steps, penalties)


def test_another_crop_leaves_the_batch_as_small_as_it_is():
    assert build(pipeline={"crop": [64, 64]}).pipeline.batch_size == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipeline": {"crop": [30, 32]}}, "pipeline.crop has to be a multiple of 4, the gen"),
        ({"pipeline": {"crop": [32, 20]}}, "pipeline.crop has to be 24 or more with so many dis"),
        (
            {"adversarial": "wgan"},
            "Setting 'adversarial': no adversarial loss 'wgan'. Did you mean 'wgan_gp'",
        ),
        (
            {"adversarial": "hinge", "label_smoothing": 0.1},
            "label_smoothing is for lsgan and bce; hinge has no target that could be smoothed",
        ),
        ({"adversarial": "wgan_gp", "label_smoothing": 0.1}, "label_smoothing is for lsgan and"),
        ({"adversarial": "wgan_gp", "discriminator": {"norm": "batch"}}, "gradient_penalty and r1"),
        ({"r1": 1.0, "discriminator": {"norm": "batch"}}, "gradient_penalty and r1 look at one"),
        (
            {
                "cycle_ssim": 0.5,
                "pipeline": {"crop": [8, 64]},
                "discriminator": {"num_downsamplings": 1},
            },
            "cycle_ssim needs a pipeline.crop",
        ),
        ({"accumulate": 3, "pipeline": {"batch_size": 4}}, "accumulate has to divide pipeline.b"),
        (
            {"augment": ["colour"]},
            "Setting 'augment.0': there is no 'colour'. Did you mean 'color'",
        ),
        ({"ema": 1.0}, "Setting 'ema': "),
        ({"cycle_ssim": 1.1}, "Setting 'cycle_ssim': "),
        ({"label_smoothing": -0.1}, "Setting 'label_smoothing': "),
        ({"critic_steps": 0}, "Setting 'critic_steps': "),
        ({"clip_norm": 0.0}, "Setting 'clip_norm': "),
        ({"schedule": "step"}, "Setting 'schedule': there is no 'step'; it is one of linear, c"),
        ({"precision": "float16"}, "Setting 'precision': there is no 'float16'. Did you mean"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, message):
    with pytest.raises(SettingsError) as error:
        build(**changes)
    assert str(error.value).startswith(message)


def test_a_batch_norm_discriminator_is_fine_without_penalties():
    build(adversarial="wgan_gp", gradient_penalty=0.0, discriminator={"norm": "batch"})
