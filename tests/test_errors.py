import re
from pathlib import Path

import pytest

from i2i_keras.errors import how_many

PACKAGE = Path(__file__).parents[1] / "i2i_keras"


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (1000, "1000 images")]
)
def test_one_is_one_image_and_two_are_images(count, told):
    assert how_many(count, "image") == told


def test_no_sentence_counts_images_in_another_way():
    """Numbers before the plural are settings, or always more than one."""
    pattern = re.compile(r"\{(?:len\(|made|count|num)[^}]*\} (?:images|labels|records|files)\b")
    found = [
        (path.name, line.strip())
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if pattern.search(line)
    ]
    assert found == [
        (
            "translating.py",
            'f"{out} would be one file of {len(found.records)} images; give a folder for --out."',
        )
    ]
