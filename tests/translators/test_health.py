import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.run_folder import files
from i2i_keras.translators import health
from i2i_keras.translators.cyclegan import CycleGANConfig, fit
from i2i_keras.translators.health import diagnose, discriminator_signals

RNG = np.random.default_rng(0)

# The last rows of a healthy training of preset `demo`.
HEALTHY = {
    "adversarial_xy": 0.29,
    "adversarial_yx": 0.57,
    "discriminator_accuracy_x": 0.86,
    "discriminator_accuracy_y": 0.62,
    "change_xy": 0.2,
    "change_yx": 0.18,
    "style_distance_xy": 0.71,
    "style_distance_yx": 0.73,
    "luminance_correlation_xy": 0.92,
    "luminance_correlation_yx": 0.96,
    "diversity_xy": 1.36,
    "diversity_yx": 0.91,
    "checkerboard_xy": 4.2,
    "checkerboard_yx": 5.4,
}
# What makes each illness out of it, and a word of its warning.
ILL = {
    "won": ({"discriminator_accuracy_x": 0.98}, "Discriminator x has won"),
    "given up": (
        {"discriminator_accuracy_y": 0.45, "style_distance_xy": 0.99},
        "y has given up",
    ),
    "copies": ({"change_xy": 0.006, "style_distance_xy": 1.0}, "xy copies its input"),
    "inverts": ({"luminance_correlation_yx": -0.9}, "yx inverts brightness"),
    "collapsed": ({"diversity_xy": 0.02}, "xy has collapsed"),
    "checkerboard": ({"checkerboard_yx": 30.0}, "yx draws a checkerboard"),
}


def rows(*changes):
    """A row of a healthy training for each change of it."""
    return [{"step": 100 * k, **HEALTHY, **change} for k, change in enumerate(changes, start=1)]


def texts(history):
    return [warning.text for warning in diagnose(history)]


# --- Signals of a step ------------------------------------------------------


def numbers(adversarial, real, fake):
    signals = discriminator_signals(adversarial, tf.constant(real), tf.constant(fake))
    return {name: float(value) for name, value in signals.items()}


def test_means_are_those_of_the_logits():
    found = numbers("lsgan", [0.9, 0.7], [0.2, -0.4])
    assert found["discriminator_real"] == pytest.approx(0.8)
    assert found["discriminator_fake"] == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("adversarial", "boundary"), [("lsgan", 0.5), ("bce", 0.0), ("hinge", 0.0), ("wgan_gp", 30.0)]
)
def test_accuracy_is_the_share_on_the_right_side_of_the_boundary(adversarial, boundary):
    # Three of four reals above it, all fakes below; 30 lies amid the means.
    real = np.float32([1, 1, 2, -1]) + boundary
    fake = np.float32([-1, -1, -0.5, -0.5]) + boundary
    assert numbers(adversarial, real, fake)["discriminator_accuracy"] == pytest.approx(7 / 8)


@pytest.mark.parametrize("adversarial", ["lsgan", "wgan_gp"])
def test_a_discriminator_that_says_always_the_same_is_no_better_than_chance(adversarial):
    found = numbers(adversarial, [0.5] * 4, [0.5] * 4)
    assert (found["discriminator_accuracy"], found["balance"]) == (0.5, 0.5)


def test_balance_is_the_area_under_the_roc_curve_whatever_the_scale():
    real, fake = RNG.normal(1.0, 1.0, (2, 20_000)).astype(np.float32) - [[0.0], [1.0]]
    expected = 0.7602  # Phi(1 / sqrt(2)).
    for scale, shift in ((1.0, 0.0), (0.01, 7.0)):
        balance = numbers("wgan_gp", scale * real + shift, scale * fake + shift)["balance"]
        assert balance == pytest.approx(expected, abs=0.01)


def test_change_is_in_units_of_images():
    before = tf.zeros((1, 2, 2, 3), tf.bfloat16)
    assert float(health.change(before, before + 0.5)) == 0.5


# --- The diagnosis ----------------------------------------------------------


def test_a_healthy_history_gives_no_warning():
    assert diagnose(rows(*[{}] * 9)) == []


