"""Benchmarks that count or compute, and those that show themselves to run."""

import datetime
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.segmenters import memory
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    """Imports benchmarks by name, as they import each other."""
    sys.path.insert(0, str(BENCHMARKS))
    yield __import__
    sys.path.remove(str(BENCHMARKS))


# --- Counts ------------------------------------------------------------------


def unet_multiplications(filters, depth, side, classes):
    """By hand: two 3x3 convolutions a level, 2x2 on the way up, 1x1 in the end.

    Returns:
        Those of one image, forward, and those of the first convolution.
    """
    pixels = [(side >> level) ** 2 for level in range(depth + 1)]
    widths = [filters << level for level in range(depth + 1)]
    first = 9 * 3 * widths[0] * pixels[0]
    down = first + 9 * widths[0] ** 2 * pixels[0]
    for level in range(1, depth + 1):
        down += 9 * (widths[level - 1] * widths[level] + widths[level] ** 2) * pixels[level]
    up = widths[0] * classes * pixels[0]
    for level in range(depth):
        up += 4 * widths[level + 1] * widths[level] * pixels[level + 1]
        up += 9 * (2 * widths[level] * widths[level] + widths[level] ** 2) * pixels[level]
    return down + up, first


@pytest.fixture(scope="module")
def unet_step(benchmark):
    """The step of a U-Net: its settings, its model and its graph."""
    config = SegmenterConfig(
        unet=UNetConfig(filters=16, depth=2),
        pipeline=PipelineConfig(batch_size=4, crop=(64, 64)),
    )
    model = SegmenterModel(config, 19)
    model.compile(steps=10)
    batch = tf.TensorSpec((4, 64, 64, 3)), tf.TensorSpec((4, 64, 64), tf.int32)
    return config, model, benchmark("flops").step_graph(model, *batch)


def test_a_step_is_three_times_the_way_forward_but_for_the_images_gradient(benchmark, unet_step):
    every, first = unet_multiplications(16, 2, 64, 19)
    assert benchmark("flops").total(unet_step[2]) == 2 * 4 * (3 * every - first)


def profiled(graph):
    """What TensorFlow's own profiler counts, by type of operation."""
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    node = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    found, left = {}, [node]
    while left:
        node = left.pop()
        found[node.name] = node.float_ops
        left += node.children
    return found


