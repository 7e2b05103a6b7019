"""How long the large experiments take, and how much memory: computed.

    python benchmarks/scale.py [EXPERIMENT ...] [--gpu GPU] [--efficiency SHARE]
        [--set KEY=VALUE ...]

Nothing is trained. Of each network the training step's graph is made, at the
sizes of the preset, and what its convolutions compute, what it moves and what
it holds is counted (`flops.py`). An operation then takes as long as the GPU of
a data sheet takes for its arithmetic, at an efficiency that is assumed, or for
its bytes at full bandwidth, whichever is longer. The plan of the experiment,
which is that of `run --dry-run`, is laid out over GPUs: trainings side by side
(`run --jobs N`, `--cluster`), each on as many devices as makes the whole
shortest (`strategy = mirrored`), no more than its batch has images.

Left out: what processors do (`prepare`, `color`, `fourier`, pipelines, report),
the time between operations, and the scratch space of convolutions.
"""

import argparse
import heapq
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from units import EFFICIENCY, GPUS, MODELS, SEGMENT, SEGMENTER, SELF_TRAINING, Counter, Gpu

from i2i_keras import config
from i2i_keras.experiment.plan.tasks import Task, plan
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import Arm
from i2i_keras.training.schedules import total_steps

COUNTS, MACHINE = (1, 8, 64), 8  # GPUs in all, and of a machine.

# (train, val, test) frames: docs/datasets.md.
FRAMES = {
    ("cityscapes", "report"): (2082, 500, 893),
    ("cityscapes", "val_as_test"): (2975, 0, 500),
    ("gta5", "official"): (12403, 6382, 6181),
    ("gta5", "val_as_test"): (12403, 0, 6382),
}
THIRTEEN = (
    *("source_only", "adabn", "adapted:color", "adapted:fourier", "adapted:cut", "adapted:cycada"),
    *("adapted:cyclegan", "mixed:cyclegan", "label_safe:cyclegan", "self_training"),
    *("self_training:fourier", "self_training:cyclegan", "oracle"),
)
# By name a preset and what is changed in it: `make compare` with five seeds.
EXPERIMENTS = {
    "student_report": ("student_report", ()),
    "gta5_to_cityscapes": ("gta5_to_cityscapes", ()),
    "thirteen_arms": (
        "gta5_to_cityscapes",
        (
            f"arms={json.dumps(THIRTEEN)}",
            "seeds=[0,1,2,3,4]",
            *("translator.cut.epochs=20", "translator.cut.pipeline.crop=[400,400]"),
            # A multiple of 32, as source_only needs it.
            *("translator.cycada.epochs=20", "translator.cycada.pipeline.crop=[384,384]"),
        ),
    ),
}
SMOKE = (
    *(
        f"translator.{name}.{network}.{setting}"
        for name in MODELS
        for network, setting in (
            ("generator", "filters=2"),
            ("generator", "num_residual_blocks=1"),
            ("discriminator", "filters=2"),
            ("pipeline", "crop=[64,64]"),
        )
    ),
    *("segmenter.network=unet", "segmenter.unet.filters=2", "prepare.size=[64,128]"),
    "segmenter.pipeline.crop=[64,64]",
)
Amount = list[tuple[str, float]]  # Names of units, and how often.


