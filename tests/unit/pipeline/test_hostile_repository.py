"""A repository that brings ``.pgflow`` along: nothing outside is touched, nothing inside believed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pgflow_gen.config import Config, load_config
from pgflow_gen.dev.alone import only_one
from pgflow_gen.kept import NOTE, kept
from pgflow_gen.pipeline import build, check
from pgflow_gen.verify.mypy_run import Reported
from pgflow_gen.verify.staging import Staging
from tests.support.analysis import write_project
from tests.support.project import Project

FLOW = """\
from pgflow_runtime import Flow

shop = Flow[int]("shop")


@shop.step
def price(flow_input: int) -> int:
    return flow_input * 2
"""
FOLDERS = [
    ".pgflow",
    ".pgflow/cache",
    ".pgflow/cache/verify",
    ".pgflow/cache/verify/_pgflow_staged",
    ".pgflow/cache/mypy",
]
FILES = [
    "build.json",
    "modules",
    "verdict.json",
    ".gitignore",
    NOTE,
    "verify/mypy.ini",
    "verify/_pgflow_staged/client.py",
]


class Judge:
    """mypy, as far as it says nothing: it counts how often it is asked."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, _: Staging, __: Config) -> list[Reported]:
        self.runs += 1
        return []


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    found = Judge()
    monkeypatch.setattr("pgflow_gen.verify.run_mypy", found)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = (tmp_path / "project").resolve()
    root.mkdir()
    write_project(root, {"flows/shop.py": FLOW, "pyproject.toml": "[tool.pgflow-gen]\n"})
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Somebody's folder, with the names in it that a cache has."""
    folder = tmp_path / "outside"
    for name in (
        "keep.py",
        "cache/keep.py",
        "cache/build.json",
        "verify/keep.py",
        "_pgflow_staged/keep.py",
        "victim",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def plant(root: Path, name: str, target: Path) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.rmtree(place)
    elif os.path.lexists(place):
        place.unlink()
    place.symlink_to(target)


@pytest.mark.parametrize("is_used", [False, True], ids=["at first", "later"])
@pytest.mark.parametrize("name", [*FOLDERS, *(f".pgflow/cache/{name}" for name in FILES)])
def test_links_lead_nowhere(root: Path, outside: Path, judge: Judge, name: str, is_used: bool) -> None:
    """As a clone brings them, and as a pull puts them into one that is in use: git takes ignored files."""
    if is_used:
        build(load_config(root))
    plant(root, name, outside if name in FOLDERS else outside / "victim")
    before = content(outside)
    for _ in range(2):
        assert not check(load_config(root)).has_errors
        assert not build(load_config(root)).has_errors
    assert content(outside) == before


def test_links_in_mypys_own_cache_are_gone_before_it_runs(root: Path, outside: Path, judge: Judge) -> None:
    check(load_config(root))
    deep = root / ".pgflow/cache/mypy/3.11/flows"
    deep.mkdir(parents=True)
    (deep / "shop.data.json").symlink_to(outside / "victim")
    (root / "flows" / "shop.py").write_text(FLOW + "\n\nMORE = 1\n")
    check(load_config(root))
    assert not (root / ".pgflow/cache/mypy").exists()
    assert (outside / "victim").read_text() == "precious"


def test_a_cache_that_came_along_is_not_believed(root: Path, tmp_path: Path, judge: Judge) -> None:
    """Even where everything in it is right, down to the last digest: it may say that all is well."""
    config = load_config(root)
    check(config)
    check(config)
    assert judge.runs == 1
    (tmp_path / "archive").mkdir()
    shutil.copytree(root, tmp_path / "archive" / "project", symlinks=True)
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "archive" / "project", root, symlinks=True)
    check(config)
    assert judge.runs == 2
    check(config)
    assert judge.runs == 2


def test_nothing_is_kept_in_another_users_folder(root: Path, judge: Judge) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a folder to another user needs root")
    check(load_config(root))
    os.chown(root / ".pgflow/cache", 65534, 65534)
    before = content(root / ".pgflow")
    check(load_config(root))
    assert content(root / ".pgflow") == before
    with pytest.raises(PermissionError), kept(root):
        pass


def test_others_may_not_look_into_the_cache(root: Path, judge: Judge) -> None:
    (root / ".pgflow" / "cache").mkdir(parents=True)
    (root / ".pgflow" / "cache").chmod(0o777)
    check(load_config(root))
    assert (root / ".pgflow" / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("folder", ["generated", "generated/schemas"])
def test_generated_files_go_through_no_link(root: Path, outside: Path, judge: Judge, folder: str) -> None:
    plant(root, folder, outside)
    before = content(outside)
    done = Project(root).run("build", "--no-verify")
    assert done.returncode == 2
    assert "symbolic link" in done.stderr
    assert content(outside) == before


@pytest.mark.parametrize("name", ["flows", "tests", ".gitignore", "pyproject.toml"])
def test_init_writes_through_no_link(tmp_path: Path, outside: Path, name: str) -> None:
    project = tmp_path / "new"
    project.mkdir()
    target = outside if name in ("flows", "tests") else outside / "victim"
    (outside / "victim").write_text("")
    (project / name).symlink_to(target)
    before = content(outside)
    done = Project(tmp_path).run("init", "new")
    assert done.returncode == 2
    assert "symbolic link" in done.stderr
    assert content(outside) == before


def test_the_lock_of_dev_is_no_link(root: Path, outside: Path) -> None:
    (root / ".pgflow").mkdir()
    (root / ".pgflow" / "dev.lock").symlink_to(outside / "made")
    with pytest.raises(OSError, match="link"), only_one(root):
        pass
    assert not (outside / "made").exists()


def test_modules_in_the_working_folder_are_not_ours(root: Path) -> None:
    for name in ("click", "libcst", "msgspec", "mypy", "jinja2", "tomllib", "json"):
        (root / f"{name}.py").write_text("open('trace', 'w').close()\n")
    Project(root).ok("build", "--no-verify")
    assert not (root / "trace").exists()
