"""The one careful writer, in folders that somebody else has prepared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgflow_gen.disk import Folder


def test_files_are_written_read_and_removed(tmp_path: Path) -> None:
    with Folder(tmp_path) as root, root.enter("a", make=True) as a, a.enter("b", make=True) as b:
        b.write("file", b"one")
        os.chmod(tmp_path / "a/b/file", 0o640)
        b.write("file", b"two")
        assert b.read("file") == b"two"
        assert (tmp_path / "a/b/file").stat().st_mode & 0o777 == 0o640
        assert b.names() == ["file"]
        with pytest.raises(FileExistsError):
            b.create("file", b"three")
        b.remove("file")
        a.remove_folder("b")
    assert os.listdir(tmp_path / "a") == []


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("precious")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "folder").symlink_to(outside)
    (inside / "file").symlink_to(outside / "victim")
    (inside / "new").symlink_to(outside / "new")
    with Folder(inside) as root:
        with pytest.raises(NotADirectoryError):
            root.enter("folder", make=True)
        with pytest.raises(OSError, match="link"):
            root.read("file")
        with pytest.raises(FileExistsError):
            root.create("new", b"")
        with pytest.raises(OSError, match="link"):
            root.open("new", os.O_RDWR | os.O_CREAT)
        assert sorted(root.links()) == ["file", "folder", "new"]
        root.write("file", b"ours")
        assert not (inside / "file").is_symlink()
        root.clear()
        assert root.names() == []
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"victim": "precious"}


def test_a_folder_that_is_exchanged_on_the_way_is_not_written_to(tmp_path: Path) -> None:
    """By its handle, the folder stays the one that was entered."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with Folder(tmp_path) as root, root.enter("out", make=True) as out:
        (tmp_path / "out").rename(tmp_path / "moved")
        (tmp_path / "out").symlink_to(outside)
        out.write("file", b"x")
    assert list(outside.iterdir()) == []
    assert (tmp_path / "moved" / "file").read_bytes() == b"x"


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Folder(tmp_path) as root, pytest.raises(OSError, match="not a file"):
        root.read("pipe")
