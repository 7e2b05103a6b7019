"""What is true of all notebooks, and that they run."""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
RUNS = {
    "two trainings, a translator without a way back": [
        *("seeds=[3, 5]", 'arms=["source_only", "adapted:color", "adapted:cut", "oracle"]'),
    ],
    "nothing but an oracle": ['arms=["oracle"]', "segmenter.keep_checkpoints=1"],
    "translators without a network": ['arms=["source_only", "mixed:color", "adapted:fourier"]'],
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


@pytest.mark.slow  # Four experiments, and every picture of them.
@pytest.mark.parametrize("changes", RUNS.values(), ids=RUNS)
def test_notebooks_run_on_any_finished_run(changes, tmp_path, monkeypatch, tiny_experiment):
    pytest.importorskip("IPython")
    finished = tiny_experiment(tmp_path / "run", "segmenter.checkpoint_every=1", *changes)
    result = finished.command("run")
    assert result.exit_code == 0, result.output
    monkeypatch.setenv("I2I_RUN", str(finished.root))
    monkeypatch.setenv("I2I_STEPS", "2")  # Of the one that trains.
    translated = finished.root.glob("**/train-translator/*/done.json")
    for path in NOTEBOOKS if any(translated) else [NOTEBOOKS[0], *NOTEBOOKS[2:]]:
        execute(path)
