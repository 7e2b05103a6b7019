"""A stranger's own folders, by the commands of README and pages alone."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.datasets import streets
from i2i_keras.run_folder import files

ROOT = Path(__file__).parents[1]
README, YOUR_DATA, USING = (
    (ROOT / name).read_text("utf-8") for name in ("README.md", "docs/your_data.md", "docs/using.md")
)
FEW = "".join(
    f" --set {change}"
    for change in (
        *("translator.cyclegan.steps=2", "segmenter.steps=2"),
        "translator.cyclegan.checkpoint_every=1",  # So that there are two samples.
        *("translator.cyclegan.generator.filters=4", "segmenter.unet.filters=4"),
        *("translator.cyclegan.generator.num_residual_blocks=1", "evaluate.num_quality_images=4"),
    )
)
RUN = "runs/photos-to-paintings"
SIZE = (64, 128)


def commands(title, text=README):
    """The i2i-keras commands of a part of a page, comments left out."""
    part = text.partition(f"# {title}\n")[2].partition("\n## ")[0]
    block = re.search(r"```sh\n(.*?)```", part, re.DOTALL)[1]
    lines = [line.partition("#")[0].strip() for line in block.replace("\\\n", "").splitlines()]
    return [line for line in lines if line.startswith("i2i-keras ")]


# As README has them.
TRANSLATION, INIT, PLAN, DO, *USE = commands("Two folders of images")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Scenes in two styles: (image, label) pixels, by style."""
    found = {}
    for style, extras in (("camera", "cityscapes"), ("game", "gta5")):
        extra = streets.files.EXTRAS[extras]
        found[style] = [streets.draw_street(style, SIZE, seed, extra) for seed in range(40)]
    return found


def write(folder, scenes, labels="labels", drive=""):
    """Writes images, and labels beside them."""
    for number, (image, label) in enumerate(scenes):
        for kind, pixels in (("images", image), (labels, label)):
            if kind:
                path = folder / kind / drive / f"{number:03}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)


def few_test_labels(root, drawn):
    """A labelled source, a target without labels but for 12 test images.

    Both of several drives, whose frames have the same names.
    """
    write(root / "photos", drawn["camera"][:12], drive="monday")
    write(root / "photos", drawn["camera"][12:24], drive="tuesday")
    write(root / "paintings" / "train", drawn["game"][:24], labels="", drive="a")
    write(root / "paintings" / "test", drawn["game"][24:30], labels="masks", drive="a")
    write(root / "paintings" / "test", drawn["game"][30:36], labels="masks", drive="b")


def no_target_labels(root, drawn):
    write(root / "photos" / "train", drawn["camera"][:24])
    write(root / "paintings", drawn["game"][:24], labels="")


def no_labels(root, drawn):
    """Square JPEGs, directly in two folders."""
    for name, style in (("photos", "camera"), ("paintings", "game")):
        (root / name).mkdir()
        for number, (image, _) in enumerate(drawn[style][:12]):
            Image.fromarray(image[:, :64]).save(root / name / f"{number}.jpg")


def four_folders(root, drawn):
    """Images and labels of both domains, which nobody has divided."""
    write(root / "photos", drawn["camera"][:30])
    write(root / "paintings", drawn["game"][:30])


def as_parameters(*cases):
    """The cases, most of which take minutes."""
    slow = few_test_labels, no_target_labels, four_folders
    marks = {case: [pytest.mark.slow] if case in slow else [] for case in cases}
    return [pytest.param(case, id=case.__name__, marks=marks[case]) for case in cases]


CASES = as_parameters(few_test_labels, no_target_labels, no_labels, four_folders)


class Stranger:
    """Somebody in a folder with `photos` and `paintings`."""

    def __init__(self, root):
        self.root, self.outputs = root, {}

    def type(self, line):
        """What a command prints, progress apart; it has to end well."""
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}\n{result.output}"
        return result.stdout


@pytest.fixture(scope="module", params=CASES)
def stranger(request, tmp_path_factory, drawn):
    """Has done `init`, the plan and the run."""
    root = tmp_path_factory.mktemp(request.param.__name__)
    request.param(root, drawn)
    write(root / "more", drawn["game"][36:38], labels="")
    (root / "more" / "images").rename(root / "frames")  # To be translated and segmented.
    someone = Stranger(root)
    someone.case = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        someone.init = someone.type(INIT)
        someone.plan = someone.type(PLAN + FEW)
        someone.run = someone.type(DO + FEW)
        yield someone


def test_the_plan_is_what_is_done(stranger):
    planned = re.findall(r"^([a-z-]+(?: [a-z_:]+)?)  +to do", stranger.plan, re.MULTILINE)
    done = re.findall(r"^([a-z-]+(?: [a-z_:]+)?): (?:done in|mean IoU)", stranger.run, re.MULTILINE)
    assert planned[0] == "prepare" and len(planned) >= 5
    assert done == planned


