import os

import pydantic
import pytest

from i2i_keras import config
from i2i_keras.datasets.spaces import SpaceClass
from i2i_keras.errors import SettingsError
from i2i_keras.experiment.settings import Settings


def build(*overrides, preset="demo"):
    return config.build(Settings, config.read(preset, overrides))


def refused(*overrides, preset="demo"):
    """The one sentence that a user reads."""
    with pytest.raises(SettingsError) as error:
        build(*overrides, preset=preset)
    return str(error.value)


# --- Presets ----------------------------------------------------------------


@pytest.mark.parametrize("preset", config.names_in("presets"))
def test_every_preset_is_valid(preset):
    assert build(preset=preset).methods


def test_the_named_presets_are_there():
    assert {"demo", "student_report", "cyclegan_paper"} <= set(config.names_in("presets"))


def test_the_report_preset_is_the_reports_experiment():
    settings = build(preset="student_report")
    assert (settings.source.format, settings.source.split) == ("cityscapes", "report")
    assert settings.target.format == "gta5"
    assert settings.prepare.label_space == "cityscapes34"
    assert settings.prepare.size == (280, 560)
    assert settings.prepare.image_resize == "nearest"
    segmenter = settings.segmenter
    assert (segmenter.pipeline.batch_size, segmenter.pipeline.crop) == (32, (256, 256))
    assert (segmenter.epochs, segmenter.steps, segmenter.unet.l2) == (15, None, 0.01)
    assert settings.translator.cyclegan.generator.norm == "batch"


@pytest.mark.parametrize("preset", ["synthia_to_cityscapes", "cityscapes_to_acdc"])
def test_presets_of_other_pairs_have_the_strong_recipe(preset):
    strong, other = build(preset="gta5_to_cityscapes"), build(preset=preset)
    for part in ("segmenter", "translator", "prepare"):
        assert getattr(other, part) == getattr(strong, part)
    assert {*strong.arms} < {*other.arms}
    assert other.target.split == "val_as_test"  # Test labels are withheld.


def test_the_paper_preset_is_the_papers_training():
    paper = build(preset="cyclegan_paper").translator.cyclegan
    assert (paper.lambda_cycle, paper.lambda_identity, paper.pool_size) == (10.0, 5.0, 50)
    assert (paper.learning_rate, paper.beta_1, paper.constant_share) == (2e-4, 0.5, 0.5)
    assert (paper.pipeline.batch_size, paper.epochs) == (1, 200)
    assert (paper.generator.num_residual_blocks, paper.generator.norm) == (9, "instance")


def test_a_misspelled_preset_is_answered_with_the_right_one():
    message = refused(preset="dmeo")
    assert message.startswith("No preset 'dmeo'. Did you mean 'demo'? There are ")
    assert all(name in message for name in config.names_in("presets"))


def test_a_preset_can_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('seed = 3\narms = ["oracle"]\n[segmenter]\nsteps = 7\n', "utf-8")
    settings = build(preset=str(path))
    assert (settings.seed, settings.arms, settings.segmenter.steps) == (3, ("oracle",), 7)


def test_a_missing_preset_file_is_named():
    assert refused(preset="no/such.toml") == (
        "no/such.toml cannot be read: No such file or directory; check its name."
    )


def test_broken_toml_is_named_with_its_line(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("seed = 1\narms = [\n", "utf-8")
    assert refused(preset=str(path)).startswith(f"{path} is not valid TOML: ")


# --- Overrides --------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed=4", 4),
        ("rate = 4e-4", 4e-4),
        ("flip=false", False),
        ("crop=[64, 32]", [64, 32]),
        ('name="two words"', "two words"),
        ("name=a bare = string", "a bare = string"),
        ("name=adapted:cyclegan", "adapted:cyclegan"),
        ("name=/data/gta5", "/data/gta5"),
        ("table={a = 1}", {"a": 1}),
        ("name=", ""),
    ],
)
def test_an_override_is_toml_or_else_a_string(override, expected):
    table = {}
    table |= config.read("demo", [f"new.{override}"])["new"]
    assert list(table.values()) == [expected]


def test_overrides_reach_any_depth_and_leave_the_rest():
    settings = build("translator.cyclegan.generator.filters=6", "prepare.label_space=cityscapes34")
    assert settings.translator.cyclegan.generator.filters == 6
    assert settings.prepare.label_space == "cityscapes34"
    rest = build()
    assert settings.segmenter == rest.segmenter
    assert settings.translator.cyclegan.steps == rest.translator.cyclegan.steps


def test_the_last_override_wins():
    assert build("segmenter.steps=5", "segmenter.steps=9").segmenter.steps == 9


