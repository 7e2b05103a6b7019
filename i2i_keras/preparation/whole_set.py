"""What the labels of a whole set give away that no single file does."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.labels import IGNORE
from i2i_keras.preparation import numberings
from i2i_keras.preparation.numberings import IDS, Places

_PLACES = {"road": ("road", "drivable"), "sky": ("sky",)}  # Names in label spaces.
_GONE = -1.0
_CLEARLY = 0.1  # Of the height.
_TRUST = "or set trust_labels = true if you have looked and they are right"

What = tuple[str, str, str, bool]  # Kind, what, what to do, whether it is bad.


class Labels(NamedTuple):
    """What is believed of the labels of a set.

    Attributes:
        reader: of the label files.
        names: of the labels.
        stated: whether the user has said what the numbers are, by a format
            that says it, by an encoding or by a mapping.
        trusted: whether the user has looked at the labels, and nothing that a
            whole set gives away shall be bad.
    """

    reader: LabelReader
    names: Sequence[str]
    stated: bool = True
    trusted: bool = False


def judge(labels: Labels, found: Places, num_files: int) -> list[What]:
    """What a set of label files gives away.

    Args:
        labels: what is believed of them.
        found: their numbers, see `numberings.join`.
        num_files: how many there are.
    """
    if not found:
        return []
    told = [*_of_numbering(labels, found, num_files), *_of_classes(labels, found)]
    if labels.trusted:
        return [(kind, what, "nothing: trust_labels is set", False) for kind, what, *_ in told]
    return told


def _of_numbering(labels: Labels, found: Places, num_files: int) -> Iterator[What]:
    assumed = labels.reader.numbering
    if assumed not in numberings.NUMBERINGS:
        return
    others, likelier = numberings.best_others(assumed, found)
    titles = " or ".join(other.title for other in others)
    todo = ", or ".join(dict.fromkeys(other.todo for other in others))
    enough = num_files >= numberings.FEW and assumed == IDS
    if likelier > (numberings.BETTER if enough else numberings.SURELY_BETTER):
        what = f"has labels that are read as {assumed} but seem to be those of {titles}"
        yield "foreign numbers", what, f"{todo}, {_TRUST}", True
    elif not labels.stated and not _clearly_ids(found, likelier):
        what = "has labels of which nobody has said what their numbers mean"
        if likelier > numberings.AS_WELL:
            what += f"; they could be those of {titles} as well as {assumed}"
        todo = "set encoding to 'ids', 'train_ids' or 'colors', or name the classes in a mapping"
        yield "unclear numbers", what, todo, True
    elif enough and likelier > numberings.AS_WELL:
        what = f"has labels that fit {titles} as well as {assumed}, as which they are read"
        yield "foreign numbers", what, f"{todo} if they are", False


def _clearly_ids(found: Places, likelier: float) -> bool:
    ids = numberings.likelihood(numberings.NUMBERINGS[IDS], found)
    return ids > numberings.LIKELY and likelier < numberings.AS_WELL


def _of_classes(labels: Labels, found: Places) -> Iterator[What]:
    """Whether what is read makes a street."""
    by_label = numberings.join(
        [(int(labels.reader.labels[number]), count, row)] for number, (count, row) in found.items()
    )
    total = sum(count for count, _ in by_label.values())
    ignored = by_label.get(IGNORE, (0, 0.0))[0] / total
    if ignored > 0.5:
        what = f"has labels of which {100 * ignored:.0f}% of all pixels are ignored"
        yield "mostly ignored", what, "look whether format, encoding and label space fit", False
    rows = {name: _row(labels, by_label, names) for name, names in _PLACES.items()}
    gone = [name for name, row in rows.items() if row == _GONE]
    if gone:
        what = f"has no {' and no '.join(gone)} in any label"
        yield "no road or sky", what, "look whether format, encoding and label space fit", False
        return
    road, sky = rows["road"], rows["sky"]
    if road is not None and sky is not None and sky > road + _CLEARLY:
        todo = f"set the format, encoding or mapping that fits, {_TRUST}"
        yield "sky below road", "has labels by which the sky lies below the road", todo, True


def _row(labels: Labels, by_label: Places, names: Sequence[str]) -> float | None:
    """Mean row of the label of one of some names.

    Returns:
        `_GONE` where it is in no file; None where no file could hold it.
    """
    possible = {*labels.reader.labels[labels.reader.valid].tolist()}
    for index, name in enumerate(labels.names):
        if name in names and index in possible:
            return by_label.get(index, (0, _GONE))[1]
    return None