@pytest.mark.parametrize("illness", ILL)
def test_each_illness_has_its_warning_and_no_other(illness):
    change, words = ILL[illness]
    [warning] = diagnose(rows(*[{}] * 6, *[change] * 3))
    assert words in warning.text
    assert warning.kind.endswith(illness)


@pytest.mark.parametrize("illness", ILL)
def test_a_sign_must_hold_for_three_rows(illness):
    change, _ = ILL[illness]
    assert diagnose(rows(*[{}] * 7, *[change] * 2)) == []
    assert diagnose(rows(*[{}] * 6, change, {}, change)) == []


@pytest.mark.parametrize("illness", ILL)
def test_a_sign_that_is_unknown_is_none(illness):
    change, _ = ILL[illness]
    unknown = dict.fromkeys(change, float("nan"))
    assert diagnose(rows(*[{}] * 6, *[unknown] * 3)) == []
    assert diagnose([{"step": k} for k in range(9)]) == []


def test_both_directions_are_told_apart():
    change = {"diversity_xy": 0.0, "diversity_yx": 0.0}
    kinds = [warning.kind for warning in diagnose(rows(*[change] * 3))]
    assert kinds == ["generator_xy collapsed", "generator_yx collapsed"]


def test_a_discriminator_that_is_right_while_the_generator_gains_has_not_won():
    change = {"discriminator_accuracy_x": 0.98, "adversarial_yx": 0.3}
    assert diagnose(rows(*[{}] * 6, *[change] * 3)) == []


def test_a_victory_needs_rows_to_compare_with():
    change = {"discriminator_accuracy_x": 0.98}
    assert diagnose(rows(*[change] * 5)) == []
    assert len(diagnose(rows(*[change] * 6))) == 1


def test_a_discriminator_that_is_fooled_by_good_translations_has_not_given_up():
    change = {"discriminator_accuracy_y": 0.5, "style_distance_xy": 0.4}
    assert diagnose(rows(*[{}] * 6, *[change] * 3)) == []


def test_a_discriminator_may_take_its_time_to_begin():
    change = {"discriminator_accuracy_y": 0.5, "style_distance_xy": 1.0}
    assert diagnose(rows(*[change] * 5)) == []
    assert len(diagnose(rows(*[change] * 6))) == 1


def test_a_small_change_that_suffices_is_no_copy():
    change = {"change_xy": 0.01, "style_distance_xy": 0.3}
    assert diagnose(rows(*[change] * 3)) == []


def test_a_warning_gives_its_numbers():
    history = rows({}, {}, {}, *[{"discriminator_accuracy_x": 0.98, "adversarial_yx": 0.8}] * 3)
    [text] = texts(history)
    assert "it tells 98% of real and fake apart" in text
    assert "does not fall (0.57 before, 0.8 now)" in text


@pytest.mark.parametrize("illness", ILL)
def test_every_setting_that_a_warning_names_exists(illness):
    [text] = texts(rows(*[{}] * 6, *[ILL[illness][0]] * 3))
    advice = text.rpartition("Lower ")[2] if "Lower " in text else text
    named = set(re.findall(r"(?:generator|discriminator)\.\w+|\b[a-z0-9]+_\w+|\br1\b", advice))
    named -= {"generator_xy", "generator_yx"}
    assert named
    for name in named:
        table = CycleGANConfig
        for part in name.split("."):
            assert part in table.model_fields, name
            table = table.model_fields[part].annotation


# --- Trainings made to be ill -----------------------------------------------


