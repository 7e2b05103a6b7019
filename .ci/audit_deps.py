"""Looks for known vulnerabilities of all pins; fails where it could not look.

    python .ci/audit_deps.py constraints.txt constraints-3.12.txt

By pip-audit, which skips what it cannot ask its service about, and then says
that there are no known vulnerabilities. SECURITY.md has those that are known.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SECURITY = Path(__file__).parents[1] / "SECURITY.md"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


def pins(path: Path) -> set[tuple[str, str]]:
    """Names and versions that a file pins, whatever their markers."""
    found = map(PIN.match, path.read_text("utf-8").splitlines())
    return {(_normal(match[1]), match[2]) for match in found if match}


def known(text: str) -> set[str]:
    """Numbers of advisories that SECURITY.md says something of."""
    return set(re.findall(r"\b(?:CVE-\d+-\d+|GHSA(?:-[a-z0-9]{4}){3}|PYSEC-\d+-\d+)\b", text))


def faults(report: dict, wanted: set[tuple[str, str]], told: set[str]) -> list[str]:
    """What is wrong with pins, or with the look at them.

    Args:
        report: what pip-audit gives as JSON.
        wanted: the pins that it was to look at.
        told: advisories that are known.
    """
    found = []
    looked_at = set()
    for package in report.get("dependencies", []):
        pin = _normal(package["name"]), package.get("version", "")
        if "skip_reason" in package:
            found.append(f"{package['name']} could not be checked: {package['skip_reason']}")
            looked_at |= {one for one in wanted if one[0] == pin[0]}
            continue
        looked_at.add(pin)
        for one in package["vulns"]:
            names = {one["id"], *one.get("aliases", [])}
            if not names & told:
                fixed = ", ".join(one.get("fix_versions", [])) or "none"
                found.append(f"{pin[0]} {pin[1]}: {', '.join(sorted(names))} (fixed in: {fixed})")
    found += [f"{name} {version} was not looked at" for name, version in sorted(wanted - looked_at)]
    return found


def audit(wanted: set[tuple[str, str]]) -> dict:
    """Lets pip-audit look at pins, each once; markers would hide some."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pins.txt"
        path.write_text("".join(f"{name}=={version}\n" for name, version in sorted(wanted)))
        command = [
            "pip_audit",
            "--no-deps",
            "--disable-pip",
            "--format",
            "json",
            "--progress-spinner",
        ]
        done = subprocess.run(
            [sys.executable, "-m", *command, "off", "--requirement", str(path)],
            capture_output=True,
            text=True,
        )
    try:
        return json.loads(done.stdout)
    except ValueError:
        sys.exit(f"pip-audit could not look: {done.stderr.strip()[-500:]}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(paths: list[str]) -> int:
    """Looks at the pins of all files; 1 = something is wrong."""
    told = known(SECURITY.read_text("utf-8"))
    code = 0
    for name in paths:
        wanted = pins(Path(name))
        by_package: dict[str, set[tuple[str, str]]] = {}
        for pin in wanted:
            by_package.setdefault(pin[0], set()).add(pin)
        found = []
        # A file of requirements may have a package once only.
        for turn in range(max(map(len, by_package.values()))):
            some = {sorted(of)[turn] for of in by_package.values() if turn < len(of)}
            found += faults(audit(some), some, told)
        for fault in found:
            print(f"{name}: {fault}")
        if not found:
            print(
                f"{name}: {len(wanted)} pins were looked at; nothing that SECURITY.md leaves out."
            )
        code = code or bool(found)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
