"""Kills and full disks, at any instant: what comes of a run that goes on.

    python tests/faults.py kills --count 150
    python tests/faults.py full
    python tests/faults.py tmpfs
    python tests/faults.py soak --minutes 60

Each makes a plain run first, and then one that is disturbed and started again
until it ends. The files of both have to be the same, bit by bit, and no process
may be left. `test_faults.py` has reduced forms.
"""

import argparse
import collections
import contextlib
import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

TINY = Path(__file__).with_name("tiny.toml")
ARMS = '["source_only","adapted:color","adapted:cyclegan","label_safe:cyclegan","oracle"]'
# Kills of one run and of one `segment`: so both are, and several end.
_AT_MOST = {"run": 20, "segment": 5}
PROGRAM = [sys.executable, "-m", "i2i_keras"]


def words(root, *changes, arms=ARMS):
    """The command of a small run of all stages, into a folder."""
    sets = [f"--set={change}" for change in (f"arms={arms}", "prepare.workers=2", *changes)]
    return ["run", "--preset", str(TINY), "--run", str(root), *sets]


def segment(root, out):
    """The command that segments drawn images by what a run has trained."""
    images = root / "raw" / "cityscapes"
    return ["segment", "--run", str(root), "--images", str(images), "--out", str(out)]


def contents(root):
    """A hash of each file, but for times and what is for people."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or re.search(r"(^|/)\.|tensorboard/|report/|\.jsonl$", name):
            continue
        data = path.read_bytes()
        if path.name in ("done.json", "checksums.json"):
            facts = json.loads(data)
            for key in ("seconds", "own_checksum"):
                facts.pop(key, None)
            for entry in facts.get("files", {}).values():
                entry.pop("time")
            data = json.dumps(facts).encode()
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def difference(one, other):
    """Names of files that are not the same in both."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


class Marked:
    """Processes of ours, by a mark in their environment."""

    def __init__(self):
        self.mark = uuid.uuid4().hex

    def start(self, command, **more):
        environment = {**os.environ, "I2I_FAULTS": self.mark, "TF_CPP_MIN_LOG_LEVEL": "3"}
        return subprocess.Popen(
            [*PROGRAM, *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **more,
        )

    def left(self, seconds=90.0):
        """What is still there after a while, by number; it is killed then.

        A while: an agent of Ray that was starting gives up after a minute.
        """
        deadline = time.monotonic() + seconds
        while (found := self._found()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for number in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return found

    def _found(self):
        found = {}
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                marked = self.mark.encode() in path.read_bytes()
                state = (path.parent / "stat").read_text().rpartition(")")[2].split()[0]
                command = (path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if marked and state != "Z":
                found[int(path.parent.name)] = command[:100]
        return found


def plain(root, *changes, **more):
    """The undisturbed run, and what it has segmented."""
    start = time.monotonic()
    marked = Marked()
    for command in (words(root, *changes, **more), segment(root, root / "segmented")):
        process = marked.start(command)
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"The plain run failed: {output}")
    return contents(root), time.monotonic() - start


def kills(count, seed, folder, **more):
    """Kills a run and `segment` at random instants; returns what was wrong."""
    rng, marked, wrong, runs = random.Random(seed), Marked(), [], 0
    wanted, _ = plain(folder / "plain", **more)
    counts = collections.Counter()
    while counts.total() < count:
        root = folder / "killed"
        shutil.rmtree(root, ignore_errors=True)
        commands = {"run": words(root, **more), "segment": segment(root, root / "segmented")}
        for name, command in commands.items():
            ended, most = False, counts[name] + _AT_MOST[name]
            while not ended:
                process = marked.start(command)
                goes_on = counts.total() < count and counts[name] < most
                try:
                    output, _ = process.communicate(
                        timeout=rng.uniform(0.2, 20.0) if goes_on else None
                    )
                    ended = True
                except subprocess.TimeoutExpired:
                    process.kill()  # That process alone, not its workers.
                    process.communicate()
                    counts[name] += 1
                if left := marked.left():
                    wrong.append(f"processes left: {left}")
            if process.returncode:
                wrong.append(f"{name} ended with {process.returncode}: {output[-500:]}")
                break
        runs += 1
        wrong += [f"other: {name}" for name in difference(wanted, contents(root))]
        wrong += [f"left: {path}" for path in root.rglob(".draft-*")]
    told = ", ".join(f"{number} of {name}" for name, number in counts.items())
    return wrong, f"{counts.total()} kills ({told}) over {runs} runs to their end"


class Full:
    """Disks that are full at the first write of each file."""

    def __init__(self):
        self.failed = set()

    def __enter__(self):
        from i2i_keras.run_folder import writing

        self._writing, self._write, self._move = writing, writing._write, writing.move
        self._appending = writing.appending

        def write(path, data):
            self._fail(path)
            return self._write(path, data)

        def move(draft, path):
            try:
                self._fail(path)
            except OSError as error:
                raise writing.not_written(path, error) from None
            return self._move(draft, path)

        def appending(path):
            try:
                self._fail(path)
            except OSError as error:
                raise writing.not_written(path, error) from None
            return self._appending(path)

        writing._write, writing.move, writing.appending = write, move, appending
        return self

    def __exit__(self, *_):
        writing = self._writing
        writing._write, writing.move, writing.appending = self._write, self._move, self._appending

    def _fail(self, path):
        if str(path) not in self.failed:
            self.failed.add(str(path))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full(folder, *commands, limit=10_000):
    """Fails the first write of every file; returns what was wrong.

    Args:
        folder: gets the runs `plain` and `full`.
        commands: functions of a run's folder to the words of a command.
        limit: starts at most.
    """
    from click.testing import CliRunner

    from i2i_keras.cli import main

    wrong, starts = [], 0
    for command in commands:
        result = CliRunner().invoke(main, command(folder / "plain"))
        if result.exit_code:
            raise SystemExit(f"The plain run failed: {result.output}")
    root = folder / "full"
    with Full() as disk:
        for command in commands:
            result = None
            while result is None or (result.exit_code and starts < limit):
                before, result = len(disk.failed), CliRunner().invoke(main, command(root))
                starts += 1
                if not result.exit_code:
                    continue
                last = result.output.strip().splitlines()[-1]
                if (
                    result.exit_code != 1
                    or "cannot be written (No space left on device)" not in last
                ):
                    wrong.append(f"exit code {result.exit_code}: {result.output[-500:]}")
                if len(disk.failed) == before:
                    return [*wrong, f"no way on: {result.output[-500:]}"], ""
    wrong += [f"other: {n}" for n in difference(contents(folder / "plain"), contents(root))]
    wrong += [f"left: {path}" for path in root.rglob(".draft-*")]
    return wrong, f"{len(disk.failed)} files, the first write of each failed, {starts} starts"


def tmpfs(folder, first=200, factor=1.12):
    """Runs on disks of a few hundred kilobytes and more, which needs root."""
    wanted, _ = plain(folder / "plain")
    marked, wrong, kilobytes, tried, code = Marked(), [], first, 0, 1
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], check=True)
    try:
        for name in ("run", "segment"):
            code = 1
            while code:
                command = (
                    words(disk / "r")
                    if name == "run"
                    else segment(disk / "r", disk / "r" / "segmented")
                )
                process = marked.start(command)
                output, _ = process.communicate()
                code, tried = process.returncode, tried + 1
                last = output.strip().splitlines()[-1] if output.strip() else ""
                if code and (code != 1 or "No space left" not in last or "Traceback" in output):
                    wrong.append(f"{kilobytes} kB: exit code {code}: {output[-600:]}")
                if code:
                    kilobytes = int(kilobytes * factor)
                    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", disk], check=True)
        wrong += [f"other: {name}" for name in difference(wanted, contents(disk / "r"))]
        wrong += [f"left: {path}" for path in (disk / "r").rglob(".draft-*")]
    finally:
        subprocess.run(["umount", disk], check=True)
    return wrong, f"{tried} starts, on {first} kB up to {kilobytes} kB"


