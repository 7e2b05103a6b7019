import numpy as np
import pytest
from PIL import Image

from i2i_keras.data import each_image
from i2i_keras.data.find_images import find_images
from i2i_keras.errors import DataError, FileError


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


def names(*what, out=()):
    return [record.name for record in find_images([str(one) for one in what], *out).records]


def copy(records, out):
    """Makes files of images, as commands do."""
    maker = each_image.Maker(lambda pixels: [pixels], lambda name: [out / f"{name}.png"], "copy")
    unreadable = list[FileError]()
    each_image.make_of_each(records, maker, "copy", unreadable)
    return unreadable


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("", "a b deep/c"),
        ("a.png", "a"),
        ("*.JPG", "b"),
        ("*", "a b"),
        ("**/*", "a b deep/c"),
        ("**", "a b deep/c"),
        ("**/**/*", "a b deep/c"),
        ("**/*.Jpeg", "deep/c"),
        ("*/[a-c].*", "deep/c"),
        ("deep/*", "c"),
    ],
)
def test_images_are_found_by_folder_file_or_pattern(photos, out, what, wanted):
    """Their names are their paths below the folder, or the sure part."""
    found = find_images([str(photos / what)], out)
    assert " ".join(record.name for record in found.records) == wanted
    assert {record.label for record in found.records} == {None}


@pytest.mark.parametrize("name", ["d.bmp", "d.TIF", "d.tiff", "d.webp", "d.gif"])
def test_images_have_many_suffixes(photos, name):
    write(photos / name)
    assert names(photos) == ["a", "b", "d", "deep/c"]


def test_a_pattern_may_be_relative(photos, out, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert names("photos/*.png", out=[out]) == ["a"]
    monkeypatch.chdir(photos)
    assert names("*.png", out=[out]) == ["a"]
    assert names(".", out=[out]) == ["a", "b", "deep/c"]


def test_a_folder_may_be_called_like_a_pattern(photos):
    photos.rename(photos.parent / "photos [2020]")
    assert names(photos.parent / "photos [2020]") == ["a", "b", "deep/c"]
    assert names(photos.parent / "photos [2020]" / "*.png") == ["a"]


def test_several_are_named_by_their_folders(photos, tmp_path):
    write(tmp_path / "more" / "a.png")
    write(tmp_path / "one.png")
    wanted = ["photos/a", "photos/b", "photos/deep/c", "one", "more/a"]
    assert names(photos, tmp_path / "one.png", tmp_path / "more" / "*") == wanted
    assert names(tmp_path / "more", tmp_path / "more") == ["a"]  # The same is once.


def test_home_is_where_the_user_is(photos, monkeypatch):
    monkeypatch.setenv("HOME", str(photos.parent))
    assert names("~/photos") == names("~/photos/**") == ["a", "b", "deep/c"]


@pytest.mark.parametrize("what", ["", "**/*"])
def test_links_are_followed_and_loops_are_not(photos, tmp_path, what):
    write(tmp_path / "elsewhere" / "d.png")
    (photos / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(photos)
    assert names(photos / what) == ["a", "b", "deep/c", "link/d"]


@pytest.mark.parametrize("what", ["deep/*.png", "nowhere", "none*", "deep/**/*.png", "no/**/*"])
def test_finding_nothing_is_refused(photos, out, what):
    with pytest.raises(DataError, match=rf"{what[:4]}.* holds no PNG, JPEG, .* or GIF; .*pattern"):
        find_images([str(photos), str(photos / what)], out)


def test_a_folder_of_something_else_is_told_what_it_holds(photos, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").touch()
    with pytest.raises(DataError, match=r"films holds no .* or GIF, but 1 \.mp4; write them as"):
        names(tmp_path / "films")
    assert find_images([str(photos)]).others == [photos / "notes.txt"]


@pytest.mark.parametrize("twin", ["a.jpg", "A.png", "deep/C.png"])
def test_two_images_that_would_become_one_are_refused(photos, out, twin):
    write(photos / twin)
    with pytest.raises(DataError, match=r"would both become (deep/)?[aAcC]\.png; rename one\."):
        find_images([str(photos / "**" / "*")], out)


def test_two_folders_of_one_name_may_clash(photos, tmp_path):
    write(tmp_path / "other" / "photos" / "a.png")
    with pytest.raises(DataError, match=r"would both become photos/a\.png; rename one\."):
        names(photos, tmp_path / "other" / "photos")


@pytest.mark.parametrize("what", ["", "a.png", "*.JPG"])
def test_images_are_not_translated_into_their_own_folder(photos, what):
    with pytest.raises(DataError, match="holds the images themselves; give another folder"):
        find_images([str(photos / what)], photos / "deep" / "..")


def test_images_may_lie_below_the_folder_of_what_is_made(photos, tmp_path):
    assert names(photos, out=[tmp_path]) == ["a", "b", "deep/c"]
    with pytest.raises(DataError, match="holds the images themselves"):
        names(photos, photos / "a.png", out=[tmp_path])  # They would become photos/a.png.


def test_what_was_made_before_is_not_found_within_the_images(photos):
    out = photos / "made"
    found = find_images([str(photos)], out).records
    assert copy(found, out) == []
    assert (out / "deep" / "c.png").is_file()
    assert [record.name for record in find_images([str(photos)], out).records] == [
        *("a", "b", "deep/c")
    ]
    (out / "classes.json").touch()
    assert find_images([str(photos)], out).others == [photos / "notes.txt"]
    write(out / "mine.png")
    with pytest.raises(DataError, match="holds the images themselves; give another folder"):
        find_images([str(photos)], out)


def test_unreadable_images_are_left_out_and_listed(photos, out):
    (photos / "b.JPG").write_bytes(b"no image")
    (photos / "gone.png").symlink_to("nowhere")
    errors = copy(find_images([str(photos)], out).records, out)
    assert sorted(error.file.name for error in errors) == ["b.JPG", "gone.png"]
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png")) == [
        *("a.png", "deep/c.png")
    ]
    write(photos / "b.JPG")
    (photos / "a.png").write_bytes(b"broken since")
    errors = copy(find_images([str(photos)], out).records, out)
    assert sorted(error.file.name for error in errors) == ["a.png", "gone.png"]
    assert (out / "b.png").is_file()


def test_without_a_list_the_first_unreadable_image_ends_it(photos, out):
    (photos / "a.png").write_bytes(b"no image")
    maker = each_image.Maker(lambda pixels: [pixels], lambda name: [out / f"{name}.png"], "copy")
    with pytest.raises(FileError, match=r"a\.png cannot be read as an image"):
        each_image.make_of_each(find_images([str(photos)]).records, maker, "copy")


def test_an_array_has_the_name_that_its_maker_gives(photos, out):
    maker = each_image.Maker(lambda pixels: [pixels], lambda n: [out / f"{n}.npz"], "copy", "mine")
    each_image.make_of_each(find_images([str(photos)]).records, maker, "copy")
    with np.load(out / "deep" / "c.npz") as arrays:
        assert arrays["mine"].shape == (5, 7, 3)
