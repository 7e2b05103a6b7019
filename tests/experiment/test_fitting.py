"""What labels allow, and what is left out before anything is trained."""

import pytest
from PIL import Image

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.experiment import contents, fitting
from i2i_keras.experiment.contents import Contents
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

TABLES = [
    f"{domain}-{split}" for domain in ("source", "target") for split in ("train", "val", "test")
]
ARMS = 'arms=["source_only", "adapted:cyclegan", "oracle"]'


def settings(*overrides, preset="demo"):
    return config.build(Settings, config.read(preset, [ARMS, *overrides]))


def there(*unlabelled, size=(96, 176)):
    """Ten images a table, labelled but for those of the tables named."""
    labelled = {table: 10 * (table not in unlabelled) for table in TABLES}
    return Contents(dict.fromkeys(TABLES, 10), labelled, size, True)


def test_where_all_is_labelled_nothing_changes():
    given = settings()
    assert fitting.fit_to(given, there()) == (given, [], True, ())


def test_without_target_training_labels_there_is_no_oracle():
    fitted = fitting.fit_to(settings(), there("target-train", "target-val"))
    assert fitted.settings.arms == ("source_only", "adapted:cyclegan")
    assert fitted.scored and fitted.left_out == ("oracle",)
    (note,) = fitted.notes
    assert note.startswith("The target's training images have no labels: oracle is left out")


def test_without_target_test_labels_nothing_is_scored():
    fitted = fitting.fit_to(settings(), there("target-test"))
    assert "oracle" in fitted.settings.arms and not fitted.scored
    assert "arms are trained, but not scored" in fitted.notes[0]


def test_without_source_labels_images_are_translated_only():
    given = settings('arms=["source_only", "adapted:fourier", "mixed:cyclegan", "adapted:cycada"]')
    fitted = fitting.fit_to(given, there("source-train"))
    assert fitted.settings.arms == ()
    assert fitted.settings.methods == ["fourier", "cyclegan"]  # cycada needs a segmenter.
    assert "no segmenter is trained, images are translated only" in fitted.notes[0]


@pytest.mark.parametrize(
    ("arms", "missing", "message"),
    [
        ('["oracle"]', "target-train", "oracle cannot be trained, and no other arm is named"),
        ('["source_only", "oracle"]', "source-train", "without them none of these can be trained"),
    ],
)
def test_what_leaves_nothing_to_do_is_refused(arms, missing, message):
    with pytest.raises(SettingsError, match=message):
        fitting.fit_to(settings(f"arms={arms}"), there(missing))


def test_an_arm_that_was_asked_for_and_cannot_be_trained_is_refused():
    fitted = fitting.fit_to(settings(), there("target-train"))
    fitted.check(["source_only"])
    with pytest.raises(
        SettingsError, match=r"oracle cannot be trained here\. The target's training"
    ):
        fitted.check(["source_only", "oracle"])


@pytest.mark.parametrize("side", ["source", "target"])
def test_weights_cannot_be_chosen_by_labels_that_are_not_there(side):
    given = settings("segmenter.select=val_loss")
    with pytest.raises(SettingsError, match=f"and the {side} has none; take segmenter.select"):
        fitting.fit_to(given, there(f"{side}-val"))
    alone = settings("segmenter.select=val_loss", 'arms=["source_only"]')
    assert fitting.fit_to(alone, there("target-val")).scored


# --- Sizes ------------------------------------------------------------------


def test_a_crop_above_a_set_size_is_refused_in_the_plan():
    given = settings("segmenter.pipeline.crop=[128, 96]")
    message = "segmenter.pipeline.crop is 128 x 96, larger than the images, which are 96 x 176"
    with pytest.raises(SettingsError, match=message):
        fitting.fit_to(given, there())


def test_a_crop_above_an_automatic_size_is_reduced_to_what_networks_take():
    crops = ("segmenter.pipeline.crop=[128, 96]", "translator.cyclegan.pipeline.crop=[100, 64]")
    fitted = fitting.fit_to(settings("prepare.size=auto", *crops), there(size=(90, 176)))
    assert fitted.settings.segmenter.pipeline.crop == (80, 96)  # The U-Net's stride is 16.
    assert fitted.settings.translator.cyclegan.pipeline.crop == (90, 64)
    assert len(fitted.notes) == 2 and "as images are not larger" in fitted.notes[0]


def test_images_below_a_networks_stride_are_refused():
    with pytest.raises(SettingsError, match="Images of 8 x 40 are too small for segmenter, which"):
        fitting.fit_to(settings("prepare.size=auto"), there(size=(8, 40)))


def test_crops_of_methods_that_nobody_uses_do_not_matter():
    given = settings("translator.cut.pipeline.crop=[512, 512]")
    assert fitting.fit_to(given, there()).settings == given


# --- Contents ---------------------------------------------------------------


def folder(root, images, labels):
    for kind, count in (("images", images), ("labels", labels)):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            mode = "RGB" if kind == "images" else "L"
            Image.new(mode, (40, 20), 7).save(root / kind / f"{number}.png")


def test_raw_folders_are_counted_before_they_are_prepared(tmp_path):
    folder(tmp_path / "a" / "train", 3, 3)
    folder(tmp_path / "b" / "train", 4, 0)
    folder(tmp_path / "b" / "test", 2, 2)
    roots = [f"source.root={tmp_path}/a", f"target.root={tmp_path}/b", "target.split="]
    formats = ["source.format=folder", "target.format=folder", "source.split=", "prepare.size=auto"]
    found = contents.look(settings(*roots, *formats), Run(tmp_path / "run"))
    assert found.told() == [
        "source-train: 3 images, 3 labelled",
        "target-train: 4 images, 0 labelled",
        "target-test: 2 images, 2 labelled",
    ]
    assert (found.size, found.prepared) == ((16, 32), False)


def test_streets_are_counted_before_they_are_drawn(tmp_path):
    found = contents.look(settings("streets.num_train=7"), Run(tmp_path / "run"))
    assert found.images["source-train"] == found.labelled["target-train"] == 7
    assert found.size == (96, 176)


@pytest.mark.parametrize("role", ["source", "target"])
def test_data_that_is_not_there_is_asked_for(tmp_path, role):
    other = {"source": "target", "target": "source"}[role]
    given = config.build(Settings, config.read("camvid_to_idd", [f"{other}.root=somewhere"]))
    with pytest.raises(SettingsError, match=rf"Give the {role}'s folder: --{role} ROOT\."):
        contents.look(given, Run(tmp_path / "run"))


def test_an_earlier_versions_records_are_counted_by_their_tables(tmp_path):
    run, root = Run(tmp_path), tmp_path / "prepare"
    for table in TABLES:
        label = "prepare/label.png" if table.startswith("source") else ""
        rows = [{"name": "a", "image": "prepare/image.png", "label": label}]
        files.write_table(root / f"{table}.csv", rows, ["name", "image", "label"])
    Image.new("RGB", (64, 32)).save(root / "image.png")
    Image.new("L", (64, 32)).save(root / "label.png")
    facts = {"results": {"records": dict.fromkeys(TABLES, 1)}, "seconds": 1.0, "fingerprint": "x"}
    facts |= {"settings": {}, "inputs": {}}
    files.write_json(root / "done.json", facts)
    found = contents.look(settings(), run)
    assert found.labelled == {table: int(table.startswith("source")) for table in TABLES}
    assert found.size == (32, 64)
    assert not contents.is_scored(run)
