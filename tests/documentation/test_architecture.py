"""ARCHITECTURE.md names every room of the compiler and of what it shares with the runtime, and no other."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def listed(package: str) -> set[str]:
    """What is named below a package's line in the layout: modules, and the first folder of each path."""
    names: set[str] = set()
    for line in PAGE[PAGE.index(f"\n{package}/") + 1 :].split("\n")[1:]:
        if not line.startswith("  "):
            break
        for name in line[2:].split("  ")[0].split():
            folder, slash, _ = name.partition("/")
            names.add(folder + slash)
    return names


def rooms(package: str) -> set[str]:
    return {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / package).iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
    }


def test_every_room_of_the_compiler_is_named() -> None:
    assert listed("pgflow_gen") == rooms("pgflow_gen")