def soak(minutes, seed, folder, jobs):
    """Random SIGTERM, SIGHUP and SIGKILL for so long, run after run."""
    rng, marked, wrong = random.Random(seed), Marked(), []
    more = ["--jobs", str(jobs)] if jobs else []
    threads = "threads_per_operation=1"  # As tasks side by side have; it decides on last bits.
    wanted, _ = plain(folder / "plain", threads)
    counts, runs, end = collections.Counter(), 0, time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        root = folder / "disturbed"
        shutil.rmtree(root, ignore_errors=True)
        code = None
        while code != 0:
            process = marked.start([*words(root, threads), *more])
            quiet = time.monotonic() >= end
            try:
                output, _ = process.communicate(timeout=None if quiet else rng.uniform(1.0, 40.0))
            except subprocess.TimeoutExpired:
                number = rng.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
                counts[number.name] += 1
                process.send_signal(number)
                output, _ = process.communicate()
                if left := marked.left():
                    wrong.append(f"{number.name} left processes: {left}")
                continue
            code = process.returncode
            if code:
                wrong.append(f"exit code {code}: {output[-500:]}")
                break
        process = marked.start(segment(root, root / "segmented"))
        process.communicate()
        runs += 1
        wrong += [f"other: {name}" for name in difference(wanted, contents(root))]
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    return wrong, f"{minutes} minutes: {told}; {runs} runs to their end"


def main_(given=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["kills", "full", "tmpfs", "soak"])
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=0)
    arguments = parser.parse_args(given)
    # Below nohup it is ignored, by what is started, too.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.what == "kills":
            wrong, told = kills(arguments.count, arguments.seed, folder)
        elif arguments.what == "full":
            wrong, told = full(folder, words, lambda root: segment(root, root / "segmented"))
        elif arguments.what == "tmpfs":
            wrong, told = tmpfs(folder)
        else:
            wrong, told = soak(arguments.minutes, arguments.seed, folder, arguments.jobs)
    for line in wrong:
        print(line)
    verdict = f"{len(wrong)} faults" if wrong else "no fault"
    print(f"{told}; {verdict}; {time.monotonic() - start:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main_())
