"""Bad input of every kind, by seed: nothing ends in a traceback.

Every case damages a file that we read, a setting or the arguments of a command,
and looks at what comes of it. An oracle decides: it has to be refused in one
sentence, or to give what the undamaged one gives.

    python tests/fuzz.py --cases 10000 --seed 0

A process of its own does the cases, so that one that ends it, hangs or takes
all memory is found as well. `test_fuzz.py` has a reduced form.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.records import Record, image_size, read_image, read_records, write_records
from i2i_keras.datasets import reading
from i2i_keras.datasets.spaces import LABEL_SPACES, read_space, write_space
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.evaluation.confusion import read_confusion, write_confusion
from i2i_keras.evaluation.summary import read_arm_file, read_summary, write_summary
from i2i_keras.experiment import counting, run_settings
from i2i_keras.experiment.settings import Settings
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.run_folder import checksums, files
from i2i_keras.run_folder import run as runs
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters import trained
from i2i_keras.training import history
from i2i_keras.training.checkpoints import Checkpoints, load_network
from i2i_keras.training.weights import save_weights
from i2i_keras.translators import color

SECONDS, BYTES = 10, 2 * 2**30
SPACE = LABEL_SPACES["cityscapes19"]
TINY = Path(__file__).with_name("tiny.toml")


class Outcome(NamedTuple):
    """What came of a case: `refused`, `equal`, or a fault."""

    kind: str
    told: str = ""


class Case(NamedTuple):
    """What is damaged, how, and what came of it."""

    number: int
    target: str
    damage: str
    outcome: str
    told: str
    seconds: float
    megabytes: float


class Target(NamedTuple):
    """A file that is read, and how.

    Attributes:
        path: of the file, below the corpus.
        read: from the corpus to something that can be compared.
        sealed: whether it must not be read differently: it has checksums, of
            its own or of its stage. Of others it is enough that nothing is
            raised but a refusal.
    """

    path: str
    read: object
    sealed: bool


# --- What is read ------------------------------------------------------------


def build(root):
    """A run with a file of every kind, without a training."""
    rng = np.random.default_rng(0)
    run = Run(root / "run")
    network = build_unet(UNetConfig(filters=2, depth=1, l2=0.0), 19)

    def prepare(folder):
        for table in ("source-train", "target-train", "target-test"):
            written = []
            for number in range(3):
                image = folder / table / "images" / f"{number}.png"
                label = folder / table / "labels" / f"{number}.png"
                for path, size in ((image, (8, 16, 3)), (label, (8, 16))):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(rng.integers(0, 19, size).astype(np.uint8)).save(path)
                written.append(Record(str(number), image, label))
            write_records(run.root, run.table(folder, table), written)
        write_space(run.label_space, SPACE)
        return {}

    def segmenter(folder):
        files.write_json(
            folder / "config.json",
            {"num_classes": 19, "network": "unet", "unet": {"filters": 2, "depth": 1, "l2": 0.0}},
        )
        save_weights(network, folder / "unet.weights.h5")
        rows = [{"step": step, "loss": 1.0 / step, "val_loss": 0.5} for step in range(1, 5)]
        files.write_table(folder / "history.csv", rows, list(rows[0]))
        Checkpoints(network, folder).save(4, {"sums": {"loss": [1.0, 1]}})
        return {"kept_step": 4}

    def translator(folder):
        images = [[r.image for r in read(run, f"{d}-train")] for d in ("source", "target")]
        return color.fit(color.ColorConfig(), *images, folder, 0)

    def scores(folder):
        counts = rng.integers(1, 99, (2, 19, 19))
        np.savez_compressed(run.confusions("source_only"), confusions=counts)
        return {"num_images": 2}

    run.stage(run.records, {}, {}, prepare)
    run.stage(run.segmenter("source_only"), {}, {}, segmenter)
    run.stage(run.translator("color"), {}, {}, translator)
    run.stage(run.scores("source_only"), {}, {}, scores)
    _build_scores(run)
    _build_files(root, rng)


def _build_scores(run):
    arm = {"mean_iou": 0.5, "ci95": [0.4, 0.6]}
    write_summary(
        run,
        {
            "label_space": "cityscapes19",
            "num_images": 2,
            "bootstrap_samples": 20,
            "absent": [],
            "arms": {"source_only": arm},
        },
    )
    iou = dict.fromkeys(SPACE.names, 0.5)
    files.write_json(run.score_file("source_only"), {"arm": "source_only", **arm, "iou": iou})
    write_confusion(run.confusion_file("source_only"), SPACE.names, np.eye(19, dtype=np.int64))
    folder = run.summary.parent
    checksums.write(
        run.root, folder, [path for path in checksums.made_in(folder) if path.parent == folder]
    )
    run_settings.keep(run, "tiny", config.build(Settings, config.read(str(TINY))))


def _build_files(root, rng):
    Image.fromarray(rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)).save(root / "image.png")
    labels = np.kron(rng.integers(0, 19, (5, 6)), np.ones((8, 10))).astype(np.uint8)
    Image.fromarray(labels).save(root / "label.png")
    palette = Image.fromarray(labels)
    palette.putpalette([*range(256)] * 3)
    palette.save(root / "palette.png")
    Image.fromarray(labels.astype(np.uint16) * 255).save(root / "deep.png")
    for ending in ("jpg", "tif", "bmp", "webp", "gif"):
        Image.open(root / "image.png").save(root / f"image.{ending}")
    shutil.copy(TINY, root / "preset.toml")
    shipped = Path(reading.__file__).parent / "shipped" / "camvid.toml"
    shutil.copy(shipped, root / "dataset.toml")


def read(run, table):
    return read_records(run.root, run.table(run.records, table))


def _pixels(root, name):
    return np.asarray(read_image(root / name)), image_size(root / name)


def _labels(root, name):
    reader = LabelReader(np.arange(256, dtype=np.uint8), np.ones(256, bool))
    return reader.numbers(root / name)


def _weights(run):
    return [
        array.tolist() for array in trained.load(run.segmenter("source_only")).model.get_weights()
    ]


def _checkpoint(run):
    network = build_unet(UNetConfig(filters=2, depth=1, l2=0.0), 19)
    load_network(run.segmenter("source_only"), 4, "dec0_conv0", network.layers[1])
    return True


def _restore(run):
    network = build_unet(UNetConfig(filters=2, depth=1, l2=0.0), 19)
    restored = Checkpoints(network, run.segmenter("source_only")).restore()
    if not restored.step:  # The training begins anew, which makes the same.
        raise DataError("there is none")
    return restored.step, [array.tolist() for array in network.get_weights()]


def _translate(run):
    translate = color.load(run.translator("color"), "xy")
    return np.asarray(translate(np.linspace(-1, 1, 96, dtype=np.float32).reshape(1, 4, 8, 3)))


def _records(run):
    for table in ("source-train", "target-test"):
        yield read(run, table)


def of_run(stage, function):
    """How stages read: what changed is refused before."""

    def look(root):
        run = Run(root / "run")
        if stage == "evaluate":
            checksums.refuse(checksums.changes(run.root, run.summary.parent), "evaluate again")
        else:
            run.done(stage)
        return function(run)

    return look


def bare(function):
    """The reader alone, as of a run of an earlier version."""
    return lambda root: function(Run(root / "run"))


_SEGMENTER, _TRANSLATOR = "train-segmenter/source_only", "train-translator/color"
_SCORES = "evaluate/source_only"
_OF_RUN = [
    ("prepare", "prepare/source-train.csv", lambda run: [*_records(run)]),
    ("prepare", "prepare/target-test/labels/1.png", lambda run: [*_records(run)]),
    ("prepare", "prepare/label_space.json", lambda run: read_space(run.label_space)[:2]),
    ("prepare", "prepare/done.json", lambda run: run.done("prepare")),
    ("prepare", "prepare/checksums.json", lambda run: run.done("prepare")),
    (_SEGMENTER, f"{_SEGMENTER}/unet.weights.h5", _weights),
    (_SEGMENTER, f"{_SEGMENTER}/config.json", _weights),
    (
        _SEGMENTER,
        f"{_SEGMENTER}/history.csv",
        lambda run: history._read(run.history(run.segmenter("source_only"))),
    ),
    (_SEGMENTER, f"{_SEGMENTER}/checkpoints/ckpt-4.index", _restore),
    (_SEGMENTER, f"{_SEGMENTER}/checkpoints/ckpt-4.data-00000-of-00001", _restore),
    (_TRANSLATOR, f"{_TRANSLATOR}/references.npz", _translate),
    (_TRANSLATOR, f"{_TRANSLATOR}/config.json", _translate),
    (
        _SCORES,
        f"{_SCORES}/confusions.npz",
        lambda run: counting.load_confusions(run, "source_only"),
    ),
    ("evaluate", "evaluate/summary.json", read_summary),
    ("evaluate", "evaluate/source_only.json", lambda run: read_arm_file(run, "source_only")),
    (
        "evaluate",
        "evaluate/source_only-confusion.csv",
        lambda run: read_confusion(run.confusion_file("source_only")),
    ),
]
TARGETS = {
    **{
        f"stage reads {path}": Target(f"run/{path}", of_run(stage, function), True)
        for stage, path, function in _OF_RUN
    },
    **{
        f"bare {path}": Target(f"run/{path}", bare(function), False)
        for _, path, function in _OF_RUN
    },
    "settings.json": Target("run/settings.json", bare(run_settings.read), False),
    "image.png": Target("image.png", lambda root: _pixels(root, "image.png"), True),
    "label.png": Target("label.png", lambda root: _labels(root, "label.png"), True),
    "palette.png": Target("palette.png", lambda root: _labels(root, "palette.png"), True),
    "deep.png": Target("deep.png", lambda root: _pixels(root, "deep.png"), True),
    **{
        # They have no checksums.
        f"image.{kind}": Target(
            f"image.{kind}", lambda root, kind=kind: _pixels(root, f"image.{kind}"), False
        )
        for kind in ("jpg", "tif", "bmp", "webp", "gif")
    },
    "preset": Target(
        "preset.toml",
        lambda root: config.build(Settings, config.read(str(root / "preset.toml"))),
        False,
    ),
    "dataset.toml": Target(
        "dataset.toml", lambda root: reading.read(root / "dataset.toml").content, False
    ),
}


# --- Damage ------------------------------------------------------------------


_TOKENS = [
    *(
        b"NaN",
        b"Infinity",
        b"-1",
        b"1e999",
        b"99999999999999999999",
        b"null",
        b"true",
        b"{}",
        b"[]",
    ),
    *(
        b'""',
        b"../../etc/passwd",
        b"/dev/zero",
        b"\0",
        b"\xff\xfe",
        b"'",
        b'"',
        b",",
        b"\n",
        b"[" * 3000,
    ),
    *(b"a" * 200_000, "ẞ\u202e😀".encode(), b"$(id)", b"-0.0", b"0x10", b"1_000", b"# "),
]


def _bytes(rng, data):
    """One of many ways to change bytes."""
    size = len(data)
    at, length = int(rng.integers(0, size + 1)), int(rng.integers(1, max(2, size // 4)))
    junk = rng.integers(0, 256, min(length, 4096)).astype(np.uint8).tobytes()
    token = _TOKENS[rng.integers(len(_TOKENS))]
    flipped = bytearray(data)
    for place in rng.integers(0, max(1, size), rng.integers(1, 9)):
        if size:
            flipped[place] ^= 1 << int(rng.integers(8))
    ways = {
        "bits": bytes(flipped),
        "cut": data[:at],
        "head gone": data[at:],
        "hole": data[:at] + data[at + length :],
        "zeros": data[:at] + bytes(min(length, size - at)) + data[at + length :],
        "junk": data[:at] + junk + data[at + len(junk) :],
        "more junk": data[:at] + junk + data[at:],
        "junk behind": data + junk,
        "twice": data[:at] + data[at : at + length] + data[at:],
        "token": data[:at] + token + data[at:],
        "token instead": data[:at] + token + data[at + len(token) :],
        "empty": b"",
        "ones": data[:at] + b"\xff" * 8 + data[at + 8 :],
        "digits": data.replace(str(rng.integers(10)).encode(), str(rng.integers(99)).encode(), 1),
    }
    name = [*ways][rng.integers(len(ways))]
    return name, ways[name]


_VALUES = [
    *(
        None,
        True,
        -1,
        0,
        10**30,
        1e308,
        "",
        "x",
        "../x",
        [],
        {},
        [[]],
        "NaN",
        0.5,
        "\ud800x",
        ["a"] * 3,
    ),
]


def _json(rng, data):
    """A well-formed JSON of another meaning."""
    facts = json.loads(data)
    places = []

    def walk(node, path=()):
        for key in [*node] if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    if isinstance(facts, dict | list):
        walk(facts)
    if not places:
        return "json", json.dumps([facts]).encode()
    node, key = places[rng.integers(len(places))]
    way = rng.integers(4)
    if way == 0:
        del node[key]
    elif way == 1 and isinstance(node, dict):
        node["unknown"] = node.pop(key)
    else:
        node[key] = _VALUES[rng.integers(len(_VALUES))]
    return "json", json.dumps(facts).encode()


def _csv(rng, data):
    lines = data.decode().splitlines()
    row, values = int(rng.integers(len(lines))), [b.decode("utf-8", "replace") for b in _TOKENS]
    cells = lines[row].split(",")
    at = int(rng.integers(len(cells)))
    way = ["cell", "double row", "no row", "double cell", "no cell", "swap"][rng.integers(6)]
    if way == "cell":
        cells[at] = values[rng.integers(len(values))]
    elif way == "double cell":
        cells.insert(at, cells[at])
    elif way == "no cell":
        del cells[at]
    elif way == "swap":
        cells.reverse()
    lines[row] = ",".join(cells)
    if way == "double row":
        lines.insert(row, lines[row])
    elif way == "no row":
        del lines[row]
    return f"csv {way}", ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(rng, data):
    """Chunks of another content with right checksums, or in another order."""
    chunks, at = [], 8
    while at + 8 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = int(rng.integers(len(chunks)))
    way = ["size", "order", "no chunk", "chunk twice", "huge", "text bomb", "depth"][
        rng.integers(7)
    ]
    kind, body = chunks[0]
    if way == "size":
        width, height = (int(value) for value in rng.integers(0, 70_000, 2))
        chunks[0] = kind, struct.pack(">II", width, height) + body[8:]
    elif way == "huge":
        chunks[0] = kind, struct.pack(">II", 2**31 - 1, int(rng.integers(2**31))) + body[8:]
    elif way == "depth":
        chunks[0] = kind, body[:8] + bytes(rng.integers(0, 17, 2).tolist()) + body[10:]
    elif way == "order":
        order = rng.permutation(len(chunks))
        chunks = [chunks[index] for index in order]
    elif way == "no chunk":
        del chunks[place]
    elif way == "chunk twice":
        chunks.insert(place, chunks[place])
    else:
        chunks.insert(1, (b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26))))
    return f"png {way}", data[:8] + b"".join(_chunk(*chunk) for chunk in chunks)


def _hdf5(rng, data):
    file = io.BytesIO(data)
    with h5py.File(file, "r+") as opened:
        found = []
        opened.visititems(lambda at, o: found.append(at) if isinstance(o, h5py.Dataset) else None)
        at = found[rng.integers(len(found))]
        shape, old = opened[at].shape, opened[at][()]
        del opened[at]
        way = ["gone", "shape", "kind", "text", "outside", "storage", "nan", "huge"][
            rng.integers(8)
        ]
        if way == "shape":
            opened[at] = np.zeros([side + 1 for side in shape] or [2], np.float32)
        elif way == "kind":
            opened[at] = np.zeros(shape, [np.int8, np.float64, np.complex64][rng.integers(3)])
        elif way == "text":
            opened.create_dataset(at, shape, h5py.string_dtype())
        elif way == "outside":
            opened[at] = h5py.ExternalLink("/etc/passwd", "/a")
        elif way == "storage":
            opened.create_dataset(at, shape, "f4", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])
        elif way == "nan":
            opened[at] = np.full(shape, np.nan, np.float32)
        elif way == "huge":
            opened.create_dataset(at, (2**36,), "f4", chunks=(2**20,), compression="gzip")
        else:
            opened[f"{at}x"] = old
    return f"hdf5 {way}", file.getvalue()


def _npz(rng, data):
    with np.load(io.BytesIO(data)) as arrays:
        table = dict(arrays)
    name = [*table][rng.integers(len(table))]
    way = ["gone", "shape", "kind", "pickle", "nan", "huge", "negative"][rng.integers(7)]
    array = table.pop(name)
    file = io.BytesIO()
    if way == "shape":
        table[name] = array[..., None]
    elif way == "kind":
        table[name] = array.astype([np.int8, np.float16, np.complex64, "U5"][rng.integers(4)])
    elif way == "pickle":
        table[name] = np.array([{"a": 1}], object)
    elif way == "nan":
        table[name] = np.full(array.shape, np.nan)
    elif way == "negative":
        table[name] = -array.astype(np.int64) - 1
    np.savez(file, **table)
    if way == "huge":
        head = np.lib.format.header_data_from_array_1_0(array) | {"shape": (2**40,)}
        member = io.BytesIO()
        np.lib.format.write_array_header_1_0(member, head)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(f"{name}.npy", member.getvalue())
    return f"npz {way}", file.getvalue()


_STRUCTURED = {".json": _json, ".csv": _csv, ".png": _png, ".h5": _hdf5, ".npz": _npz}
_PLACES = ("missing", "folder", "pipe", "device", "loop", "link to nothing")


def damage(rng, path):
    """Damages a file; returns how."""
    data = path.read_bytes()
    way = rng.random()
    if way < 0.06:
        place = _PLACES[rng.integers(len(_PLACES))]
        path.unlink()
        {
            "missing": lambda: None,
            "folder": path.mkdir,
            "pipe": lambda: os.mkfifo(path),
            "device": lambda: path.symlink_to("/dev/zero"),
            "loop": lambda: path.symlink_to(path.name),
            "link to nothing": lambda: path.symlink_to("nothing"),
        }[place]()
        return place
    change = _STRUCTURED.get(path.suffix, _bytes) if way < 0.5 else _bytes
    name, new = change(rng, data)
    path.write_bytes(new)
    return name


# --- Settings and arguments --------------------------------------------------


def _setting(rng):
    """An override of any setting, by any value."""
    settings = config.build(Settings, config.read(str(TINY)))
    names = [*config.flat(settings.model_dump(mode="json"))]
    values = [
        *(
            "-1",
            "0",
            "1",
            "3",
            "1e9",
            "1e400",
            "nan",
            "inf",
            str(2**31),
            str(2**63),
            str(2**200),
            "true",
        ),
        *(
            '""',
            '"x"',
            "[]",
            "[1]",
            "[1,2]",
            "[1,2,3]",
            "{}",
            "{a=1}",
            "[[1]]",
            "[" * 400,
            "\0",
            "ẞ",
        ),
        *(
            "0.5",
            "-0.5",
            "'a",
            "x y",
            "[nan, 1]",
            "[16384, 16384]",
            "2024-01-01",
            "1e-320",
            "\ud800",
        ),
    ]
    name, value = names[rng.integers(len(names))], values[rng.integers(len(values))]
    if rng.random() < 0.2:
        name = name[: rng.integers(len(name) + 1)] + ["", ".", "x", "..", "=", " "][rng.integers(6)]
    return f"{name}={value}"


def try_setting(rng):
    override = _setting(rng)

    def read_it():
        table = config.read(str(TINY), [override])
        built = config.build(Settings, table).model_dump(mode="json")
        given, dotted = table, override.partition("=")[0]
        for part in dotted.split("."):
            given, built = given[part.strip()], built[part.strip()]
        # What is taken is what was given; parts of a table may be defaults.
        if isinstance(given, dict):
            return "equal"
        return "equal" if _same(built, given) else f"silently {built!r} instead of {given!r}"

    return "setting", repr(override)[:120], read_it


def _same(one, other):
    if isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(other, float) and np.isnan(other):
        return False
    return one == other or str(one) == str(other)


_LONG = ("run", "prepare", "streets", "ablate", "evaluate", "report", "train-translator")
_LONG += ("train-segmenter", "init")


def _arguments(rng, root):
    commands = [*main.commands, "", "no", "--version", "--x"]
    command = commands[rng.integers(len(commands))]
    options = [
        "--run",
        "--preset",
        "--set",
        "--images",
        "--out",
        "--seed",
        "--arm",
        "--method",
        "--x",
    ]
    options += [
        "--step",
        "--shard",
        "--format",
        "--source",
        "--workers",
        "--only",
        "--help",
        "--tile",
    ]
    values = [
        *(
            str(root / "nothing"),
            str(root / "image.png"),
            "-1",
            "0",
            "x",
            "",
            str(2**70),
            "1/2",
            "0/0",
        ),
        *(
            "\0",
            "a" * 5000,
            "ẞ",
            "../..",
            "/dev/null",
            "*",
            "[",
            "a=b",
            "=",
            "seed=1",
            "oracle",
            "color",
        ),
    ]
    words = [command]
    if command in ("segment", "export", "translate") and rng.random() < 0.5:
        words += ["--run", str(root / "corpus" / "run")]
    for _ in range(rng.integers(0, 5)):
        words.append(options[rng.integers(len(options))])
        if rng.random() < 0.85:
            words.append(values[rng.integers(len(values))])
    if command in _LONG:  # Whatever else they are given, they are to refuse it.
        words += ["--preset", str(root / "nothing.toml")]
    return words


def try_arguments(rng, root):
    words = _arguments(rng, root)

    def call():
        folder = root / "elsewhere"
        folder.mkdir()
        before = Path.cwd()
        os.chdir(folder)
        try:
            result = CliRunner().invoke(main, words)
        finally:
            os.chdir(before)
            shutil.rmtree(folder)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code not in (0, 1, 2):
            return f"silently ended with {result.exit_code}: {result.output[-300:]}"
        if result.exit_code and not result.output.strip():
            return "silently ended without a word"
        return "equal"

    return "arguments", repr(words)[:200], call


# --- The oracle --------------------------------------------------------------


class _TooLong(BaseException):
    """No reader may catch it."""


def _alarm(*_):
    raise _TooLong


def judge(function, wanted=None, sealed=False):
    """Calls a reader, and decides what came of it."""
    signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(SECONDS)
    try:
        found = function()
    except (DataError, SettingsError) as error:
        told = str(error)
        # One sentence, or the few of a setting; no traceback within.
        return Outcome("traceback", told) if "Traceback" in told else Outcome("refused", told)
    except OSError as error:  # The commands say its file and reason.
        known = error.filename and error.strerror
        return Outcome("refused" if known else "traceback", repr(error))
    except _TooLong:
        return Outcome("too long")
    except MemoryError:
        return Outcome("memory")
    except BaseException as error:
        return Outcome("traceback", f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
    if isinstance(found, str) and found.startswith("silently"):
        return Outcome("silent", found)
    if sealed and not _equal(found, wanted):
        return Outcome("silent", f"{found!r}"[:300])
    return Outcome("equal")


def _equal(one, other):
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def _peak():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def run_cases(numbers, seed, root):
    """Does cases, each by its number; yields what came of them."""
    runs._MOMENT = -1.0  # Stages are looked at each time.
    corpus = root / "corpus"
    if not corpus.is_dir():
        build(corpus)
    wanted = {name: target.read(corpus) for name, target in TARGETS.items()}
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        before, start = _peak(), time.perf_counter()
        name, how, outcome = _one(rng, corpus, wanted)
        seconds, more = time.perf_counter() - start, max(0, _peak() - before)
        if seconds > SECONDS:
            outcome = Outcome("too long", outcome.told)
        elif more > BYTES:
            outcome = Outcome("memory", outcome.told)
        yield Case(number, name, how, *outcome, round(seconds, 3), more / 2**20)


def _one(rng, corpus, wanted):
    draw = rng.random()
    if draw < 0.15:
        name, how, function = try_setting(rng)
        return name, how, judge(function)
    if draw < 0.2:
        name, how, function = try_arguments(rng, corpus.parent)
        return name, how, judge(function)
    name = [*TARGETS][rng.integers(len(TARGETS))]
    target = TARGETS[name]
    path = corpus / target.path
    kept = {}
    for other in {path, *path.parent.glob("*.json"), *path.parent.glob("ckpt-*")}:
        kept[other] = other.read_bytes(), other.stat()
    try:
        how = damage(rng, path)
        if path.is_file() and not path.is_symlink() and path.read_bytes() == kept[path][0]:
            return name, f"{how} (nothing)", Outcome("equal")
        return name, how, judge(lambda: target.read(corpus), wanted[name], target.sealed)
    finally:
        for other, (data, state) in kept.items():
            _put_back(other, data, state)


def _put_back(path, data, state):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        return
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


# --- The command -------------------------------------------------------------


def _work(arguments):
    """Does cases in this process, a line each."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    first, last = arguments.work
    for case in run_cases(range(first, last), arguments.seed, Path(arguments.root)):
        print(json.dumps(case), flush=True)