@pytest.fixture(scope="module")
def domains(tmp_path_factory):
    """Gray blobs, and blobs in color under faint stripes, of 32 x 32 pixels."""
    rng = np.random.default_rng(0)
    stripes = 0.08 * np.sign(np.sin(1.1 * np.arange(32)))[:, np.newaxis]

    def blobs():
        coarse = rng.normal(size=(24, 4, 4, 1)).astype(np.float32)
        return np.tanh(tf.image.resize(coarse, (32, 32), "bicubic").numpy())

    def write(name, images):
        folder = tmp_path_factory.mktemp(name)
        paths = [folder / f"{number:02d}.png" for number in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            Image.fromarray((127.5 * (image + 1)).clip(0, 255).astype(np.uint8)).save(path)
        return paths

    x, y = blobs(), blobs()
    colored = np.concatenate([y, 0.3 * y + 0.3, -0.5 * y], axis=-1)
    return write("x", 0.8 * x.repeat(3, axis=-1)), write("y", 0.8 * colored + stripes)


def train(domains, folder, seed=3, **changes):
    """The warnings and the history of a training of a quarter of a minute."""
    table = {
        "generator": {
            "filters": 8,
            "num_downsamplings": 1,
            "num_residual_blocks": 1,
            "outer_kernel": 3,
            "upsampling": "resize",
        },
        "discriminator": {"filters": 16, "num_downsamplings": 2, "norm": "none"},
        "pipeline": {"batch_size": 4, "crop": [32, 32]},
        "pool_size": 16,
        "lambda_identity": 0.0,
        "learning_rate": 1e-4,
        "constant_share": 1.0,
        "steps": 150,
        "checkpoint_every": 15,
    }
    settings = config.build(CycleGANConfig, table | changes)
    told = fit(settings, *domains, folder, seed)["warnings"]
    history = [
        {name: float(value) for name, value in row.items()}
        for row in files.read_table(folder / "history.csv")
    ]
    return told, history


@pytest.fixture(scope="module")
def healthy(domains, tmp_path_factory):
    return train(domains, tmp_path_factory.mktemp("healthy"))


@pytest.mark.slow
def test_a_healthy_training_gives_no_warning(healthy):
    assert healthy[0] == []


@pytest.mark.slow
def test_discriminators_of_twenty_times_the_rate_win(domains, healthy, tmp_path):
    told, history = train(domains, tmp_path, steps=225, discriminator_learning_rate=20 * 1e-4)
    assert any("has won" in text for text in told), told
    # By its own signals: they are right more often, and the generators lose.
    for name in ("discriminator_accuracy_x", "adversarial_xy", "adversarial_yx"):
        assert history[-1][name] > healthy[1][-1][name]


@pytest.mark.slow
def test_without_an_identity_loss_a_seed_may_turn_bright_into_dark(domains, tmp_path):
    # Blobs are as good in negative; of four seeds, one took that way.
    told, _ = train(domains, tmp_path, seed=1, steps=45)
    assert any("inverts brightness" in text for text in told), told


@pytest.mark.slow
def test_a_generator_with_nothing_to_gain_from_a_change_copies(domains, tmp_path):
    told, _ = train(
        domains,
        tmp_path,
        lambda_identity=100.0,
        lambda_cycle=100.0,
        generator={
            "filters": 8,
            "num_downsamplings": 1,
            "num_residual_blocks": 1,
            "outer_kernel": 3,
            "upsampling": "resize",
            "skip": True,
        },
    )
    assert any("copies its input" in text for text in told), told


@pytest.mark.slow
def test_transposed_convolutions_draw_a_checkerboard(domains, tmp_path):
    told, _ = train(
        domains,
        tmp_path,
        generator={
            "filters": 8,
            "num_downsamplings": 2,
            "num_residual_blocks": 1,
            "outer_kernel": 3,
            "upsampling": "transposed",
        },
    )
    assert any("draws a checkerboard" in text for text in told), told


def test_an_ill_training_tells_it_in_its_results(domains, tmp_path):
    """Three rows of a generator that has learned nothing yet: a copy."""
    told, _ = train(
        domains,
        tmp_path,
        learning_rate=1e-9,
        steps=3,
        checkpoint_every=1,
        generator={
            "filters": 2,
            "num_downsamplings": 1,
            "num_residual_blocks": 0,
            "outer_kernel": 3,
            "skip": True,
            "upsampling": "resize",
        },
        discriminator={"filters": 2, "num_downsamplings": 1},
    )
    assert [text.partition(":")[0] for text in told] == ["step 3", "step 3"]
    assert "Generator xy copies its input" in told[0]