def test_reading_twice_starts_from_the_preset_again():
    assert build("seed=5").seed == 5
    assert build().seed == 0


@pytest.mark.parametrize("override", ["seed", "=3", "segmenter.=3", ".steps=3"])
def test_an_override_without_key_or_value_is_refused(override):
    assert refused(override) == f"--set takes dotted.key=value; got {override!r}."


def test_an_override_below_a_value_is_refused():
    assert refused("seed.of=3") == (
        "--set seed.of=3: 'seed' is a value, not a table; set seed itself."
    )


# --- What is refused --------------------------------------------------------


def test_an_unknown_setting_is_named_with_a_suggestion():
    message = refused("translator.cyclegan.lamda_cycle=3")
    assert message.startswith(
        "No setting 'translator.cyclegan.lamda_cycle'."
        " Did you mean 'translator.cyclegan.lambda_cycle'? Settings: "
    )


def test_an_unknown_table_is_named_with_a_suggestion():
    assert refused("segmentr.steps=3").startswith(
        "No setting 'segmentr'. Did you mean 'segmenter'? Settings: seed, seeds, deterministic, "
    )


def test_an_unknown_method_is_a_setting_that_is_not_there():
    assert refused("translator.cyclegam.steps=3").startswith(
        "No setting 'translator.cyclegam'. Did you mean 'translator.cyclegan'?"
    )


def test_nothing_like_it_gives_no_suggestion():
    assert refused("streets.zzz=3").startswith("No setting 'streets.zzz'. Settings: num_train, ")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("segmenter.steps=many", "'segmenter.steps': it has to be a whole number, not 'many'."),
        ("segmenter.steps=2.5", "'segmenter.steps': it has to be a whole number, not 2.5."),
        ("segmenter.steps=true", "'segmenter.steps': it has to be a whole number, not True."),
        ("seed={a=1}", "'seed': it has to be a whole number."),
        ("arms=[1]", "'arms.0': it has to be a text, not 1."),
        ('prepare.size=["a", 2]', "'prepare.size.0': it has to be a whole number, not 'a'."),
        (
            "streets=3",
            "'streets': it has to be a table of settings, not 3; give one of them by its name,"
            " streets.NAME: num_train, num_val, num_test, camera_size, game_size, seed.",
        ),
        (
            "translator=cut",
            "'translator': it has to be a table of settings, not 'cut'; give one of them by its"
            " name, translator.NAME: cyclegan, cycada, cut, color, fourier.",
        ),
    ],
)
def test_a_wrong_type_is_refused_by_name(override, message):
    assert refused(override) == f"Setting {message}"


@pytest.mark.parametrize(
    ("override", "what", "right"),
    [
        ("arms=oracle", "a list, not 'oracle'", 'arms=["oracle"]'),
        ("arms=oracle, adabn", "a list, not 'oracle, adabn'", 'arms=["oracle", "adabn"]'),
        ("seeds=1", "a list, not 1", "seeds=[1]"),
        ("seeds=1,2", "a list, not '1,2'", "seeds=[1, 2]"),
        ("prepare.size=256", "a list, not 256", "prepare.size=[256, 256]"),
        ("prepare.size=128x256", "a list, not '128x256'", "prepare.size=[128, 256]"),
        ("prepare.size=128-256", "a list, not '128-256'", "prepare.size=[128, 256]"),
        ("prepare.size=[96]", "a list of 2, not [96]", "prepare.size=[96, 96]"),
        ("prepare.size=[9, 8, 7]", "a list of 2, not [9, 8, 7]", "prepare.size=[9, 8]"),
        ("evaluate.window=64", "a list, not 64", "evaluate.window=[64, 64]"),
        ("segmenter.pipeline.flip=yes", "true or false, not 'yes'", "segmenter.pipeline.flip=true"),
        ("segmenter.pipeline.flip=0", "true or false, not 0", "segmenter.pipeline.flip=false"),
        ("segmenter.steps=10,000", "a whole number, not '10,000'", "segmenter.steps=10000"),
        ("segmenter.dice=1,5", "a number, not '1,5'", "segmenter.dice=1.5"),
        ("segmenter.dice=2,5e-4", "a number, not '2,5e-4'", "segmenter.dice=0.00025"),
        ('seed="3"', "a whole number, not '3'", "seed=3"),
        ("source.root=5", "a text, not 5", 'source.root="5"'),
        ("translator.cut.augment=color", "a list, not 'color'", 'translator.cut.augment=["color"]'),
    ],
)
def test_a_value_that_is_written_wrong_is_answered_with_the_right_way(override, what, right):
    name = override.partition("=")[0]
    assert refused(override) == (
        f"Setting {name!r}: it has to be {what}; write it as --set '{right}'."
    )
    try:
        build(right)
    except SettingsError as error:  # Its form is right, whatever else is not.
        assert "it has to be" not in str(error)


