"""Writes a preset that fits two folders of images and this machine."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from i2i_keras import config
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import SPLITS
from i2i_keras.datasets.folder import HOLD_OUT
from i2i_keras.datasets.spaces import common_space
from i2i_keras.errors import DataError, how_many
from i2i_keras.experiment import fitting
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation import auto_size, own_classes
from i2i_keras.preparation.auto_size import Size
from i2i_keras.preparation.detect import Code, Detected, detect
from i2i_keras.preparation.hold_out import HoldOutConfig
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters import memory

# Numbers by which a training takes some twenty minutes on two cores, or some
# hours on a GPU: of the translator filters, blocks and steps; of the segmenter
# filters, batch size and steps; and the largest crop of both.
_AMOUNTS = {
    "CPU": {"filters": 32, "blocks": 6, "steps": 2000, "unet": 16, "batch": 8, "fits": 1000},
    "GPU": {"filters": 64, "blocks": 9, "steps": 50000, "unet": 64, "batch": 16, "fits": 20000},
}
_CROP = {"CPU": 128, "GPU": 256}
_STRIDE = 16  # Of the U-Net.
_TEST = {"source": 0.05, "target": 0.2}  # Shares; the source's is for pictures only.


class Proposal(NamedTuple):
    """A preset, and what it was made from.

    Attributes:
        files: text by path; the preset first, then those that it names.
        found: what was found, a line each.
    """

    files: dict[Path, str]
    found: list[str]

    @property
    def preset(self) -> Path:
        """Where the preset goes."""
        return next(iter(self.files))


def propose(
    source: Path, target: Path, out: Path, encodings: Mapping[str, str] | None = None
) -> Proposal:
    """Looks at two roots and makes a preset that runs as it is.

    Args:
        source: root of the domain that is translated; its labels are used.
        target: root of the domain whose style is wanted.
        out: the preset's path.
        encodings: by domain what its labels hold, see `detect.detect`; else
            what they look like.

    Raises:
        DataError: a root is not there or has no images, it cannot be told what
            labels hold, or `out` exists.
    """
    if source.resolve() == target.resolve():
        raise DataError(f"{source} is given twice; give another folder as the target.")
    roots = {"source": source, "target": target}
    known = encodings or {}
    found = {role: detect(root, known.get(role, "")) for role, root in roots.items()}
    domains = {role: _held_out(role, roots[role], one) for role, one in found.items()}
    _check_labels(domains, roots)
    sizes = [auto_size.sizes([r.image for r in d.records]) for d in domains.values()]
    for role, some in zip(domains, sizes, strict=True):
        if not some:
            raise DataError(f"No image below {roots[role]} can be read; give others.")
    device = auto_size.device()
    size = auto_size.auto_size(sizes, auto_size.PIXELS[device])
    told = [
        *(
            f"{_found(role, roots[role], domain)}, {_usual(some)}"
            for (role, domain), some in zip(domains.items(), sizes, strict=True)
        ),
        f"this machine: {_machine()}",
    ]
    classes = own_classes.write_toml({r: d.codes for r, d in domains.items() if d.codes}, out)
    told += _told_of(domains, classes)
    text = _preset(domains, roots, size, told, out)
    files = {out: text, **classes}
    for path in files:
        if path.exists():
            raise DataError(f"{path} is there already; delete it, or give another --out.")
    return Proposal(files, told)


def write(proposal: Proposal) -> list[str]:
    """Writes its files, and looks whether they can be carried out.

    Returns:
        What the labels do not allow; nothing is left behind if all is in vain.
    """
    try:
        for path, text in proposal.files.items():
            files.write_text(path, text)
        settings = config.build(Settings, config.read(str(proposal.preset)))
        return fitting.fit(settings, Run(proposal.preset.parent / "no run")).notes
    except Exception:
        for path in proposal.files:
            path.unlink(missing_ok=True)
        raise


def _held_out(role: str, root: Path, domain: Detected) -> Detected:
    """Divides a folder that is not; of the source less is kept for the test."""
    if domain.config.split != HOLD_OUT:
        return domain
    shares = HoldOutConfig(test=_TEST[role])
    config = domain.config.model_copy(update={"hold_out": shares})
    return domain._replace(config=config, splits=config.find(root))


def _check_labels(domains: Mapping[str, Detected], roots: Mapping[str, Path]) -> None:
    """Refuses labels without a class, and two domains without common ones.

    Raises:
        DataError: labels ignore all, or only one domain's are Cityscapes'.
    """
    own = {role for role, domain in domains.items() if domain.codes}
    for role in own:
        if {*domains[role].codes} == {IGNORE}:
            raise DataError(
                f"The labels of {roots[role]} ignore every pixel ({IGNORE}); take them away,"
                " or give others."
            )
    others = [role for role, d in domains.items() if role not in own and _is_labelled(d)]
    if own and others:
        role, other = next(iter(own)), others[0]
        raise DataError(
            f"The labels of {roots[role]} hold {_listed(domains[role].codes)}, which is no"
            f" numbering of Cityscapes as in {roots[other]}. Write a mapping that says which"
            f" classes these are (docs/your_data.md), and a preset with {role}.mapping."
        )


def _is_labelled(domain: Detected) -> bool:
    return any(domain.labelled(split) for split in SPLITS)


def _listed(codes: Sequence[Code]) -> str:
    shown = ", ".join(map(str, codes[:5]))
    return f"{shown} and others" if len(codes) > 5 else shown


def _found(role: str, root: Path, domain: Detected) -> str:
    counts = ", ".join(
        f"{len(domain.splits[split])} {split} ({domain.labelled(split)} labelled)"
        for split in SPLITS
        if domain.splits[split]
    )
    told = f", labels as Cityscapes {domain.config.encoding}" if domain.config.encoding else ""
    return f"{role}: {root}, {domain.config.format}, {counts}{told}"


def _usual(sizes: Sequence[Size]) -> str:
    """The size that most images have."""
    counts = Counter(sizes)
    (height, width), _ = counts.most_common(1)[0]
    more = f" and {how_many(len(counts) - 1, 'other size')}" if len(counts) > 1 else ""
    return f"{height} x {width} pixels (height x width){more}"


def _machine() -> str:
    gpus = len(tf.config.list_physical_devices("GPU"))
    free = memory.free_bytes()
    gib = "" if free is None else f"{free / 2**30:.0f} GiB of free memory, "
    return f"{how_many(os.cpu_count() or 1, 'core')}, {gib}{gpus or 'no'} GPU"


def _told_of(domains: Mapping[str, Detected], classes: Mapping[Path, str]) -> list[str]:
    """Says that names have to be given, and which classes are taken for one."""
    if not classes:
        return []
    names = ", ".join(path.name for path in classes)
    told = [f"labels hold no Cityscapes ids; give their classes names in {names}"]
    source, target = (
        {code: str(code) for code in domains[role].codes if code != IGNORE}
        for role in ("source", "target")
    )
    if not source or not target:
        return told
    shared = [name for code, name in source.items() if code in target]
    told.append(
        f"check before you run it: what both domains' labels hold ({', '.join(shared)}) is taken"
        " for the same classes in both; where it is not, give it another name in one of them"
    )
    for role, own, other in (("source", source, target), ("target", target, source)):
        if alone := [name for code, name in own.items() if code not in other]:
            told.append(f"classes of the {role} alone: {', '.join(alone)}")
    return told


def _preset(
    domains: Mapping[str, Detected],
    roots: Mapping[str, Path],
    size: Size,
    found: Sequence[str],
    out: Path,
) -> str:
    """The text of the preset."""
    device = auto_size.device()
    amounts, crop = _AMOUNTS[device], _CROP[device]
    labelled = domains["source"].labelled("train") > 0
    lines = [
        f"# By i2i-keras init. Run it by: i2i-keras run --preset {out.name}",
        *(f"# {line}" for line in found),
        *_arms(domains),
    ]
    for role, domain in domains.items():
        own = bool(any(domain.codes for domain in domains.values()))
        lines.append(f"{role} = {_domain(role, domain, roots[role], out if own else None)}")
    lines += ["", "[prepare]", f"size = {json.dumps(size)}  # Height, width; as the images are."]
    if labelled or domains["target"].labelled("test"):
        lines.append(f"label_space = {json.dumps(_label_space(domains, out))}")
    if labelled:
        lines += ["", "[translator]", "fourier = { radius = 2 }  # Frequencies that are exchanged."]
    lines += [
        "",
        "[translator.cyclegan]",
        f"steps = {amounts['steps']}  # More of them translate better.",
        f"checkpoint_every = {amounts['steps'] // 10}",
        "lambda_identity = 0.0",
        f"generator = {{ filters = {amounts['filters']}, num_residual_blocks = {amounts['blocks']},"
        ' upsampling = "resize", skip = true }',
        'discriminator = { filters = 32, num_downsamplings = 2, norm = "none",'
        " spectral_norm = true }",
        f"pipeline = {{ batch_size = 1, crop = {_crop(crop, size, 4)} }}",
    ]
    if labelled:
        lines += [
            "",
            "[segmenter]",
            f"steps = {amounts['fits']}",
            'schedule = "cosine"',
            f"unet = {{ filters = {amounts['unet']}, l2 = 0.0 }}",
            f"pipeline = {{ batch_size = {amounts['batch']},"
            f" crop = {_crop(crop, size, _STRIDE)} }}",
        ]
    return "\n".join(lines) + "\n"


def _arms(domains: Mapping[str, Detected]) -> list[str]:
    if not domains["source"].labelled("train"):
        return [
            "arms = []  # There are no labels to train a segmenter with.",
            'translators = ["cyclegan"]',
        ]
    arms = ["source_only", "adabn", "adapted:fourier", "adapted:cyclegan"]
    if domains["target"].labelled("train"):
        arms.append("oracle")
    return [f"arms = {json.dumps(arms)}"]


def _domain(role: str, domain: Detected, root: Path, own: Path | None) -> str:
    """A domain's settings as an inline table."""
    config = domain.config
    facts = {"format": config.format, "root": str(root.resolve())}
    facts |= {key: value for key in ("split", "encoding") if (value := getattr(config, key))}
    if own and domain.codes:
        facts["mapping"] = str(own_classes.mapping_file(own, role).resolve())
    parts = [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
    if config.split == HOLD_OUT:
        shares = config.hold_out
        parts.append(f"hold_out = {{ test = {shares.test}, val = {shares.val} }}")
    return f"{{ {', '.join(parts)} }}"


def _label_space(domains: Mapping[str, Detected], out: Path) -> str:
    if any(domain.codes for domain in domains.values()):
        return str(own_classes.space_file(out).resolve())
    return common_space([domain.config.dataset for domain in domains.values()])


def _crop(most: int, size: Size, multiple: int) -> str:
    return json.dumps([min(most, side) // multiple * multiple for side in size])
