import contextlib
import gc
import inspect
import itertools
import json
import os
import shutil
import signal
import struct
import sys
import threading
import types
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.data.labels import CLASSES
from i2i_keras.datasets.gta5 import COLORS
from i2i_keras.datasets.streets import StreetsConfig, write_cityscapes, write_gta5

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # Before TensorFlow is imported.
# In a script's background job the one is ignored, with nohup the other, also by
# the processes that tests start: they would wait for ever for what is sent.
_DEFAULT = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
for _number in _DEFAULT:
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _DEFAULT[_number])
TINY = Path(__file__).with_name("tiny.toml")


def pytest_report_header():
    from i2i_keras import stack

    return f"stack: {stack.NAME}"


@pytest.fixture(scope="session")
def save_as_keras_does():
    """Writes weights of one of Keras' networks as those that it downloads."""

    from i2i_keras import stack

    def save(network, path):
        if stack.KERAS == 2:
            network.save_weights(str(path))
            return
        # It reads such files, but does not write them any more.
        from keras.src.legacy.saving import legacy_h5_format

        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, network)

    return save


# What takes its time: graphs, trainings and other processes.
_HEAVY = ("tensorflow", "keras", "subprocess")


def pytest_collection_modifyitems(items):
    """Marks what is `heavy`: see `_HEAVY`, `Experiment` and `slow`."""
    for item in items:
        known = item._fixtureinfo.name2fixturedefs.values()
        fixtures = [fixture.func for fixtures in known for fixture in fixtures]
        if (
            {"tiny_experiment", "trained_run"} & {*item.fixturenames}
            or item.get_closest_marker("slow")
            or any(_is_heavy(used) for used in _used_by(item.function, *fixtures))
        ):
            item.add_marker("heavy")


def _used_by(*functions):
    """What functions of a test file use by name, also by way of each other."""
    found, left = {}, [*functions]
    while left:
        function = inspect.unwrap(left.pop())
        # Hypothesis hides what it calls.
        function = getattr(getattr(function, "hypothesis", None), "inner_test", function)
        if not isinstance(function, types.FunctionType):
            continue
        for name in _names(function.__code__):
            used = function.__globals__.get(name)
            if used is None or id(used) in found:
                continue
            found[id(used)] = used
            if getattr(used, "__module__", "") == function.__module__:
                left.append(used)
    return found.values()


def _names(code):
    """Names in a function's code and in that of functions within."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return {*code.co_names}.union(*map(_names, inner))


def _is_heavy(used):
    """Whether it is a heavy module, or of a module of ours that uses one."""
    name = used.__name__ if inspect.ismodule(used) else getattr(used, "__module__", None) or ""
    ours = vars(sys.modules[name]) if name.startswith("i2i_keras.") and name in sys.modules else {}
    modules = [name, *(value.__name__ for value in ours.values() if inspect.ismodule(value))]
    return any(module.partition(".")[0] in _HEAVY for module in modules)


@pytest.fixture(scope="module", autouse=True)
def freeze_what_stays():
    """Spares the collector what earlier files leave: millions of objects.

    Each of its later passes would look through all of them again.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def unseal():
    """Lets a test change what a stage has made, as of an earlier version."""

    def forget(stage):
        path = stage / "done.json"
        facts = json.loads(path.read_text("utf-8"))
        for key in ("checksums", "own_checksum"):
            facts.pop(key, None)
        path.write_text(json.dumps(facts), "utf-8")
        (stage / "checksums.json").unlink(missing_ok=True)

    return forget


class Experiment:
    """A run directory of tests/tiny.toml, and what is done with it.

    Attributes:
        root: the run directory.
        changes: `dotted.key=value` each, to the preset.
    """

    def __init__(self, root, *changes):
        self.root, self.changes = root, changes

    def command(self, name, *arguments):
        """Calls a command on it."""
        changes = [f"--set={change}" for change in self.changes]
        words = [name, "--preset", TINY, "--run", self.root, *changes, *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])

    def command_without_settings(self, name, *arguments):
        """Calls a command on it as on a run that keeps no settings."""
        kept = self.root / "settings.json"
        before = kept.read_bytes()
        kept.unlink()
        try:
            return self.command(name, *arguments)
        finally:
            kept.write_bytes(before)

    def settings(self, *changes):
        """Its settings, and further changes to them."""
        from i2i_keras import config
        from i2i_keras.experiment.settings import Settings

        return config.build(Settings, config.read(str(TINY), [*self.changes, *changes]))

    def records(self, table):
        """Those of a table such as `prepare/source-train`."""
        from i2i_keras.data.records import read_records

        return read_records(self.root, self.root / f"{table}.csv")


@pytest.fixture(scope="session")
def tiny_preset():
    """The preset of `Experiment`."""
    return TINY


@pytest.fixture(scope="session")
def tiny_experiment():
    """`Experiment`, from where a run shall be and changes to the preset."""
    return Experiment


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """A run directory with two translators and two arms, none of them scored.

    Not to be changed.
    """
    arms = 'arms=["source_only", "adapted:cyclegan", "adapted:color"]'
    experiment = Experiment(tmp_path_factory.mktemp("trained") / "tiny", arms)
    for words in (
        ("prepare",),
        ("train-translator",),
        ("translate", "--method", "cyclegan"),
        ("train-segmenter", "--arm", "source_only", "--arm", "adapted:cyclegan"),
    ):
        result = experiment.command(*words)
        assert result.exit_code == 0, result.output
    return experiment.root


