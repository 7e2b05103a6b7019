"""What make does with what it is told, without doing it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def make(tmp_path):
    """Runs make beside the Makefile, which takes stamps for environments."""
    folder = tmp_path / "with space"
    folder.mkdir()
    for name in (
        *("Makefile", "setup.cfg", "pyproject.toml"),
        *("constraints.txt", "constraints-3.12.txt", "lock.txt", "lock-3.12.txt"),
    ):
        shutil.copy(MAKEFILE.with_name(name), folder)

    # Not what the make of `make test` was told.
    own = {name: os.environ[name] for name in ("HOME", "PATH")}

    def run(*words, **variables):
        result = subprocess.run(
            ["make", "UV=", *words],
            cwd=folder,
            env=own | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return result.returncode, result.stdout + result.stderr

    run.folder = folder
    return run


def new_python(path, version):
    """A Python that says that it is of that version, and makes environments."""
    minor = ".".join(version.split(".")[:2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "#!/bin/sh\n"
        # It is asked for its version, or whether that is one of those given.
        f'[ "$1" = -c ] && [ $# = 2 ] && echo {version} && exit\n'
        f'[ "$1" = -c ] && {{ case " $* " in *" {minor} "*) exit 0; esac; exit 1; }}\n'
        'mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "$0" > "$3/pyvenv.cfg"\n',
        "utf-8",
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def environment(make):
    """The environment of a Python 3.11.7."""
    folder = make.folder / ".venv"
    new_python(folder / "bin" / "python", "3.11.7")
    (folder / "pyvenv.cfg").touch()
    (folder / "run.stamp").touch()
    return folder


# --- What is given ----------------------------------------------------------


@pytest.mark.parametrize("given", [[], ["ROOT=/data/gta5"], ["FORMAT=gta5"]])
def test_an_audit_without_root_or_format_asks_for_both(make, given):
    code, said = make("audit", *given)
    assert code == 2
    assert said.startswith("Say which data set: make audit ROOT=/data/gta5 FORMAT=gta5\n")
    assert not (make.folder / ".venv").exists()  # Nothing is installed to say that.


def test_an_audit_of_both_is_the_command(make, environment):
    code, said = make("-n", "audit", "ROOT=/my data/gta5", "FORMAT=gta5")
    assert (code, said) == (0, ".venv/bin/i2i-keras audit '/my data/gta5' --format 'gta5'\n")


def test_paths_and_settings_may_hold_spaces(make, environment):
    _, said = make(
        *("-n", "run", "SOURCE=/my data/x", "TARGET=~/my data/y", "RUN=my runs/one"),
        'SET=seed=1 arms=["source_only", "oracle"]  streets={num_val = 3} a.b=2',
    )
    words = "".join(said.split(" --preset 'demo'")).split(" --")
    assert words[0] == ".venv/bin/i2i-keras run"
    assert [word.strip() for word in words[1:]] == [
        "run 'my runs/one'",
        "source '/my data/x'",
        f"target '{Path.home()}/my data/y'",
        "set 'seed=1'",
        """set 'arms=["source_only", "oracle"]'""",
        "set 'streets={num_val = 3}'",
        "set 'a.b=2'",
    ]


def test_the_demo_does_as_many_tasks_at_once_as_is_asked_for(make, environment):
    demo = ".venv/bin/i2i-keras run --preset demo --run runs/demo --jobs"
    assert make("-n", "demo") == (0, f"{demo} 2\n")
    assert make("-n", "demo", "JOBS=4") == (0, f"{demo} 4\n")


def test_tensorboard_shows_the_run(make, environment):
    board = ".venv/bin/tensorboard --logdir"
    assert make("-n", "tensorboard") == (0, f"{board} 'runs/demo'\n")
    assert make("-n", "tensorboard", "RUN=my runs/one") == (0, f"{board} 'my runs/one'\n")


# --- Which Python -----------------------------------------------------------


def test_an_environment_of_another_python_than_asked_for_is_made_anew(make, environment):
    python = new_python(make.folder.parent / "python3.10", "3.10.13")
    code, said = make(".venv/pyvenv.cfg", f"PYTHON={python}")
    assert code == 0, said
    assert said.startswith(".venv is of Python 3.11.7; made anew with 3.10.13, as PYTHON= asks.\n")
    assert (environment / "pyvenv.cfg").read_text("utf-8") == f"{python}\n"
    assert not (environment / "run.stamp").exists()
    assert "is up to date" in make(".venv/pyvenv.cfg", f"PYTHON={python}")[1]


def test_what_was_installed_into_the_other_one_is_installed_again(make, environment):
    python = new_python(make.folder.parent / "python3.10", "3.10.13")
    code, said = make("-n", "install", f"PYTHON={python}")
    assert code == 0 and "pip install" in said


def test_an_environment_of_the_python_asked_for_is_kept(make, environment):
    python = new_python(make.folder.parent / "python3.11", "3.11.7")
    assert make("install", f"PYTHON={python}") == (0, "make: Nothing to be done for 'install'.\n")


def test_without_being_asked_any_environment_is_kept(make, environment):
    new_python(environment / "bin" / "python", "3.10.1")
    assert make("install") == (0, "make: Nothing to be done for 'install'.\n")


@pytest.mark.parametrize("version", ["3.9.18", "3.14.0", "nonsense"])
def test_a_python_that_does_not_fit_costs_no_environment(make, environment, version):
    python = new_python(make.folder.parent / "python", version)
    code, said = make("install", f"PYTHON={python}")
    assert code == 2
    assert said.startswith(f"PYTHON={python} is {version}; give one of 3.10 to 3.13.\n")
    assert (environment / "run.stamp").exists()


@pytest.mark.parametrize(
    ("version", "stack"),
    [*(("3.10.13", ""), ("3.11.7", "")), *(("3.12.1", "-3.12"), ("3.13.0", "-3.12"))],
)
def test_each_python_gets_the_packages_that_are_tested_with_it(make, version, stack):
    python = new_python(make.folder.parent / "python", version)
    assert make(".venv/pyvenv.cfg", f"PYTHON={python}")[0] == 0
    code, said = make("-n", "install", f"PYTHON={python}")
    assert code == 0 and f"--require-hashes --requirement lock{stack}.txt" in said
    code, said = make("-n", "lint", f"PYTHON={python}")
    assert code == 0 and f"--constraint constraints{stack}.txt " in said


def test_the_first_python_that_fits_is_taken(make):
    bin = make.folder.parent / "bin"
    for name in ("3.9", "3.12", "3.10"):
        new_python(bin / f"python{name}", f"{name}.1")
    _, said = make("-n", ".venv/pyvenv.cfg", PATH=f"{bin}:{os.environ['PATH']}")
    first = "3.11" if shutil.which("python3.11") else "3.10"
    assert said == f"'python{first}' -m venv .venv\n"
    (bin / "python3.10").unlink()
    for name in ("3.11", "3.10"):  # They are there, and are of another version.
        new_python(bin / f"python{name}", "3.9.2")
    _, said = make("-n", ".venv/pyvenv.cfg", PATH=f"{bin}:{os.environ['PATH']}")
    assert said == "'python3.12' -m venv .venv\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [("data", "prepare"), ("translated", "translate"), ("scores", "evaluate")],
)
def test_an_old_target_says_its_new_name_and_does_it(make, environment, old, new):
    code, told = make("--dry-run", old, "RUN=runs/mine")
    assert code == 0
    assert f"make {old} is called make {new} now." in told
    assert f".venv/bin/i2i-keras {new} --run" in told


# --- The site ---------------------------------------------------------------


@pytest.fixture
def site(make, environment):
    """Environment, a notebook and a finished run."""
    (environment / "docs.stamp").touch()
    (make.folder / "notebooks").mkdir()
    (make.folder / "notebooks" / "01_data.ipynb").touch()
    (make.folder / "runs" / "my run" / "report").mkdir(parents=True)
    (make.folder / "runs" / "my run" / "report" / "index.html").touch()
    return make


def test_the_gallery_is_of_the_run_that_is_named(site):
    code, said = site("-n", "docs", "RUN=runs/my run")
    assert code == 0, said
    assert "i2i-keras run" not in said
    assert "I2I_RUN=\"$(cd 'runs/my run' && pwd)\"" in said and "01_data.ipynb" in said
    assert said.rstrip().endswith('echo "Open build/docs/index.html."')


def test_without_a_run_the_gallery_is_of_a_short_one(site):
    code, said = site("-n", "docs")
    assert code == 0, said
    assert ".venv/bin/i2i-keras run --preset demo --run build/short-run " in said
    assert "--set 'segmenter.steps=60'" in said


def test_a_gallery_of_a_run_that_is_not_finished_is_refused(site):
    code, said = site("docs/gallery/run.txt", "RUN=runs/other")
    assert code == 2
    assert "runs/other is not finished; make run RUN='runs/other' first." in said


def test_notebooks_are_run_again_for_another_run_only(site):
    names = ("docs/gallery/run.txt", "RUN=runs/my run")
    assert site(*names)[0] == 0
    written = site.folder / "docs" / "gallery" / "run.txt"
    before = written.stat().st_mtime_ns
    assert written.read_text("utf-8").splitlines()[0] == "runs/my run"
    assert site(*names)[0] == 0 and written.stat().st_mtime_ns == before
    (site.folder / "runs" / "my run" / "report" / "index.html").write_text("new", "utf-8")
    assert site(*names)[0] == 0 and written.stat().st_mtime_ns > before
