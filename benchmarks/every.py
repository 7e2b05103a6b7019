"""Runs the benchmarks that fit into an hour and writes docs/speed.md.

    python benchmarks/every.py [--smoke] [--out FILE] [--only NAME.py ...]

With --only, the page keeps what it has of the others, if it is of the same day,
processor and versions.

Left out: those of whole experiments (`scale.py`, `large_sets.py`), of two
environments (`stacks.py`) and of a GPU (`gpu.py`).
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = (
    *("train_step.py", "train_segmenter.py", "memory.py"),
    *("translate.py", "input_pipeline.py", "large_records.py", "metrics.py"),
)
PACKAGES = ("tensorflow", "keras", "numpy", "torch", "onnxruntime")


def main() -> None:
    """Runs each as a program of its own; ends where one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that all run")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME.py")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "speed.md")
    asked = parser.parse_args()
    sections, ratios = sections_of(asked.out) if asked.only else {}, {}
    for name in asked.only or BENCHMARKS:
        print(f"{name} ...", flush=True)
        told = run(name, ["--smoke"] if asked.smoke else [])
        *lines, last = told.splitlines()
        ratios[name] = json.loads(last)
        sections[name] = section(name, lines)
        # After each: if a later one fails, an hour is not lost.
        parts = [heading(), *(sections[name] for name in BENCHMARKS if name in sections)]
        asked.out.write_text("\n\n".join(parts) + "\n", "utf-8")
    print(json.dumps(ratios))


def sections_of(page: Path) -> dict[str, str]:
    """What a page has of each benchmark, if all else is as today.

    Raises:
        SystemExit: it is of another day, processor or version.
    """
    first, *others = page.read_text("utf-8").rstrip("\n").split("\n\n## ")
    if first != heading():
        raise SystemExit(f"{page} is of another day, processor or version; run all anew.")
    return {name: f"## {part}" for part in others for name in BENCHMARKS if f"/{name}\n" in part}


def run(name: str, words: list[str]) -> str:
    """What a benchmark prints."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        [sys.executable, HERE / name, *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | quiet,
    )
    return result.stdout


def heading() -> str:
    """Where and when, and with what."""
    found = [name for name in PACKAGES if importlib.util.find_spec(name)]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in found)
    return (
        "# Speed and memory\n\n"
        f"Written by `make bench` on {datetime.date.today()}: {processor()}, Python"
        f" {platform.python_version()}, {versions}. Of each run the median, and in brackets the"
        " least and both quartiles. Peers take turns, so that what disturbs the machine disturbs"
        " all; only ratios within a table mean something elsewhere."
    )


def processor() -> str:
    """Its name, its family, which the name may leave open, and its cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []

    def found(key: str) -> list[str]:
        return [line.partition(":")[2].strip() for line in lines if line.startswith(key)]

    names, families = found("model name"), found("cpu family")
    if not names:
        return platform.processor()
    family = f" (family {families[0]})" if families else ""
    return f"{names[0]}{family}, {len(names)} cores"


def section(name: str, lines: list[str]) -> str:
    """A benchmark's own words, and what it printed."""
    doc = (HERE / name).read_text("utf-8").split('"""')[1]
    title, _, rest = doc.strip().partition("\n\n")
    title = title.rstrip(".")
    command, _, about = rest.partition("\n\n")
    printed = "\n".join(lines)
    return f"## {title}\n\n{about}\n\n```\n$ {command.strip()}\n{printed}\n```"


if __name__ == "__main__":
    main()