class Experiment:
    """An experiment that is computed, not run.

    Args:
        settings: of it.
        gpu: that it would run on.
        efficiency: share of the GPU's arithmetic that is reached.
    """

    def __init__(self, settings: Settings, gpu: Gpu, efficiency: float) -> None:
        self.settings, self.gpu = settings, gpu
        self.tasks = [t for t in plan(settings, Run(Path("runs/none"))) if t.kind != "prepare"]
        self.frames = {
            f"{role}-{split}": count
            for role in ("source", "target")
            for split, count in zip(("train", "val", "test"), self._frames(role), strict=True)
        }
        self.amounts = {place: self._amount(task) for place, task in enumerate(self.tasks)}
        names = dict.fromkeys(name for amount in self.amounts.values() for name, _ in amount)
        counter = Counter(settings, gpu, efficiency)
        self.units = {name: counter.count(name) for name in names}

    def _frames(self, role: str) -> tuple[int, int, int]:
        domain = getattr(self.settings, role)
        return FRAMES[domain.format, domain.split]

    # --- How often what is done ----------------------------------------------

    def _amount(self, task: Task) -> Amount:
        of, frames = task.of, self.frames
        images = frames["source-train"] + frames["source-val"]
        if task.kind == "train-translator":
            return self._translator(of)
        if task.kind in ("translate", "translate-back"):
            return [(f"translate {of}", images)] if of in MODELS else []
        if task.kind == "train-segmenter":
            return self._segmenter(Arm(of))
        if not task.is_of_arm:  # Scores of a hundred images.
            return []
        chosen = self.settings.evaluate, self.settings.segmenter
        states = min(chosen[0].num_states, chosen[1].keep_checkpoints)
        return [(SEGMENT, frames["target-test"] * (1 + (states if states > 1 else 0)))]

    def _translator(self, method: str) -> Amount:
        if method not in MODELS:
            return []
        chosen = getattr(self.settings.translator, method)
        smaller = min(self.frames["source-train"], self.frames["target-train"])
        batch = chosen.pipeline.batch_size * chosen.num_critic_steps
        return [(f"train {method}", total_steps(chosen.steps, chosen.epochs, smaller, batch))]

    def _segmenter(self, arm: Arm) -> Amount:
        if arm.base:  # Batch norm's statistics alone.
            return [(SEGMENT, self.frames["target-train"])]
        chosen, on = self.settings.segmenter, arm.about.trains_on
        roles = ["target" if name == "target" else "source" for name in on]
        train, val = (sum(self.frames[f"{r}-{s}"] for r in roles) for s in ("train", "val"))
        steps = total_steps(chosen.steps, chosen.epochs, train, chosen.pipeline.batch_size)
        step = SELF_TRAINING if arm.kind == "self_training" else SEGMENTER
        amount: Amount = [(step, steps)]
        if val:
            amount.append((SEGMENT, val * -(-steps // chosen.checkpoint_every)))
        if "label_safe" in on:
            amount.append((SEGMENT, 2 * (train + val)))
        return amount

    def depends(self, place: int) -> list[int]:
        """Places of the tasks that have to be done before one."""
        task = self.tasks[place]
        return [n for n, other in enumerate(self.tasks) if task.waits_for(other)]

    # --- On several GPUs -----------------------------------------------------

    def seconds(self, place: int, devices: int) -> float:
        """Seconds of a task on so many GPUs."""
        amount = self.amounts[place]
        return sum(times * self.units[name].on(devices, self.gpu) for name, times in amount)

    def batch(self, place: int) -> int:
        """Images that a task takes at once if it is a training, or else 0."""
        units = [self.units[name] for name, _ in self.amounts[place]]
        return min((unit.images for unit in units if unit.trained), default=0)

    def width(self, place: int, devices: int) -> int:
        """How many of so many GPUs a task has a use for."""
        if not self.amounts[place]:
            return 0
        return min(devices, self.batch(place) or devices)

    def laid_out(self, gpus: int, devices: int) -> float:
        """Seconds until all is done; what can begin does, as it is planned."""
        waiting = [*range(len(self.tasks))]
        ended: set[int] = set()
        running: list[tuple[float, int]] = []
        free, now = gpus, 0.0
        while waiting or running:
            for place in [*waiting]:
                width = self.width(place, devices)
                if width <= free and {*self.depends(place)} <= ended:
                    waiting.remove(place)
                    free -= width
                    heapq.heappush(running, (now + self.seconds(place, devices), place))
            now, place = heapq.heappop(running)
            ended.add(place)
            free += self.width(place, devices)
        return now

    def chain(self, devices: int) -> list[int]:
        """The tasks that follow from each other and take longest."""
        longest: dict[int, tuple[float, list[int]]] = {}
        for place in range(len(self.tasks)):  # The plan's order: needs come first.
            before = max((longest[p] for p in self.depends(place)), default=(0.0, []))
            longest[place] = (before[0] + self.seconds(place, devices), [*before[1], place])
        return max(longest.values())[1]


def computed(
    name: str, gpu: Gpu = GPUS["a100"], efficiency: float = EFFICIENCY, more: Sequence[str] = ()
) -> Experiment:
    """One of `EXPERIMENTS`, with more settings than it has, such as `SMOKE`."""
    preset, changes = EXPERIMENTS[name]
    roots = ("source.root=source", "target.root=target")
    table = config.override(config.read(preset), [*roots, *changes, *more])
    settings = config.build(Settings, table)
    return Experiment(settings, gpu, efficiency)


class Line(NamedTuple):
    """An experiment on some GPUs.

    Attributes:
        gpus: in all.
        devices: that a training is on, if its batch has as many images.
        seconds: until all is done.
        limit: what keeps it from being done sooner.
    """

    gpus: int
    devices: int
    seconds: float
    limit: str


def fastest(experiment: Experiment, gpus: int) -> Line:
    """With as many devices for a training as make the whole shortest."""
    choices = [d for d in (1, 2, 4, 8) if d <= min(gpus, MACHINE)]
    seconds = {d: experiment.laid_out(gpus, d) for d in choices}
    devices = min(choices, key=lambda d: (round(seconds[d]), d))
    return Line(gpus, devices, seconds[devices], limit_of(experiment, gpus, devices))


def limit_of(experiment: Experiment, gpus: int, devices: int) -> str:
    """Whether all work keeps the GPUs longer than one thing after the other."""
    seconds = [experiment.seconds(place, devices) for place in range(len(experiment.tasks))]
    work = sum(s * experiment.width(place, devices) for place, s in enumerate(seconds)) / gpus
    chain = experiment.chain(devices)
    length = sum(seconds[place] for place in chain)
    if work > length:
        return "number of GPUs"
    longest = max(chain, key=lambda place: seconds[place])
    told = f"{length / 3600:.1f} h one after the other, up to {experiment.tasks[chain[-1]].name};"
    told += f" {seconds[longest] / length:.0%} of it {experiment.tasks[longest].name}"
    if images := experiment.batch(longest):
        told += f", which batch {images} keeps on {min(images, devices)}"
    return told


# --- What is printed ---------------------------------------------------------


def main() -> None:
    """Prints two tables for each experiment, and a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("experiment", nargs="*", metavar="EXPERIMENT")
    parser.add_argument("--gpu", choices=GPUS, default="a100")
    parser.add_argument("--efficiency", type=float, default=EFFICIENCY)
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="KEY=VALUE")
    parser.add_argument("--smoke", action="store_true", help="with tiny networks")
    asked = parser.parse_args()
    gpu, found = GPUS[asked.gpu], {}
    print(f"{gpu.name}, {asked.efficiency:.0%} of its arithmetic (assumed)")
    for name in asked.experiment or EXPERIMENTS:
        more = [*asked.changes, *(SMOKE if asked.smoke else ())]
        experiment = computed(name, gpu, asked.efficiency, more)
        lines = [fastest(experiment, gpus) for gpus in COUNTS]
        print(f"\n{name}\n\n{units_table(experiment)}\n\n{times_table(lines)}")
        found[name] = {f"hours_on_{one.gpus}": float(f"{one.seconds / 3600:.3g}") for one in lines}
    print(json.dumps(found))


def units_table(experiment: Experiment) -> str:
    """What is done over and over, how often, and what it takes."""
    rows = []
    for name, unit in experiment.units.items():
        times = sum(n for amount in experiment.amounts.values() for of, n in amount if of == name)
        held = f"{unit.held / 2**30:.2f} + {unit.kept / 2**30:.2f}"
        if (unit.held + unit.kept) / 2**30 > experiment.gpu.gib:
            held += " (too much)"
        share = f"{unit.arithmetic / unit.seconds:.0%}"
        cells = (
            f"{times:,.0f}",
            f"{unit.flops / 1e9:,.0f}",
            held,
            f"{1000 * unit.seconds:.1f}",
            share,
        )
        rows.append([name, str(unit.images), *cells])
    titles = ("images", "times", "GFLOP", "GiB", "ms", "arithmetic")
    return markdown(["what", *titles], rows)


def times_table(lines: Sequence[Line]) -> str:
    """The whole on some GPUs."""
    rows = [
        [str(one.gpus), str(one.devices), f"{one.seconds / 3600:,.1f}", one.limit] for one in lines
    ]
    return markdown(["GPUs", "of a training", "hours", "what limits it"], rows)


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