@pytest.fixture(scope="session")
def show_run():
    """Shows a run directory as long as it is entered, and tells the address."""
    pytest.importorskip("uvicorn", reason="without the extra show")
    from i2i_keras.run_folder.run import Run
    from i2i_keras.show import server
    from i2i_keras.show.networks import Networks

    @contextlib.contextmanager
    def serve(root):
        with server.listen(0) as listener:
            serving = server.build_server(Networks(Run(root)))
            thread = threading.Thread(target=serving.run, args=([listener],))
            thread.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
            finally:
                serving.should_exit = True
                thread.join()

    return serve


@pytest.fixture(scope="session")
def shown(show_run, trained_run):
    """The address at which `trained_run` is shown, with a slash at its end."""
    with show_run(trained_run) as address:
        yield address


@pytest.fixture(scope="session")
def real_data():
    """The folder of real Cityscapes and GTA5 frames."""
    if not os.environ.get("I2I_REAL_DATA"):
        pytest.skip("I2I_REAL_DATA names no folder of real data")
    return Path(os.environ["I2I_REAL_DATA"])


@pytest.fixture
def poison(monkeypatch):
    """Makes a step's losses NaN, after it was computed, the first time only."""

    def set_up(at):
        from i2i_keras.training import devices

        step_of, calls, left = devices.step_of, itertools.count(1), [at]

        def poisoned(model):
            compute = step_of(model)

            def step(batch):
                found = compute(batch)
                if left and next(calls) == left[0]:
                    left.clear()
                    return dict.fromkeys(found, float("nan"))
                return found

            return step

        monkeypatch.setattr(devices, "step_of", poisoned)

    return set_up


@pytest.fixture(scope="session")
def end():
    """From a process to its exit code and what is left to be read of it."""

    def wait(process):
        # Not by `communicate`, which misses what was read ahead.
        timer = threading.Timer(120, process.kill)
        timer.start()
        with process:
            err, out = process.stderr.read(), process.stdout.read()
        timer.cancel()
        return process.returncode, out, err

    return wait


@pytest.fixture(scope="session")
def save():
    """Writes an array as an image file, in new folders where needed."""

    def write(path, pixels):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def save_palette():
    """Writes class ids as GTA5 does: a palette PNG, whose index is the id."""

    def write(path, ids):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.asarray(ids, np.uint8)).convert("P")
        image.putdata(np.asarray(ids).ravel().tolist())
        image.putpalette([value for color in COLORS for value in color])
        image.save(path)
        return path

    return write


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Small streets, 3 + 2 + 2 in each of the folders cityscapes and gta5.

    Not to be changed: `streets` is a copy.
    """
    root = tmp_path_factory.mktemp("drawn")
    sizes = {"camera_size": (64, 128), "game_size": (64, 128)}
    config = StreetsConfig(num_train=3, num_val=2, num_test=2, **sizes)
    write_cityscapes(root / "cityscapes", config, "camera")
    write_gta5(root / "gta5", config, "game")
    return root


@pytest.fixture
def streets(drawn, tmp_path):
    """A copy of `drawn`, to be broken."""
    return Path(shutil.copytree(drawn, tmp_path / "streets"))


@pytest.fixture(scope="session")
def damage():
    """Breaks the file at a path in the way of that name, see `_WAYS`."""
    return lambda way, path: _WAYS[way](path)


def _pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def _repaint(change):
    """Damage that changes the pixels, or the indices of a palette file."""
    return lambda path: Image.fromarray(change(_pixels(path))).save(path)


def _luma(path):
    """A palette file read as gray by TensorFlow, see test_wrong_labels.py."""
    with Image.open(path) as image:
        colors = np.array(image.convert("RGB"), int)
    Image.fromarray((colors @ (299, 587, 114) // 1000).astype(np.uint8)).save(path)


def _pillows_luma(path):
    with Image.open(path) as image:
        gray = image.convert("L")
    gray.save(path)


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _jpeg(path):
    Image.fromarray(_pixels(path)).save(path, "JPEG")


def _cut_jpeg(path):
    _jpeg(path)
    _cut(path)


def _folder(path):
    path.unlink()
    path.mkdir()


def _loop(path):
    path.unlink()
    path.symlink_to(path.name)


def _bomb(path):
    """A PNG of some hundred bytes that says it had 7.5 GB of pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )


def _id_34(ids):
    ids[:2, :5] = 34
    return ids


_TRAIN_IDS = np.array([row.train_id for row in CLASSES] + [255] * 221, np.uint8)
_WAYS = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": _cut,
    "cut jpeg": _cut_jpeg,
    "text": lambda path: path.write_text("404 not found"),
    "folder": _folder,
    "bomb": _bomb,
    "loop": _loop,
    "locked": lambda path: path.chmod(0),
    "gone": lambda path: path.unlink(),
    "one color": _repaint(lambda pixels: np.full_like(pixels, 90)),
    "jpeg": _jpeg,
    "rgb": _repaint(lambda ids: np.stack([ids] * 3, axis=-1)),
    "instances": _repaint(lambda ids: np.where(ids < 8, 26000, ids.astype(np.uint16))),
    "16 bit": _repaint(lambda ids: ids.astype(np.uint16)),
    "luma": _luma,
    "pillow's luma": _pillows_luma,
    "train ids": _repaint(_TRAIN_IDS.__getitem__),
    "id 34": _repaint(_id_34),
    "void": _repaint(np.zeros_like),
    "inverted": _repaint(lambda pixels: 255 - pixels),
    "two columns less": _repaint(lambda pixels: np.ascontiguousarray(pixels[:, :-2])),
    "half as wide": _repaint(lambda pixels: np.ascontiguousarray(pixels[:, ::2])),
}
