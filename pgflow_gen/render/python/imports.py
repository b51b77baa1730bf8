"""Imports as objects: they give every name its local spelling and render themselves, sorted."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent

from pgflow_gen.light_dataclass import dataclass

_TYPING_ONLY = frozenset({("typing_extensions", "ReadOnly")})
"""Names no supported Python has at run time without a further package; stubs of both checkers know them."""


@dataclass(frozen=True, slots=True)
class Import:
    """``from module import name as local``; relative modules start with a dot."""

    module: str
    name: str
    local: str
    is_typing_only: bool = False
    """Whether type checkers alone are to see it."""

    @property
    def clause(self) -> str:
        return self.name if self.name == self.local else f"{self.name} as {self.local}"


class Imports:
    """The imports of one module. ``taken`` are names the module defines itself."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._known: dict[tuple[str, str], Import] = {}
        self._modules: dict[str, str] = {}
        self.noted: dict[tuple[str, str], str] = {}
        """Local names by what was asked for, since this was last put anew."""

    def use(self, module: str, name: str, *, wanted: str | None = None, typing_only: bool = False) -> str:
        """The local name of ``module.name``, imported from now on; ``wanted`` is the name to give it."""
        known = self._known.get((module, name))
        if known is None:
            local = wanted or name
            while local in self._taken:
                local = f"_{local}"
            self._taken.add(local)
            typing_only = typing_only or (module, name) in _TYPING_ONLY
            known = self._known[(module, name)] = Import(module, name, local, typing_only)
            if known.is_typing_only:
                self.use("typing", "TYPE_CHECKING")
        self.noted[module, name] = known.local
        return known.local

    def use_module(self, module: str) -> str:
        """The local name of a whole module, imported from now on."""
        if module not in self._modules:
            local = f"_{module}"
            while local in self._taken:
                local = f"_{local}"
            self._taken.add(local)
            self._modules[module] = local
        return self._modules[module]

    def lines(self) -> list[str]:
        """The import statements in groups (standard library, packages, own), a blank line between."""
        plain = _by_module(item for item in self._known.values() if not item.is_typing_only)
        groups: list[list[str]] = []
        for level in range(3):
            modules = sorted(module for module in plain if _level(module) == level)
            whole = sorted(item for item in self._modules.items() if _level(item[0]) == level)
            names = [f"import {module} as {local}" for module, local in whole]
            groups.append([*names, *(_statement(module, plain[module]) for module in modules)])
        lines = [line for group in groups if group for line in ("", *group)]
        guarded = _by_module(item for item in self._known.values() if item.is_typing_only)
        if guarded:
            lines += ["", f"if {self.use('typing', 'TYPE_CHECKING')}:"]
            lines += [indent(_statement(module, guarded[module]), "    ") for module in sorted(guarded)]
        return lines[1:]


def _by_module(imports: Iterable[Import]) -> dict[str, list[Import]]:
    """One pass: ``client.py`` imports from as many modules as there are flows."""
    found: dict[str, list[Import]] = {}
    for item in imports:
        found.setdefault(item.module, []).append(item)
    return found


def _level(module: str) -> int:
    if module.startswith("."):
        return 2
    return 1 if module.split(".")[0] in ("pgflow_runtime", "typing_extensions") else 0


def _statement(module: str, imports: Iterable[Import]) -> str:
    clauses = [item.clause for item in sorted(imports, key=_order)]
    line = f"from {module} import {', '.join(clauses)}"
    if len(line) <= 100:
        return line
    inner = "".join(f"    {clause},\n" for clause in clauses)
    return f"from {module} import (\n{inner})"


def _order(item: Import) -> tuple[int, str, str]:
    """Constants, then classes, then functions, as isort has it."""
    kind = 0 if item.name.isupper() and len(item.name) > 1 else 1 if item.name[:1].isupper() else 2
    return (kind, item.name.lower(), item.name)
