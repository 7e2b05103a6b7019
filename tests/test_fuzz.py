"""300 of the cases of `fuzz.py`, whose large form is a command."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
fuzz = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """What came of them, in processes of their own."""
    return [*fuzz.supervise(300, 19, tmp_path_factory.mktemp("fuzz"))]


def test_no_bad_input_ends_in_a_traceback_or_is_silently_wrong(cases):
    assert len(cases) == 300
    faults = [case for case in cases if case.outcome not in ("refused", "equal")]
    assert not faults, "\n".join(map(str, faults))


def test_most_bad_input_is_refused_and_of_every_kind_there_is_some(cases):
    refused = [case for case in cases if case.outcome == "refused"]
    assert len(refused) > 150
    assert len({case.target for case in cases}) > 40


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda: 1 / 0, "traceback"),
        (lambda: [][0], "traceback"),
        (lambda: "silently 3", "silent"),
        (lambda: 4, "silent"),
        (lambda: 3, "equal"),
    ],
)
def test_the_oracle_tells_faults(function, kind):
    assert fuzz.judge(function, wanted=3, sealed=True).kind == kind


def test_the_oracle_tells_what_takes_too_long(monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    assert fuzz.judge(lambda: [None for _ in iter(int, 1)]).kind == "too long"


def test_a_process_that_ends_is_found_and_the_others_go_on(tmp_path, monkeypatch):
    script = tmp_path / "fuzz.py"
    end = "if number == 2: os.kill(os.getpid(), signal.SIGKILL)\n        before, start"
    script.write_text(
        Path(fuzz.__file__)
        .read_text()
        .replace("before, start", end, 1)
        .replace(
            'Path(__file__).with_name("tiny.toml")', repr(fuzz.TINY).replace("PosixPath", "Path")
        )
    )
    monkeypatch.setattr(fuzz, "__file__", str(script))
    outcomes = [case.outcome for case in fuzz.supervise(4, 0, tmp_path)]
    assert len(outcomes) == 4 and outcomes[2] == "ended the process"