@pytest.mark.parametrize("given", ["[source_only,oracle]", "[source_only,oracle"])
def test_quotes_that_a_shell_has_taken_away_are_missed(given):
    assert refused(f"arms={given}") == (
        f"Setting 'arms': it has to be a list, not '{given}'; write it as"
        ' --set \'arms=["source_only", "oracle"]\', in single quotes, without which a shell'
        " takes the double ones away."
    )


@pytest.mark.parametrize("given", ["", "large", "{a=1}", "[]"])
def test_a_size_that_cannot_be_guessed_is_answered_with_the_usual_one(given):
    assert refused(f"prepare.size={given}").endswith("""; e.g. --set 'prepare.size="auto"'.""")


def test_in_a_file_a_list_is_written_as_in_a_file():
    with pytest.raises(SettingsError) as error:
        config.build(SpaceClass, {"name": "sky", "color": 3})
    assert str(error.value) == (
        "Setting 'color': it has to be a list, not 3; write it as color = [3, 3, 3]."
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("translator.cut.schedule=linaer", "no 'linaer'. Did you mean 'linear'? It is one of lin"),
        ("translator.cut.generator.norm=Batch", "no 'Batch'. Did you mean 'batch'? It is one of"),
        ('translator.cut.augment=["colour"]', "no 'colour'. Did you mean 'color'? It is one of c"),
        ("translator.cut.generator.outer_kernel=4", "no 4; it is one of 3, 5, 7."),
        ("segmenter.network=unt", "no 'unt'. Did you mean 'unet'? It is one of unet, mobile_unet."),
        ("segmenter.schedule=pony", "no 'pony'. Did you mean 'poly'? It is one of linear, con"),
        ("segmenter.class_weighting=all", "no 'all'; it is one of none, inverse_log."),
        ("segmenter.mobile_unet.weights=imagent", "no weights 'imagent'. Did you mean 'imagenet'"),
        ("translator.cut.adversarial=lsgna", "there is no 'lsgna'. Did you mean 'lsgan'?"),
        ("prepare.label_space=cityscape19", "no label space 'cityscape19'. Did you mean 'citysca"),
        ("source.format=GTA5", "no data set 'GTA5'. Did you mean 'gta5'? There are cityscapes, gt"),
        ("source.split=oficial", "cityscapes has no split 'oficial'. Did you mean 'official'? Th"),
        ("source.encoding=id", "cityscapes has no encoding 'id'. Did you mean 'ids'? There are id"),
        ('arms=["orakle"]', "no arm 'orakle'. Did you mean 'oracle'? Arms are source_only, oracle"),
        ('arms=["adapted:cyclgan"]', "no arm 'adapted:cyclgan'. Did you mean 'adapted:cyclegan'?"),
        ('arms=["mixed:cut+color"]', "no arm 'mixed:cut+color'. Did you mean 'mixed:"),
        ('translators=["cut+color"]', "no translator 'cut+color'. Did you mean '"),
    ],
)
def test_a_misspelled_value_is_answered_with_the_right_one(override, message):
    assert message in refused(override)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=-1", "Setting 'seed': it has to be greater than or equal to 0; got -1."),
        ("seed=4294967296", "Setting 'seed': it has to be less than 4294967296; got 4294967"),
        (
            "evaluate.num_quality_images=1",
            "Setting 'evaluate.num_quality_images': one image has no",
        ),
        ("segmenter.steps=0", "Setting 'segmenter.steps': it has to be greater than 0; got 0."),
        ("translator.cyclegan.lambda_cycle=-1", "Setting 'translator.cyclegan.lambda_cycle': "),
        ("translator.cyclegan.beta_1=1.0", "Setting 'translator.cyclegan.beta_1': "),
        ("translator.cyclegan.adversarial=wgan", "Setting 'translator.cyclegan.adversarial': "),
        ("prepare.label_space=coco", "Setting 'prepare.label_space': no label space 'coco'; "),
        ("prepare.size=[96]", "Setting 'prepare.size"),
        ("source.format=coco", "Setting 'source': no data set 'coco'; there are cityscapes"),
        (
            "source.split=mine",
            "Setting 'source': cityscapes has no split 'mine'; there are official",
        ),
        ("streets.camera_size=[64, 100]", "Setting 'streets.camera_size.1': it has to be great"),
        (
            "segmenter.pipeline.crop=[96, 120]",
            "Setting 'segmenter': pipeline.crop has to be a multiple of 16 for this network.",
        ),
        (
            "translator.cyclegan.pipeline.crop=[63, 64]",
            "Setting 'translator.cyclegan': pipeline.crop has to be a multiple of 2, the gen",
        ),
        (
            "evaluate.window=[96, 120]",
            "evaluate.window is 96 x 120, but this segmenter needs multiples of 16; change it",
        ),
        ("evaluate.window=[0, 16]", "Setting 'evaluate.window.0': it has to be greater than 0"),
        ('arms=["target_only"]', "Setting 'arms': no arm 'target_only'. "),
        ('arms=["adapted:cat"]', "Setting 'arms': no arm 'adapted:cat'. "),
        (
            'arms=["label_safe:cyclegan", "oracle"]',
            "Setting 'arms': label_safe looks through the eyes of source_only; name that, too",
        ),
        (
            'arms=["adapted:cycada", "oracle"]',
            "cycada keeps what source_only sees; name that arm, too.",
        ),
        (
            "translator.cycada.semantic_directions=[]",
            "Setting 'translator.cycada.semantic_directions': name xy, yx or both, each once; for",
        ),
        ('translator.cycada.semantic_directions=["xx"]', "Setting 'translator.cycada.semantic_"),
        ('arms=["label_safe:cat", "source_only"]', "Setting 'arms': no arm 'label_safe:cat'. "),
        ('arms=["self_training:cat"]', "Setting 'arms': no arm 'self_training:cat'. "),
        ("self_training.threshold=2", "Setting 'self_training.threshold': it has to be less"),
        ('arms=["oracle", "oracle"]', "Setting 'arms': an arm is named twice"),
        ("arms=[]", "name at least one arm, or a method in translators"),
        ("seeds=[3]", "Setting 'seeds': one training has no spread; set seed instead"),
    ],
)
def test_an_impossible_value_is_refused_by_name(override, message):
    assert refused(override).startswith(message)


