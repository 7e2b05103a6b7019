"""Files of a run: written whole or not at all, read back with a clear word."""

import contextlib
import csv
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i_keras.errors import DataError

Facts = dict[str, Any]

# The command that makes each folder of a run; {} is the name below it.
_COMMANDS = {
    "raw": "streets",
    "records": "prepare",
    "translator": "train-translator --method {}",
    "translated": "translate --method {}",
    "label_safe": "train-segmenter --arm label_safe:{}",
    "segmenter": "train-segmenter --arm {}",
    "scores": "evaluate",
    "report": "report",
}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a draft to write to; it becomes `path` if nothing was raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        draft.replace(path)  # Atomic: nobody ever sees half a file.
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes readable JSON, atomically."""
    with replacing(path) as draft:
        draft.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def read_json(path: Path) -> Facts:
    """Reads a JSON object that this package wrote.

    Raises:
        DataError: it is not there or not JSON.
    """
    try:
        facts: Facts = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {how_to_make(path)}.") from None
    except ValueError:
        raise DataError(f"{path} is not valid JSON; delete it and {how_to_make(path)}.") from None
    return facts


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Writes rows as CSV, atomically."""
    with replacing(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """Reads a CSV that `write_table` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fingerprint(facts: Any) -> str:
    """A short hash of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def folder_name(arm: str) -> str:
    """An arm's name as that of its folders and files."""
    return arm.replace(":", "-")


def arm_name(folder: str) -> str:
    """The arm that a folder is of."""
    return folder.replace("-", ":", 1)


def how_to_make(path: Path) -> str:
    """What to type to get a file or folder of a run that is not there.

    Args:
        path: of a stage's folder or of something in it.

    Returns:
        `make it with: i2i-keras COMMAND --run RUN`, to be said after what is
        missing.
    """
    places = [place for place, part in enumerate(path.parts) if part in _COMMANDS]
    if not places:
        return "make it with its command, see i2i-keras --help"
    root, stage = Path(*path.parts[: places[-1]]), path.parts[places[-1]]
    name = "".join(path.parts[places[-1] + 1 : places[-1] + 2])
    method, direction, _ = name.partition("-yx")
    if stage == "segmenter":
        method, direction = arm_name(name), ""
    command = _COMMANDS[stage].format(method) + " --direction yx" * bool(direction)
    if "{}" in _COMMANDS[stage] and not name:
        command = command.partition(" ")[0]
    return f"make it with: i2i-keras {command} --run {shlex.quote(os.path.relpath(root))}"
