import os
from pathlib import Path

import pytest

from i2i_keras.data.tree import by_suffix, files_below


@pytest.fixture
def add(tmp_path):
    def touch(place):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return touch


def test_files_are_found_at_any_depth_and_hidden_ones_are_not(tmp_path, add):
    wanted = [add("b.png"), add("a/c.txt"), add("a/d/e")]
    add(".hidden/f.png"), add("a/._c.txt")
    assert [*files_below(tmp_path)] == wanted


def test_a_link_that_leads_back_is_not_followed(tmp_path, add):
    wanted = add("a/b/1.png")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/self").symlink_to("self")  # Not a folder, but there.
    assert [*files_below(tmp_path)] == [tmp_path / "a/self", wanted]


def test_two_links_to_a_folder_are_two_places(tmp_path, add):
    add("there/1.png")
    for name in ("one", "two"):
        (tmp_path / "here" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "here" / name).symlink_to(tmp_path / "there")
    names = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path / "here")]
    assert names == ["here/one/1.png", "here/two/1.png"]


def test_a_run_within_is_left_out_unless_it_is_asked_for(tmp_path, add):
    wanted = add("photo.png")
    add("runs/demo/settings.json"), add("runs/demo/prepare/source-train/images/1.png")
    assert [*files_below(tmp_path)] == [wanted]
    assert len([*files_below(tmp_path / "runs" / "demo" / "prepare")]) == 1


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("", ""),
        ("a.mp4", "1 .mp4"),
        ("a.mp4 b.MP4 c.zip", "2 .mp4 and 1 .zip"),
        ("a b c.png d.png e.png f.tar.gz", "3 .png, 2 files without suffix and 1 .gz"),
    ],
)
def test_files_are_counted_by_suffix(names, told):
    assert by_suffix(map(Path, names.split())) == told


def test_what_is_no_regular_file_is_left_out_with_a_word(tmp_path, capsys):
    (tmp_path / "a.png").touch()
    os.mkfifo(tmp_path / "b.png")
    (tmp_path / "c.png").symlink_to("/dev/zero")
    assert [*files_below(tmp_path)] == [tmp_path / "a.png"]
    told = capsys.readouterr().err
    assert f"Note: {tmp_path}/b.png is no regular file; left out." in told
    assert f"Note: {tmp_path}/c.png is no regular file; left out." in told
