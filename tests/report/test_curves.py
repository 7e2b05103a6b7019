import base64
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from i2i_keras.report.curves import curve_widgets, scrubbers
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run


@pytest.fixture
def trained(tmp_path, finish):
    """A translator that was warned of, and its history of so many rows."""

    def make(rows, warnings=()):
        run = Run(tmp_path)
        stage = run.translator("cut")
        table = [{"step": s, "loss": 1 / s, "val_loss": "" if s % 2 else 2 / s}
                 for s in range(1, rows + 1)]  # fmt: skip
        files.write_table(run.history(stage), table, list(table[0]))
        finish(stage, {}, {"warnings": list(warnings)})
        return run

    return make


def test_curves_have_the_values_of_the_history(trained):
    (widget,) = curve_widgets(trained(4), [])
    assert widget.title == "Translator cut"
    assert widget.data["steps"] == [1, 2, 3, 4]
    (panel,) = widget.data["panels"]
    lines = {line["name"]: line["values"] for line in panel["lines"]}
    assert lines == {"train": [1, 0.5, 0.33333, 0.25], "validation": [None, 1, None, 0.5]}


def test_long_histories_are_means_of_neighbors(trained):
    (widget,) = curve_widgets(trained(1000), [])
    steps, (panel,) = widget.data["steps"], widget.data["panels"]
    assert len(steps) == 400
    assert steps[0] == 2  # Of 1, 2 and 3.
    assert panel["lines"][0]["values"][0] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, rel=1e-4)
    assert panel["lines"][1]["values"][0] == 1


def test_warnings_stand_at_their_steps(trained):
    (widget,) = curve_widgets(trained(4, ["step 3: It is ill.", "It was ill."]), [])
    assert widget.data["warnings"] == [
        {"step": 3, "text": "step 3: It is ill."},
        {"step": None, "text": "It was ill."},
    ]


def test_frames_are_in_the_order_of_their_steps_with_the_target_below(full_run):
    (widget,) = scrubbers(full_run)
    assert [frame["step"] for frame in widget.data["frames"]] == [900, 1000]
    assert all(
        frame["src"].startswith("data:image/webp;base64,") for frame in widget.data["frames"]
    )


def test_a_strip_with_a_way_back_is_shown_in_two_rows(full_run, tmp_path):
    run = Run(tmp_path / "run")
    shutil.copytree(full_run.root, run.root)
    strip = np.hstack([np.full((24, 48, 3), 40 * n, np.uint8) for n in range(6)])
    for step in (900, 1000):
        Image.fromarray(strip).save(
            run.samples(run.translator("cyclegan")) / f"step-{step:06d}.png"
        )
    (widget,) = scrubbers(run)
    data = base64.b64decode(widget.data["frames"][0]["src"].partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.array(image)
    assert pixels.shape[:2] == (48, 144)
    np.testing.assert_allclose(pixels[::24, ::48, 0], [[0, 40, 80], [120, 160, 200]], atol=2)
