import numpy as np
import pytest
from PIL import Image

from i2i_keras.config import build
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, read_label
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.segmenters.eye import Eye, Seen
from i2i_keras.segmenters.label_safe import LabelSafeConfig, marked, safe_label, write_safe_labels

NAMES = ("red", "green", "blue")
COLORS = 255 * np.eye(3, dtype=np.uint8)
RNG = np.random.default_rng(0)
# The number of the class, and in one corner what is ignored.
LABELS = [RNG.integers(0, 3, (6, 8)).astype(np.uint8) for _ in range(3)]
for ignored in LABELS:
    ignored[:2, :2] = IGNORE
PICTURES = [COLORS[np.where(label == IGNORE, 0, label)] for label in LABELS]


def by_color(images):
    """Sees the brightest channel, sure of it as 1 : e ** -20."""
    return 10.0 * images


def swap(picture):
    """Exchanges red and green."""
    return picture[..., [1, 0, 2]]


@pytest.fixture
def write(tmp_path):
    """Writes labelled records, of pictures made by a translator."""

    def records(name, translate):
        (tmp_path / name).mkdir()
        made = []
        for number, (picture, label) in enumerate(zip(PICTURES, LABELS, strict=True)):
            paths = tmp_path / name / f"{number}.png", tmp_path / f"label{number}.png"
            for path, pixels in zip(paths, (translate(picture), label), strict=True):
                Image.fromarray(np.ascontiguousarray(pixels)).save(path)
            made.append(Record(str(number), *paths))
        return made

    return records


def seen(classes, confidence):
    unused = np.zeros(np.shape(confidence), np.float32)
    return Seen(np.array(classes), np.array(confidence, np.float32), unused)


# --- The rule ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "wanted"),
    [
        (0.0, [0, 255, 255, 255, 255]),
        (0.5, [0, 255, 2, 255, 255]),
        (0.8, [0, 1, 2, 255, 255]),
        (1.0, [0, 1, 2, 3, 255]),
    ],
)
def test_only_what_is_surely_seen_both_times_is_marked(confidence, wanted):
    label = np.array([[0, 1, 2, 3, 255]], np.uint8)
    before = seen([[5, 1, 1, 1, 1]], [[1.0, 0.6, 0.9, 0.8, 0.9]])
    after = seen([[5, 2, 2, 2, 2]], [[1.0, 0.9, 0.4, 0.8, 0.9]])
    safe = safe_label(label, before, after, confidence)
    assert safe.dtype == np.uint8
    assert safe.tolist() == [wanted]


def test_a_label_that_the_segmenter_never_saw_right_does_not_matter():
    # The change counts, not which class the label gives the pixel.
    label = np.array([[7, 7]], np.uint8)
    safe = safe_label(label, seen([[1, 1]], [[1, 1]]), seen([[1, 2]], [[1, 1]]), 0.9)
    assert safe.tolist() == [[7, IGNORE]]


@pytest.mark.parametrize("confidence", [-0.1, 1.1])
def test_a_confidence_is_a_probability(confidence):
    with pytest.raises(SettingsError, match="confidence"):
        build(LabelSafeConfig, {"confidence": confidence})


# --- Files ------------------------------------------------------------------


def test_the_swapped_pixels_are_marked_and_no_others(write, tmp_path):
    source, translated = write("source", lambda picture: picture), write("swapped", swap)
    safe = write_safe_labels(Eye(by_color, 4), source, translated, tmp_path / "safe", 0.9)
    for old, new, label in zip(translated, safe, LABELS, strict=True):
        assert (new.name, new.image) == (old.name, old.image)
        assert new.label == tmp_path / "safe" / f"{new.name}.png"
        wanted = np.where(label == 2, 2, IGNORE)
        np.testing.assert_array_equal(read_label(new.label), wanted)
        np.testing.assert_array_equal(read_label(old.label), label)  # As it was.
    facts = marked(translated, safe, NAMES)
    labels = np.concatenate([label[label != IGNORE] for label in LABELS])
    assert facts["marked"] == pytest.approx((labels != 2).mean())
    assert facts["marked_by_class"] == {"red": 1.0, "green": 1.0, "blue": 0.0}
    (warning,) = facts["warnings"]
    assert "red (100%), green (100%):" in warning
    assert "Raise label_safe.confidence." in warning


def test_the_identity_has_nothing_marked(write, tmp_path):
    source, same = (write(name, lambda picture: picture) for name in ("source", "same"))
    safe = write_safe_labels(Eye(by_color, 1), source, same, tmp_path / "safe", 0.0)
    for new, label in zip(safe, LABELS, strict=True):
        np.testing.assert_array_equal(read_label(new.label), label)
    facts = marked(same, safe, (*NAMES, "sky"))
    assert facts == {
        "marked": 0.0,
        "marked_by_class": {"red": 0.0, "green": 0.0, "blue": 0.0, "sky": None},
        "warnings": [],
    }


def test_after_a_stop_only_what_is_missing_is_written(write, tmp_path):
    source, translated = write("source", lambda picture: picture), write("swapped", swap)
    folder = tmp_path / "safe"
    safe = write_safe_labels(Eye(by_color, 1), source, translated, folder, 0.9)
    before = [(record.label.read_bytes(), record.label.stat().st_mtime_ns) for record in safe]
    safe[1].label.unlink()
    looked = []

    def segment(images):
        looked.append(images)
        return by_color(images)

    again = write_safe_labels(Eye(segment, 1), source, translated, folder, 0.9)
    assert again == safe
    assert len(looked) == 2  # One image and its translation.
    assert [record.label.read_bytes() for record in again] == [old for old, _ in before]
    assert [again[n].label.stat().st_mtime_ns == before[n][1] for n in (0, 2)] == [True, True]
    assert not list(folder.glob(".draft-*"))


def test_a_record_without_a_label_is_refused(write, tmp_path):
    records = [r._replace(label=None) for r in write("source", lambda picture: picture)]
    with pytest.raises(DataError, match="has no label that could be made safe"):
        write_safe_labels(Eye(by_color, 1), records, records, tmp_path / "safe", 0.9)
