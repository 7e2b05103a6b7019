import pytest
from PIL import Image

from i2i_keras.data.each_image import find_images
from i2i_keras.errors import DataError


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (7, 5)).save(path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def photos(tmp_path):
    for name in ("a.png", "b.JPG", "deep/c.Jpeg"):
        write(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").write_text("no image", "utf-8")
    (tmp_path / "photos" / "._a.png").write_bytes(b"what macOS leaves")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("", "ab"),
        ("a.png", "a"),
        ("*.JPG", "b"),
        ("*", "ab"),
        ("**/*", "abc"),
        ("*/[a-c].*", "c"),
    ],
)
def test_images_are_found_by_folder_file_or_pattern(photos, out, what, names):
    found = find_images(str(photos / what), out)
    assert "".join(record.name for record in found) == names
    assert {record.label for record in found} == {None}


def test_a_pattern_may_be_relative(photos, out, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert [record.name for record in find_images("photos/*.png", out)] == ["a"]


@pytest.mark.parametrize("what", ["deep/*.png", "nowhere", "none*"])
def test_finding_nothing_is_refused(photos, out, what):
    with pytest.raises(DataError, match=r"holds no PNG or JPEG; give a folder of images."):
        find_images(str(photos / what), out)


@pytest.mark.parametrize("twin", ["a.jpg", "A.png", "deep/a.png"])
def test_two_images_that_would_become_one_are_refused(photos, out, twin):
    write(photos / twin)
    with pytest.raises(DataError, match=r"would both become [aA]\.png; rename one\."):
        find_images(str(photos / "**" / "*"), out)


@pytest.mark.parametrize("what", ["", "a.png", "*.JPG"])
def test_images_are_not_translated_into_their_own_folder(photos, what):
    with pytest.raises(DataError, match="holds the images themselves; give another folder"):
        find_images(str(photos / what), photos / "deep" / "..")
