"""Module names and files: the import system of the ``src`` roots, without importing anything."""

from __future__ import annotations

import keyword
import os
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.source.identifiers import normal


def module_name(config: Config, file: Path) -> str | None:
    """The dotted name of ``file`` below the first ``src`` root that holds it; None below none of them."""
    for root in source_roots(config):
        try:
            parts = list(file.relative_to(root).with_suffix("").parts)
        except ValueError:
            continue
        if parts[-1] == "__init__":
            parts.pop()
        return ".".join(parts) or None
    return None


def unimportable_part(name: str) -> str | None:
    """The first part of a dotted name that no import statement can spell, as in ``flows.my-flow``."""
    for part in name.split("."):
        if not part.isidentifier() or keyword.iskeyword(part) or part != normal(part):
            return part
    return None


def find_module(config: Config, name: str) -> Path | None:
    """The file of module ``name``: a package's ``__init__.py`` before ``name.py``, by order of ``src``."""
    inside = name.replace(".", os.sep)
    for root in config.src:
        base = os.path.normpath(os.path.join(config.root, root, inside))
        for candidate in (os.path.join(base, "__init__.py"), f"{base}.py"):
            if os.path.isfile(candidate):
                return Path(candidate)
    return None


def is_folder(config: Config, name: str) -> bool:
    """Whether ``name`` is a folder below a ``src`` root: a namespace package."""
    return any(root.joinpath(*name.split(".")).is_dir() for root in source_roots(config))


def submodules(config: Config, name: str) -> tuple[str, ...]:
    """Names of the modules and folders directly inside ``name`` ("" for the roots), for suggestions."""
    names: set[str] = set()
    for root in source_roots(config):
        folder = root.joinpath(*name.split(".")) if name else root
        if folder.is_dir():
            names.update(item.stem for item in folder.iterdir() if item.suffix == ".py" or item.is_dir())
    return tuple(sorted(name for name in names if name.isidentifier() and name != "__init__"))


def source_roots(config: Config) -> tuple[Path, ...]:
    return tuple(Path(os.path.normpath(config.root / item)) for item in config.src)
