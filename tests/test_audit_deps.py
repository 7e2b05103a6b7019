"""`make audit-deps` fails where it could not look, and at what is not told."""

import configparser
import importlib.util
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("audit_deps", ROOT / ".ci" / "audit_deps.py")
audit_deps = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit_deps)

WANTED = {("keras", "2.15.0"), ("pillow", "13.0.0")}
FINE = [{"name": name, "version": version, "vulns": []} for name, version in sorted(WANTED)]
VULNERABLE = {"id": "PYSEC-1-2", "aliases": ["CVE-1-2"], "fix_versions": ["3.0"]}


def faults(*packages, told=frozenset()):
    return audit_deps.faults({"dependencies": [*packages]}, WANTED, told)


def test_pins_that_were_looked_at_and_are_fine_are_fine():
    assert faults(*FINE) == []


def test_a_pin_that_was_skipped_is_a_fault():
    skipped = {"name": "keras", "skip_reason": "the service could not be reached"}
    assert faults(skipped, FINE[1]) == [
        "keras could not be checked: the service could not be reached"
    ]


def test_a_pin_that_was_left_out_is_a_fault():
    assert faults(FINE[1]) == ["keras 2.15.0 was not looked at"]


def test_a_finding_is_a_fault_unless_security_md_tells_of_it():
    found = {**FINE[0], "vulns": [VULNERABLE]}
    assert faults(found, FINE[1]) == ["keras 2.15.0: CVE-1-2, PYSEC-1-2 (fixed in: 3.0)"]
    assert faults(found, FINE[1], told={"CVE-1-2"}) == []


def test_security_md_tells_of_keras_loader_of_hdf5():
    told = audit_deps.known((ROOT / "SECURITY.md").read_text("utf-8"))
    assert {"CVE-2026-1669", "GHSA-3m4q-jmj6-r34q"} <= told


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-3.12.txt"])
def test_all_pins_are_found(name):
    lines = (ROOT / name).read_text("utf-8").splitlines()
    assert len(audit_deps.pins(ROOT / name)) == len(
        {line.split(";")[0].strip() for line in lines if "==" in line.split(";")[0]}
    )


@pytest.mark.parametrize(
    ("lock", "constraints", "python"),
    [("lock.txt", "constraints.txt", "3.10"), ("lock-3.12.txt", "constraints-3.12.txt", "3.12")],
)
def test_what_the_demo_installs_is_what_is_tested_and_has_hashes(lock, constraints, python):
    text = (ROOT / lock).read_text("utf-8")
    pins = audit_deps.pins(ROOT / lock)
    assert pins <= audit_deps.pins(ROOT / constraints)
    options = configparser.ConfigParser()
    options.read(ROOT / "setup.cfg", "utf-8")
    lines = options["options"]["install_requires"] + options["options.extras_require"]["ray"]
    asked = [Requirement(line) for line in lines.split("\n") if line]
    of_python = {"python_version": python}
    wanted = {one.name for one in asked if not one.marker or one.marker.evaluate(of_python)}
    assert {"tensorflow", "ray"} < wanted <= {name for name, _ in pins}
    for block in text.replace("\\\n", " ").splitlines()[1:]:
        assert "--hash=sha256:" in block, block
