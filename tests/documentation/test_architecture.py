"""ARCHITECTURE.md names the rooms that are there, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGES = ("pgflow_gen", "runtime/pgflow_shared", "runtime/pgflow_runtime", "sql/pgflow_sql")


def listed(package: str, indent: str = "") -> set[str]:
    """What is named below a package's line in the layout: modules, and the first folder of each path."""
    names: set[str] = set()
    for line in PAGE[PAGE.index(f"\n{indent}{package}/") + 1 :].split("\n")[1:]:
        if not line.startswith(f"{indent}  "):
            break
        for name in line.removeprefix(f"{indent}  ").split("  ")[0].split():
            folder, slash, _ = name.partition("/")
            names.add(folder + slash)
    return names


def rooms(package: str) -> set[str]:
    return {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / package).iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_of_a_package_is_named(package: str) -> None:
    assert listed(package) == rooms(package)


def test_every_folder_of_the_schema_is_named() -> None:
    folders = {path.name for path in (ROOT / "sql/pgflow_sql/schema").iterdir() if path.is_dir()}
    named = re.findall(r"(?m)^    (\d\d_.*?)(?:  |$)", PAGE)
    assert {name for line in named for name in line.split()} == folders


def test_the_paths_of_the_list_of_places_are_there() -> None:
    """Those that are written as paths from a package or the repository."""
    section = PAGE[PAGE.index("## Where a new thing must appear") :].split("\n## ")[0]
    paths = re.findall(r"`((?:pgflow_\w+|tests|docs|scripts)/[\w./-]*)`", section)
    assert len(paths) > 5
    missing = [path for path in paths if not any((ROOT / base / path).exists() for base in (".", "runtime"))]
    assert missing == []


def test_every_room_of_the_worker_is_named() -> None:
    assert listed("worker", "  ") == rooms("runtime/pgflow_runtime/worker")


def test_a_class_name_means_one_thing_in_the_runtime() -> None:
    homes: dict[str, list[str]] = {}
    folder = ROOT / "runtime" / "pgflow_runtime"
    for path in sorted(folder.rglob("*.py")):
        # the sync client is made from the other; the model of the core speaks the core's words
        if path.parent.name == "_sync" or path.parts[-2:] == ("engine", "model.py"):
            continue
        if path.parent.name == "engine" and path.name == "model.py":  # runs and tasks as the core has them
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(path.relative_to(folder).as_posix())
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


@pytest.mark.parametrize("packages", [("pgflow_gen",), ("pgflow_runtime",), ("pgflow_shared",)])
def test_no_modules_import_each_other_in_a_circle(packages: tuple[str, ...]) -> None:
    """Not even for their types alone: import-linter looks at packages, this at modules."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=False, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    circles = [name for name in imports if _leads_back(name, imports)]
    assert circles == []


def _leads_back(start: str, imports: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    todo = list(imports[start])
    while todo:
        name = todo.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            todo += imports.get(name, ())
    return False
