"""The table of settings that all methods get."""

import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.experiment import run_settings
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

ADVERSARIAL = ("cyclegan", "cycada", "cut")


@pytest.fixture
def preset(tmp_path):
    """Writes a preset of the translators; returns its path."""

    def write(text):
        path = tmp_path / "own.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def built(preset, *overrides):
    return config.build(Settings, config.read(preset, overrides)).translator


def refused(preset, *overrides):
    with pytest.raises(SettingsError) as error:
        built(preset, *overrides)
    return str(error.value)


def of_each(translator, name):
    return [getattr(getattr(translator, method), name) for method in ADVERSARIAL]


def test_each_method_that_has_a_setting_gets_it(preset):
    found = built(preset("[translator.defaults]\nsteps = 5\nlambda_cycle = 2.0\nprojection = 8\n"))
    assert of_each(found, "steps") == [5, 5, 5]
    assert (found.cyclegan.lambda_cycle, found.cycada.lambda_cycle) == (2.0, 2.0)
    assert found.cut.projection == 8
    assert found.color == type(found.color)()


def test_a_methods_own_table_comes_first_key_by_key(preset):
    found = built(
        preset("""
        [translator.cut]
        steps = 7
        generator = {filters = 3}
        [translator.defaults]
        steps = 5
        generator = {filters = 2, num_residual_blocks = 4}
        """)
    )
    assert of_each(found, "steps") == [5, 5, 7]
    networks = of_each(found, "generator")
    assert [network.filters for network in networks] == [2, 2, 3]
    assert [network.num_residual_blocks for network in networks] == [4, 4, 4]


def test_it_can_be_set_on_the_command_line(preset):
    path = preset("")
    assert of_each(built(path, "translator.defaults.steps=5"), "steps") == [5, 5, 5]
    both = ("translator.defaults.steps=5", "translator.cut.steps=9")
    assert of_each(built(path, *both), "steps") == [5, 5, 9]
    assert of_each(built("demo", *reversed(both)), "steps") == [5, 5, 9]


def test_what_a_preset_says_of_one_method_is_not_silently_kept(preset):
    path = preset("[translator.cut]\nsteps = 7\ngenerator.filters = 3\n")
    assert refused(path, "translator.defaults.steps=5") == (
        "--set translator.defaults.steps does not change what has a value of its own here;"
        " set translator.cut.steps, too."
    )
    assert "set translator.cut.generator.filters, too" in refused(
        path, "translator.defaults.generator={filters=5}"
    )
    both = ("translator.defaults.steps=5", "translator.cut.steps=7")
    assert of_each(built(path, *both), "steps") == [5, 5, 7]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "stepz=5",
            "No setting 'translator.defaults.stepz': none of cyclegan, cycada, cut, color, fourier"
            " has one. Did you mean 'translator.defaults.steps'?",
        ),
        (
            "generator.filterz=5",
            "No setting 'translator.defaults.generator.filterz': none of cyclegan, cycada, cut,"
            " color, fourier has one. Did you mean 'translator.defaults.generator.filters'?",
        ),
        ("generatr={}", "No setting 'translator.defaults.generatr': none of "),
        ("steps=x", "Setting 'translator.defaults.steps': it has to be a whole number, not 'x'."),
        ("pipeline.crop=96", "Setting 'translator.defaults.pipeline.crop': it has to be a list"),
        ("adversarial=gan", "Setting 'translator.defaults.adversarial': there is no 'gan'"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_that_was_written(preset, override, message):
    assert refused(preset(""), f"translator.defaults.{override}").startswith(message)


def test_a_value_is_no_table(preset):
    assert refused(preset("translator.defaults = 3")) == (
        "Setting 'translator.defaults': it has to be a table of settings, not 3."
    )


def test_tables_of_other_kinds_have_no_defaults(preset):
    assert refused(preset("[segmenter.defaults]\nsteps = 3")).startswith(
        "No setting 'segmenter.defaults'."
    )


def test_a_run_keeps_what_came_of_it(preset, tmp_path):
    settings = config.build(Settings, config.read(preset("[translator.defaults]\nsteps = 5\n")))
    run = Run(tmp_path / "run")
    run.root.mkdir()
    run_settings.keep(run, "own", settings)
    kept = files.read_json(run.root / "settings.json")["settings"]["translator"]
    assert kept == {method: {"steps": 5} for method in ADVERSARIAL}
    assert config.build(Settings, run_settings.read(run).table) == settings


def test_the_demos_methods_share_all_that_they_have_in_common():
    cyclegan, cycada, cut = (getattr(built("demo"), m).model_dump() for m in ADVERSARIAL)
    assert cyclegan == {name: cycada[name] for name in cyclegan}
    own = {"lambda_identity", "epochs", "pool_size"}  # Each has its paper's.
    shared = cyclegan.keys() & cut.keys() - own
    assert {name: cut[name] for name in shared} == {name: cyclegan[name] for name in shared}
