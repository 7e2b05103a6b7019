"""What is true of all notebooks, and that they run."""

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SETTINGS = [
    *("streets.num_train=4", "streets.num_val=1", "streets.num_test=3", "prepare.workers=1"),
    *("streets.camera_size=[64, 128]", "streets.game_size=[64, 128]", "prepare.size=[32, 64]"),
    *("translator.cyclegan.steps=2", "translator.cyclegan.checkpoint_every=1"),
    *("translator.cyclegan.generator.filters=2", "translator.cyclegan.discriminator.filters=2"),
    *("translator.cyclegan.pipeline.crop=[16, 16]", "translator.cyclegan.num_samples=1"),
    *("segmenter.steps=2", "segmenter.checkpoint_every=1", "segmenter.pipeline.batch_size=2"),
    *("segmenter.unet={filters = 2, depth = 1, l2 = 0.0}", "segmenter.pipeline.crop=[16, 16]"),
    *("evaluate.bootstrap_samples=20", "evaluate.num_quality_images=3"),
]
RUNS = {
    "two trainings": ["seeds=[3, 5]"],
    "nothing but an oracle": ['arms=["oracle"]', "segmenter.keep_checkpoints=1"],
    "no floor, windows, another label space": [
        *('arms=["adabn:cyclegan", "oracle"]', "evaluate.window=[16, 16]"),
        *("prepare.label_space=idd7", "evaluate.num_pictures=0", "segmenter.select=entropy"),
    ],
}


def cells(path):
    """Parsed code cells."""
    notebook = json.loads(path.read_text("utf-8"))
    return [
        ast.parse("".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def execute(path):
    """Runs a notebook's cells, each last expression as it would be shown."""
    names = {}
    for cell in cells(path):
        exec(compile(ast.Module(cell.body[:-1], []), path.name, "exec"), names)
        shown = eval(compile(ast.Expression(cell.body[-1].value), path.name, "eval"), names)
        for form in ("_repr_png_", "_repr_markdown_", "__repr__"):
            if hasattr(shown, form):
                getattr(shown, form)()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_calls_and_shows(path):
    for cell in cells(path):
        own = [node for node in ast.walk(cell) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert not own, "belongs into the package"
        assert isinstance(cell.body[-1], ast.Expr), ast.unparse(cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_is_there(path):
    nodes = [node for cell in cells(path) for node in ast.walk(cell)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("i2i_keras"):
            exec(compile(ast.Module([node], []), path.name, "exec"), {})


@pytest.mark.slow  # Three experiments, and every picture of them.
@pytest.mark.parametrize("changes", RUNS.values(), ids=RUNS)
def test_notebooks_run_on_any_finished_run(changes, tmp_path, monkeypatch):
    pytest.importorskip("IPython")
    words = ["run", "--preset", "demo", "--run", str(tmp_path / "run")]
    for setting in [*SETTINGS, *changes]:
        words += ["--set", setting]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    monkeypatch.setenv("I2I_RUN", str(tmp_path / "run"))
    translated = (tmp_path / "run").glob("**/translator/cyclegan/done.json")
    for path in NOTEBOOKS if any(translated) else [NOTEBOOKS[0], *NOTEBOOKS[2:]]:
        execute(path)