def test_the_preset_has_about_twenty_lines_and_says_what_was_found(stranger):
    text = (stranger.root / "photos-to-paintings.toml").read_text("utf-8")
    assert 15 <= len(text.splitlines()) <= 28
    assert "\n# source: photos, folder, " in text
    assert " cores, " in text


def test_labels_decide_what_is_trained(stranger):
    arms = {
        few_test_labels: ["source_only", "adabn", "adapted:fourier", "adapted:cyclegan"],
        no_target_labels: ["source_only", "adabn", "adapted:fourier", "adapted:cyclegan"],
        no_labels: [],
        four_folders: ["source_only", "adabn", "adapted:fourier", "adapted:cyclegan", "oracle"],
    }[stranger.case]
    summary = files.read_json(stranger.root / RUN / "evaluate" / "summary.json")
    assert list(summary["arms"]) == arms
    scored = stranger.case in (few_test_labels, four_folders)
    assert all(("mean_iou" in facts) == scored for facts in summary["arms"].values())
    if stranger.case is few_test_labels:
        assert summary["num_images"] == 12
        assert all(facts.get("gap_closed") is None for facts in summary["arms"].values())


def test_what_cannot_be_said_is_said_before_anything_is_trained(stranger):
    told = {
        few_test_labels: "target-test: 12 images, 12 labelled",
        no_target_labels: "The target has no labelled test images: arms are trained, but not",
        no_labels: "source-train: 12 images, 0 labelled",
        four_folders: "target-test: 6 images, 6 labelled",
    }[stranger.case]
    assert told in stranger.plan
    assert told in stranger.run.partition("prepare: done")[0]


def test_the_page_has_pictures_and_strips_over_time(stranger):
    page = (stranger.root / RUN / "report" / "index.html").read_text("utf-8")
    assert "Over the training" in page
    figures = {path.stem for path in (stranger.root / RUN / "report" / "figures").glob("*.png")}
    assert {"translations-cyclegan", "curves-train-translator-cyclegan"} <= figures
    if stranger.case is no_labels:
        assert "Images in another style" in page and "translations-cyclegan-yx" in figures
        assert "Style distance" in page
    elif stranger.case is no_target_labels:
        assert "nothing was scored" in page and "predictions-target" in figures
        assert "Agreement, % of pixels" in page
        assert "Mean IoU" not in page
    else:
        assert "result" in figures


def test_squares_stay_squares(stranger):
    done = files.read_json(stranger.root / RUN / "prepare" / "done.json")["results"]
    assert done["size"] == ([64, 64] if stranger.case is no_labels else [64, 128])
    assert done["stretched"] == []


def test_the_run_alone_is_enough_for_all_that_follows(stranger):
    for line in USE:
        stranger.type(line)
    images = [*(stranger.root / "translated").glob("*.png")]
    assert images
    stranger.type(f"i2i-keras evaluate --run {RUN}")
    stranger.type(f"i2i-keras report --run {RUN}")
    again = stranger.type(f"i2i-keras run --run {RUN}")
    assert " done in " not in again


def of(*cases):
    """Runs a test on these cases alone."""
    return pytest.mark.parametrize("stranger", as_parameters(*cases), indirect=True)


@of(few_test_labels, no_target_labels, four_folders)
def test_a_labelled_source_gives_a_segmenter_to_use(stranger):
    segment, export = commands("Use what was trained", USING)
    if stranger.case is no_target_labels:
        segment, export = (f"{line} --arm adapted:cyclegan" for line in (segment, export))
    told = stranger.type(segment)
    assert "segment " in told
    classes = sorted((stranger.root / "segmented" / "classes").glob("*.png"))
    assert classes
    with Image.open(classes[0]) as image:
        assert image.size == (128, 64) and np.asarray(image).max() < 19
    stranger.type(export)
    assert [*stranger.root.glob("segmenter.tflite")]


@of(few_test_labels)
def test_what_is_made_keeps_the_tree_of_the_drives(stranger):
    run = stranger.root / RUN
    made = {path.relative_to(run).as_posix() for path in run.rglob("*.png")}
    source = [path.split("/", 3)[3] for path in made if re.match("prepare/source-.*/images/", path)]
    names = [f"{drive}/{n:03}.png" for drive in ("monday", "tuesday") for n in range(12)]
    assert sorted(source) == names
    assert {f"evaluate/predictions/source_only/{drive}/000.png" for drive in "ab"} <= made
    translated = [path for path in made if path.startswith("translate/cyclegan/source-train/")]
    assert {path.split("/")[3] for path in translated} == {"monday", "tuesday"}


@of(no_labels)
def test_two_folders_need_no_preset_of_their_own(stranger):
    assert f"`{TRANSLATION}`" in YOUR_DATA
    told = stranger.type(TRANSLATION + FEW)
    assert "translate-back cyclegan: done in" in told
    assert (stranger.root / "runs" / "translation" / "report" / "index.html").is_file()


def test_the_page_on_your_data_begins_with_the_commands_of_the_readme():
    assert commands("Two folders", YOUR_DATA) == [INIT, PLAN, DO]