@pytest.mark.filterwarnings("ignore::Warning")  # TensorFlow's own.
def test_tensorflows_profiler_counts_the_same(benchmark):
    flops = benchmark("flops")
    # Where convolutions pad by themselves; else it counts the gradient by what
    # they read as if they read the padding from everywhere.
    network = build_unet(UNetConfig(filters=4, depth=2), 19)

    def gradients(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(network(images, training=True) ** 2)
        return tape.gradient(loss, [images, *network.trainable_variables])

    graph = flops.forward_graph(gradients, 2, 32, 32, 3)
    kinds = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
    assert flops.total(graph) == sum(profiled(graph)[kind] for kind in kinds)


def test_products_of_matrices_count(benchmark):
    flops = benchmark("flops")

    def function(images):
        rows = tf.reshape(images, (6, 4))
        return tf.matmul(rows, rows, transpose_a=True), tf.matmul(images, images, adjoint_b=True)

    # 4x6 by 6x4, and of three pairs 2x4 by 4x2.
    assert flops.total(flops.forward_graph(function, 3, 2, 4)) == 2 * (4 * 6 * 4 + 3 * 2 * 4 * 2)


def test_what_is_not_read_any_more_is_not_held(benchmark):
    flops = benchmark("flops")

    def chain(images):
        for _ in range(5):
            images = tf.nn.relu(images)
        return images

    # The second's input is the first's output; the images are given.
    assert flops.peak_bytes(flops.forward_graph(chain, 2, 8, 8, 3)) == 2 * (2 * 8 * 8 * 3 * 4)


def test_both_estimates_of_a_steps_memory_agree(benchmark, unet_step):
    config, model, graph = unet_step
    flops = benchmark("flops")
    weights = flops.variable_bytes(model.network.trainable_variables)
    told = memory.step_bytes(model.network, config.pipeline.crop, config.pipeline.batch_size)
    held = flops.peak_bytes(graph) + 3 * weights
    assert held == pytest.approx(told - memory._RUNTIME, rel=0.25)


REAL_STEP = """
import resource, sys
import tensorflow as tf
sys.path.insert(0, sys.argv[1])
import flops
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig
model = CycleGAN(CycleGANConfig(pipeline={"batch_size": 1, "crop": (128, 128)}))
model.compile(steps=10)
images = tf.random.uniform((1, 128, 128, 3), -1, 1)
step = tf.function(lambda *batch: model.train_step(batch), autograph=False)
graph = step.get_concrete_function(images, images).graph
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
step(images, images)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(flops.peak_bytes(graph), 1024 * (after - before))
"""


@pytest.mark.slow  # The paper's generators take their time on two cores.
def test_a_step_of_the_papers_networks_holds_about_what_is_counted():
    words = [sys.executable, "-c", REAL_STEP, BENCHMARKS]
    result = subprocess.run(words, capture_output=True, text=True)
    counted, held = map(int, result.stdout.split())
    # Scratch of convolutions comes on top, and pages that are not given back.
    assert counted < held < 2 * counted


# --- Experiments that are computed -------------------------------------------


@pytest.fixture(scope="module")
def experiment(benchmark):
    """The student report's, with tiny networks."""
    scale = benchmark("scale")
    return scale.computed("student_report", more=scale.SMOKE)


def test_one_gpu_takes_the_sum_of_all_tasks(experiment):
    total = sum(experiment.seconds(place, 1) for place in range(len(experiment.tasks)))
    assert experiment.laid_out(1, 1) == pytest.approx(total)


def test_many_gpus_take_as_long_as_the_longest_chain(experiment):
    chain = experiment.chain(1)
    kinds = [experiment.tasks[place].kind for place in chain]
    assert kinds == ["train-translator", "translate", "train-segmenter", "evaluate"]
    total = sum(experiment.seconds(place, 1) for place in chain)
    assert experiment.laid_out(64, 1) == pytest.approx(total)


def test_a_batch_of_one_is_not_divided(experiment):
    unit = experiment.units["train cyclegan"]
    assert unit.on(8, experiment.gpu) == unit.seconds
    assert experiment.units["train segmenter"].images == 32
    assert experiment.units["train segmenter"].on(8, experiment.gpu) >= (
        experiment.units["train segmenter"].seconds / 8
    )


def test_the_students_experiment_has_the_reports_steps(experiment):
    times = dict(amount for some in experiment.amounts.values() for amount in some)
    assert times["train cyclegan"] == 50 * 2082  # Of the smaller domain.
    # 2,082 images are 65 batches of 32; the oracle has the larger domain.
    steps = [n for some in experiment.amounts.values() for of, n in some if of == "train segmenter"]
    assert steps == [15 * 65, 15 * 65, 15 * (12403 // 32)]


# --- Those that show themselves to run ---------------------------------------


def last_line(name, *words):
    result = subprocess.run(
        [sys.executable, BENCHMARKS / name, "--smoke", *words], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout, json.loads(result.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_cost_of_thirteen_arms_is_told():
    told, found = last_line("scale.py", "thirteen_arms")
    hours = [*found["thirteen_arms"].values()]
    assert len(hours) == 3 and hours[0] >= hours[1] >= hours[2] > 0
    assert "| train self_training | 8 |" in told


@pytest.mark.slow
def test_every_stage_of_a_large_set_is_measured():
    told, found = last_line("large_sets.py")
    assert {"audit, folder", "prepare", "translate cyclegan", "evaluate"} <= {*found}
    assert "| batches, held |" in told


@pytest.mark.slow  # Six processes that load TensorFlow.
@pytest.mark.parametrize(
    "other",
    [os.environ.get("I2I_OTHER_PYTHON", sys.executable), str(Path(__file__).parents[1])],
    ids=["environments", "checkouts"],
)
def test_two_of_them_are_timed_side_by_side(other):
    told, found = last_line("stacks.py", other)
    assert told.count("the first after") == 2 * len(found)
    assert len(found) == told.count(" times (")
    assert {"unet_64x64_width_4_batch_1_float32"} <= {*found}
    assert all(low <= ratio <= high for ratio, low, high in found.values())


def test_the_ratio_of_two_stacks_has_an_interval_that_holds_it_in_95_of_100(benchmark):
    stacks, rng = benchmark("stacks"), np.random.default_rng(0)
    held = 0
    for _ in range(400):
        # Pairs of processes differ by a hundredth, their steps by a thousandth.
        ratios = 1.1 * np.exp(rng.normal(0, 0.01, 6))
        seconds = np.stack([np.ones(6), ratios], axis=1)[..., None]
        seconds = seconds * np.exp(rng.normal(0, 0.001, (6, 2, 30)))
        ratio, low, high = stacks.ratio_of_medians(seconds)
        assert low < ratio < high
        held += low < 1.1 < high
    # Four deviations of a count of 400.
    assert abs(held - 380) < 4 * np.sqrt(400 * 0.95 * 0.05)


def test_the_time_of_a_frame_is_that_between_two_sizes(benchmark):
    large_sets = benchmark("large_sets")
    costs = {
        size: {
            "prepare": large_sets.Cost(mib=500 + size / 100, cpu=3 + size / 500, clock=9, told="")
        }
        for size in (1000, 5000, 25000)
    }
    table = large_sets.costs_table(costs)
    assert table.splitlines()[-1] == "| prepare | 510 | 550 | 750 | 2.00 | 2.00 |"
    assert large_sets.growth(costs) == {"prepare": 10.0}


def test_no_two_frames_are_alike_and_labels_are_streets(benchmark, tmp_path):
    from PIL import Image

    large_sets = benchmark("large_sets")
    pixels = []
    for seed in range(3):
        paths = tmp_path / f"{seed}.png", tmp_path / f"{seed}_label.png"
        large_sets.draw_frame((seed, *paths))
        pixels.append(np.asarray(Image.open(paths[0])))
        label = np.asarray(Image.open(paths[1]))
        assert label.shape == (64, 128) and pixels[-1].shape == (64, 128, 3)
        assert {*np.unique(label)} == {7, 11, 21, 23, 26}
    assert math.prod(float(np.abs(pixels[0] * 1.0 - other).mean()) for other in pixels[1:]) > 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("train_step.py", marks=pytest.mark.slow),
        "input_pipeline.py",
        pytest.param("large_records.py", marks=pytest.mark.slow),
    ],
)
def test_a_benchmark_runs(name):
    _, found = last_line(name)
    assert found and all(ratio > 0 for ratio in found.values())


@pytest.mark.slow  # Two dozen processes that load TensorFlow.
def test_all_benchmarks_run_and_are_written_down(tmp_path):
    path = tmp_path / "speed.md"
    _, found = last_line("every.py", "--out", path)
    text = path.read_text("utf-8")
    assert len(found) == 7
    for name, ratios in found.items():
        assert f"$ python benchmarks/{name}\n" in text
        assert ratios and all(ratio > 0 for ratio in ratios.values())
    assert "U-Net memory, recompute to plain" in found["memory.py"]
    assert f"Written by `make bench` on {datetime.date.today()}" in text


def test_one_benchmark_is_run_again_into_the_page_of_all(benchmark, tmp_path):
    every, path = benchmark("every"), tmp_path / "speed.md"
    lines = {"memory.py": ["1 GiB"], "metrics.py": ["old"]}
    old = [every.section(name, lines[name]) for name in lines]
    path.write_text("\n\n".join([every.heading(), *old]) + "\n", "utf-8")
    _, found = last_line("every.py", "--out", path, "--only", "metrics.py")
    assert {*found} == {"metrics.py"}
    sections = every.sections_of(path)
    assert {*sections} == {*lines}
    assert sections["memory.py"] == old[0]
    assert "old" not in sections["metrics.py"] and "images/s" in sections["metrics.py"]
    path.write_text(path.read_text("utf-8").replace(", Python", ", an older Python"), "utf-8")
    with pytest.raises(SystemExit, match="is of another day, processor or version; run all"):
        every.sections_of(path)


@pytest.mark.slow  # XLA compiles four steps, a minute each.
def test_the_benchmark_for_gpus_is_rehearsed():
    told, found = last_line("gpu.py")
    assert "a rehearsal" in told or "no GPU" not in told
    assert {"CycleGAN float32 XLA", "U-Net mixed_bfloat16 XLA"} <= {*found}
    assert found["error of compiled instance norm"] < 1e-3
