"""Where a project keeps things, as the database commands see it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pgflow_runtime.contract.catalogue import find_contract
from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.project import find_project
from tests.support.crawl import DOCUMENT, write_contract


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_nearest_table_wins_over_a_nearer_file_without_one(tmp_path: Path) -> None:
    root = write(tmp_path / "root", '[tool.pgflow-gen]\nout = "made"\nsrc = ["src", "."]\n')
    inner = write(root / "packages" / "one", "[project]\nname = 'one'\n")
    found = find_project(inner, env={})
    assert (found.root, found.out, found.schemas) == (root, root / "made", root / "made" / "schemas")
    assert found.src == (root / "src", root)
    assert found.migrations == root / "made" / "migrations"
    assert found.style == "plain"


def test_defaults_without_a_table_and_without_a_file(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "[project]\nname = 'x'\n")
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    assert find_project(deep, env={}).out == root / "generated"


def test_migrations_may_be_elsewhere(tmp_path: Path) -> None:
    root = write(tmp_path / "root", '[tool.pgflow-gen]\nmigrations = "db/migrations"\nstyle = "dbmate"\n')
    found = find_project(root, env={})
    assert (found.migrations, found.style) == (root / "db/migrations", "dbmate")


def test_generated_folder_can_be_named(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "[tool.pgflow-gen]\n")
    here = root / "sub"
    here.mkdir()
    assert find_project(here, env={"PGFLOW_GENERATED": "g"}).out == here / "g"
    assert find_project(here, generated="/abs/g", env={"PGFLOW_GENERATED": "g"}).out == Path("/abs/g")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.pgflow-gen\n", "not valid TOML"),
        ("[tool.pgflow-gen]\nout = 3\n", "out must be a string, not 3"),
        ('[tool.pgflow-gen]\nsrc = "src"\n', "src must be a list of strings"),
        ("[tool.pgflow-gen]\nmigrations = []\n", "migrations must be a string"),
    ],
)
def test_broken_configuration_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ProjectError, match=words):
        find_project(write(tmp_path / "root", text), env={})


def test_roots_come_first_on_the_path_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "root", '[tool.pgflow-gen]\nsrc = ["src", "."]\n')
    monkeypatch.setattr(sys, "path", ["/x", str(root)])
    find_project(root, env={}).put_on_path()
    assert sys.path == [str(root), str(root / "src"), "/x"]


def test_flows_are_found_by_stem_and_by_slug(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "[tool.pgflow-gen]\n")
    project = find_project(root, env={})
    with pytest.raises(ProjectError, match="there are no flows") as nothing:
        find_contract(project, "crawl")
    assert "pgflow-gen build" in (nothing.value.help or "")
    write_contract(project.out, {**DOCUMENT, "x-pgflow": {**DOCUMENT["x-pgflow"], "slug": "crawl_v2"}})
    write_contract(project.out, {**DOCUMENT, "title": "crawl_v1"})
    assert find_contract(project, "crawl").slug == "crawl_v2"
    assert find_contract(project, "crawl_v1").slug == "crawl"
    assert find_contract(project, "crawl_v2").slug == "crawl_v2"
    with pytest.raises(UsageError, match="there is no flow 'crwal'") as failure:
        find_contract(project, "crwal")
    assert failure.value.help == "did you mean 'crawl'?"
