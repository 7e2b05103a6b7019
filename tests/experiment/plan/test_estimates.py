"""Seconds of stages, from passes that are given instead of measured."""

import pytest

from i2i_keras import config
from i2i_keras.experiment.plan.estimates import Estimates
from i2i_keras.experiment.plan.timing import Pass
from i2i_keras.experiment.settings import Settings

COUNTS = {
    **{"source-train": 100, "source-val": 10, "source-test": 10},
    **{"target-train": 200, "target-val": 20, "target-test": 30},
}
# A crop has a hundredth of a prepared image's pixels.
MEASURED = {
    "generator cyclegan": Pass(0.01, 0.0, 256),
    "generators cyclegan": Pass(0.01, 0.0, 256),
    "discriminators cyclegan": Pass(0.002, 0.0, 256),
    "segmenter": Pass(0.03, 0.0, 256),
    **{f"{name} cycada": Pass(0.01, 0.0, 256) for name in ("generator", "generators")},
    "discriminators cycada": Pass(0.002, 0.0, 256),
    **{f"{name} cut": Pass(0.01, 0.0, 256) for name in ("generator", "generators")},
    "discriminators cut": Pass(0.002, 0.0, 256),
    "encoder cut": Pass(0.005, 0.0, 256),
}
TINY = ("prepare.size=[160, 160]", "segmenter.pipeline.crop=[16, 16]", "segmenter.steps=50")


def estimates(*overrides, counts=COUNTS):
    settings = config.build(Settings, config.read("report", [*TINY, *overrides]))
    return Estimates(settings, counts, MEASURED)


def test_a_translator_takes_its_steps_times_its_passes():
    def seconds(steps):
        given = f"translator.cyclegan.steps={steps}"
        return estimates(given, "translator.cyclegan.checkpoint_every=1000").translator("cyclegan")

    assert seconds(4000) == pytest.approx(4 * seconds(1000))


def test_without_the_identity_loss_a_translator_takes_less():
    common = ("translator.cyclegan.steps=1000", "translator.cyclegan.lambda_cycle=10")
    with_it, without = (
        estimates(*common, f"translator.cyclegan.lambda_identity={w}").translator("cyclegan")
        for w in (5.0, 0.0)
    )
    assert without < with_it


def test_epochs_are_of_the_smaller_domain_and_whole_batches():
    found = estimates("translator.cyclegan.epochs=3", "translator.cyclegan.pipeline.batch_size=8")
    assert found.translator_steps("cyclegan") == 3 * (100 // 8)


def test_without_images_epochs_say_nothing_and_steps_do():
    blind = estimates("translator.cyclegan.epochs=3", counts={})
    assert blind.translator("cyclegan") is None
    assert blind.translation("cyclegan") is None
    assert estimates("translator.cyclegan.steps=3", counts={}).translator("cyclegan") > 0


def test_a_training_on_twice_as_many_images_has_twice_as_many_steps():
    found = estimates("segmenter.epochs=2", "segmenter.pipeline.batch_size=10")
    found.settings = found.settings.model_copy(
        update={"segmenter": found.settings.segmenter.model_copy(update={"steps": None})}
    )
    steps = [found.segmenter_steps(arm) for arm in ("source_only", "mixed:cyclegan", "oracle")]
    assert steps == [2 * 10, 2 * 20, 2 * 20]


def test_an_arm_whose_labels_are_made_safe_takes_two_looks_an_image_more():
    plain, safe = (estimates().segmenter(f"{kind}:cyclegan") for kind in ("adapted", "label_safe"))
    look = 0.03 * 100
    assert safe - plain == pytest.approx(2 * look * 110)


def test_self_training_trains_on_twice_as_many_images_and_has_a_teacher_look():
    plain, taught = (estimates(counts=COUNTS | {"source-val": 0}).segmenter(arm)
                     for arm in ("source_only", "self_training"))  # fmt: skip
    assert taught == pytest.approx(plain * 7 / 3)


def test_adabn_is_a_matter_of_the_targets_training_images():
    many, few = (
        estimates(counts=COUNTS | {"target-train": n}).segmenter("adabn:cyclegan") for n in (90, 30)
    )
    assert many == pytest.approx(3 * few)


def test_each_kept_state_is_scored_as_the_last_one_is():
    found = estimates()
    assert found.arm_scores(3) == pytest.approx(4 * found.arm_scores(0))


def test_windows_are_looked_at_one_by_one():
    # 160 x 160 in windows of 96: 3 x 3 of them, each 0.36 of the image.
    whole, windows = estimates(), estimates("evaluate.window=[96, 96]")
    assert windows.arm_scores(0) == pytest.approx(9 * 0.36 * whole.arm_scores(0))


@pytest.mark.parametrize("of", ["arm", "translator"])
def test_what_is_not_timed_is_not_known(of):
    arm, translator = (
        estimates(setting)
        for setting in ("prepare.native_labels=true", "evaluate.inception=imagenet")
    )
    found = {"arm": arm.arm_scores(0), "translator": translator.translator_scores("cyclegan")}
    assert found[of] is None
    plain = estimates()
    assert plain.arm_scores(0) > 0 and plain.translator_scores("cyclegan") > 0


def test_each_pass_of_a_network_is_built_and_traced():
    given = {**MEASURED, "generators cyclegan": Pass(0.01, 2.0, 256)}
    steps = ("translator.cyclegan.steps=100", "translator.cyclegan.lambda_identity=0")
    settings = config.build(Settings, config.read("report", [*TINY, *steps]))
    slow, fast = (Estimates(settings, COUNTS, m).translator("cyclegan") for m in (given, MEASURED))
    assert slow - fast == pytest.approx(2 * 3 * 2 * 2.0)  # Generators, trained, x and back.


def test_what_is_no_network_is_estimated_by_its_pixels():
    small, large = (
        estimates(f"prepare.size=[{side}, {side}]").translation("color") for side in (160, 320)
    )
    assert large == pytest.approx(4 * small)


def test_what_cycada_takes_besides_is_a_segmenter_before_and_after():
    crop = ("translator.cycada.pipeline.crop=[48, 48]", "translator.cycada.steps=100")
    with_it, without = (
        estimates(*crop, f"translator.cycada.lambda_semantic={weight}").translator("cycada")
        for weight in (1, 0)
    )
    # Two directions, each before, after and back; nine times 16 x 16.
    passes = 2 * 3 * 0.03 * 9
    assert with_it - without == pytest.approx(1.1 * 100 * passes)


def test_cuts_encoder_is_counted():
    steps = ("translator.cut.steps=100", "translator.cut.checkpoint_every=100")
    given = {**MEASURED, "encoder cut": Pass(0.006, 0.0, 256)}
    settings = config.build(Settings, config.read("report", [*TINY, *steps]))
    slow, fast = (Estimates(settings, COUNTS, m).translator("cut") for m in (given, MEASURED))
    assert slow - fast == pytest.approx(1.1 * 100 * 2 * 3 * 0.001)  # For x and for y.


def test_an_unknown_translator_is_not_guessed_at():
    found = estimates()
    assert found.translator("other") is None
    assert found.translation("other") is None
    assert found.translator_scores("other") is None