def test_crops_that_the_segmenter_cannot_see_are_refused_where_a_translator_needs_it():
    crop = "translator.cycada.pipeline.crop=[64, 72]"
    assert build(crop).translator.cycada.pipeline.crop == (64, 72)
    table = config.read("demo", ['arms=["source_only", "adapted:cycada"]', crop])
    message = "translator.cycada.pipeline.crop is 64 x 72, but the segmenter source_only needs"
    with pytest.raises(SettingsError, match=f"^{message} multiples of 16; change it.$"):
        config.build(Settings, table)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("name", ["translator.cyclegan.lambda_cycle", "segmenter.learning_rate"])
def test_a_number_has_to_be_finite(name, value):
    assert refused(f"{name}={value}").startswith(f"Setting '{name}': it has to be ")


def test_a_setting_without_default_is_asked_for(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[source]\nroot = 'somewhere'\n", "utf-8")
    assert refused(preset=str(path)) == "Setting 'source.format' is needed."


def test_a_whole_number_does_for_a_real_one():
    assert build("translator.cyclegan.lambda_cycle=3").translator.cyclegan.lambda_cycle == 3.0


def test_settings_are_frozen():
    settings = build()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.seed = 1
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.segmenter.unet.filters = 1


def test_settings_survive_a_round_trip_through_json():
    settings = build("prepare.image_resize=nearest")
    assert config.build(Settings, settings.model_dump(mode="json")) == settings


def test_methods_are_those_of_the_arms_once_each():
    arms = 'arms=["mixed:cyclegan", "source_only", "adapted:cyclegan"]'
    assert build(arms).methods == ["cyclegan"]
    assert build('arms=["source_only"]').methods == []


def test_a_preset_is_found_by_its_former_name():
    assert config.read("report") == config.read("student_report")
    assert "report" not in config.names_in("presets")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "its tables or lists are too deep"),
        ("a = 1" + "0" * 5000, "is not valid TOML"),
        ("#" * 2**24 + "#", "has 16 MB; check its name"),
    ],
)
def test_files_of_settings_that_no_one_writes_end_in_one_sentence(tmp_path, text, told):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        config.read_toml(tmp_path / "a.toml")


def test_a_pipe_is_no_file_of_settings(tmp_path):
    os.mkfifo(tmp_path / "a.toml")
    with pytest.raises(SettingsError, match=r"a\.toml is no regular file; give a TOML file"):
        config.read_toml(tmp_path / "a.toml")


def test_an_override_that_is_too_deep_is_a_word():
    assert config.override({}, ["a=" + "[" * 5000])["a"].startswith("[[")
