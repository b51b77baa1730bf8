"""Which files are read: folders, files, globs; links that loop; what is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgflow_gen.config import Config, ConfigError
from pgflow_gen.source.files.discover import discover, may_hold_flows


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")


def found(root: Path, *flows: str, out: str = "generated") -> list[str]:
    return [file.relative_to(root).as_posix() for file in discover(Config(root, flows=flows, out=out))]


def test_folders_files_and_globs(tmp_path: Path) -> None:
    touch(tmp_path, "flows/b.py", "flows/a/c.py", "flows/a/notes.txt", "jobs/x.py", "jobs/y.py", "one.py")
    assert found(tmp_path, "flows") == ["flows/a/c.py", "flows/b.py"]
    assert found(tmp_path, "flows/b.py", "one.py") == ["flows/b.py", "one.py"]
    assert found(tmp_path, "jobs/*.py", "flows/**/*.py") == [
        "flows/a/c.py",
        "flows/b.py",
        "jobs/x.py",
        "jobs/y.py",
    ]
    assert found(tmp_path, "*s") == ["flows/a/c.py", "flows/b.py", "jobs/x.py", "jobs/y.py"]
    assert found(tmp_path, "flows", "flows/b.py", "./flows/a") == ["flows/a/c.py", "flows/b.py"]


def test_what_is_left_out(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "flows/a.py",
        "flows/.hidden/b.py",
        "flows/.#lock.py",
        "flows/__pycache__/c.py",
        "generated/client.py",
        "env/pyvenv.cfg",
        "env/lib/d.py",
        "node_modules/e.py",
    )
    assert found(tmp_path, ".") == ["flows/a.py"]
    assert found(tmp_path, "**/*.py") == ["flows/a.py"]
    assert found(tmp_path, ".", out="flows") == ["generated/client.py"]


def test_links_that_loop(tmp_path: Path) -> None:
    touch(tmp_path, "flows/real/a.py", "elsewhere/b.py")
    (tmp_path / "flows/alias").symlink_to("real")
    (tmp_path / "flows/real/up").symlink_to("..")
    (tmp_path / "flows/outside").symlink_to("../elsewhere")
    (tmp_path / "flows/again.py").symlink_to("real/a.py")
    assert found(tmp_path, "flows") == ["flows/outside/b.py", "flows/real/a.py"]


def test_a_dangling_link_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/gone.py").symlink_to("nowhere.py")
    assert found(tmp_path, "flows") == ["flows/gone.py"]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    touch(tmp_path, "flows/a.py")
    os.mkfifo(tmp_path / "flows/pipe.py")
    assert found(tmp_path, "flows") == ["flows/a.py"]


def test_an_empty_folder_is_fine(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    assert found(tmp_path, "flows") == []


@pytest.mark.parametrize("entry", ["flowz", "flows/gone.py", "jobs/*.py", "/nowhere/*.py"])
def test_an_entry_that_names_nothing(tmp_path: Path, entry: str) -> None:
    with pytest.raises(ConfigError) as error:
        found(tmp_path, entry)
    assert entry in error.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from pgflow_runtime import Flow", True),
        ("from lib import crawl\n@crawl.step\ndef f(): ...", True),
        ("@ crawl . \\\n map\ndef f(): ...", True),
        ("@x.property\ndef f(): ...", False),
        ("items.map(f)", False),
        ("@decorated\ndef f():\n    return items.steps", False),
        ("", False),
    ],
)
def test_the_textual_rule(text: str, expected: bool) -> None:
    assert may_hold_flows(text) is expected
