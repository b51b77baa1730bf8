"""Which files of the project a verdict rests on: the flows' modules and all they import, by their source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


def closure(modules: Iterable[str], roots: Iterable[Path]) -> frozenset[Path]:
    """The files of ``modules`` and, transitively, of every import found in them below ``roots``."""
    subjects = tuple(roots)
    found: set[Path] = set()
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        waiting.extend(_parents(module))
        for path in _files(module, subjects):
            if path not in found:
                found.add(path)
                waiting.extend(_imports(module, path))
    return frozenset(found)


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts)))


def _files(module: str, roots: tuple[Path, ...]) -> Iterator[Path]:
    """All files that may be the module: a stub or a later root may win over what is found first."""
    inside = Path(*module.split("."))
    for root in roots:
        base = root / inside
        for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            yield from (candidate for candidate in (path, path.with_suffix(".pyi")) if candidate.is_file())


def _imports(module: str, path: Path) -> Iterator[str]:
    """Modules an import statement of the file may mean; ``from a import b`` may mean ``a.b``."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return
    package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            anchor = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*anchor, *([node.module] if node.module else [])])
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