def supervise(count, seed, root, stall=90.0):
    """All cases, in processes that may end or hang; yields them."""
    done = 0
    while done < count:
        command = [sys.executable, __file__, "--seed", str(seed), "--root", str(root)]
        with subprocess.Popen(
            [*command, "--work", str(done), str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            last = [time.monotonic()]
            fault = yield from _lines(process, last, stall, done)
            done = fault
        if done < count:
            code = process.returncode
            yield Case(done, "?", "?", "ended the process", f"exit code {code}", 0.0, 0.0)
            shutil.rmtree(Path(root) / "corpus", ignore_errors=True)
            done += 1


def _lines(process, last, stall, done):
    import selectors

    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    rest = b""
    while True:
        if not selector.select(stall):
            process.kill()
            return done
        data = os.read(process.stdout.fileno(), 2**16)
        if not data:
            return done
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            case = Case(*json.loads(line))
            done = case.number + 1
            yield case


def main_(words=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--root")
    parser.add_argument("--work", type=int, nargs=2)
    parser.add_argument("--out", help="Gets a line of JSON for each case that is a fault.")
    arguments = parser.parse_args(words)
    if arguments.work:
        _work(arguments)
        return 0
    start, counts = time.perf_counter(), collections.Counter()
    slowest, largest, faults = 0.0, 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for case in supervise(arguments.cases, arguments.seed, arguments.root or folder):
            counts[case.outcome] += 1
            slowest, largest = max(slowest, case.seconds), max(largest, case.megabytes)
            if case.outcome not in ("refused", "equal"):
                faults.append(case)
                print(json.dumps(case._asdict()), flush=True)
    if arguments.out:
        Path(arguments.out).write_text("".join(json.dumps(c._asdict()) + "\n" for c in faults))
    told = ", ".join(f"{number} {kind}" for kind, number in counts.most_common())
    print(
        f"{sum(counts.values())} cases of seed {arguments.seed} in"
        f" {time.perf_counter() - start:.0f} s: {told}; slowest {slowest:.1f} s,"
        f" most memory {largest:.0f} MB more"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main_())
