"""All rules of this package, found by their files' names, and their application."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import cast

import pgflow_gen.checks
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.scope import Scope
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis


@cache
def _modules() -> tuple[ModuleType, ...]:
    names = sorted(
        item.name for item in pkgutil.iter_modules(pgflow_gen.checks.__path__) if item.name.startswith("pgf")
    )
    return tuple(importlib.import_module(f"pgflow_gen.checks.{name}") for name in names)


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its code ("PGF303"), in order of code."""
    found = [cast(Rule, module.RULE) for module in _modules()]
    return MappingProxyType({rule.code: rule for rule in found})


def run_checks(analysis: Analysis, findings: Findings) -> None:
    """Judge all flows; what is wrong is added to ``findings``.

    A rule's module may hold ``check(scope)``, called for each flow, or ``check_project(analysis,
    findings)``, called once.
    """
    scopes = [Scope(flow, analysis, findings) for flow in analysis.flows]
    for module in _modules():
        check = cast("Callable[[Scope], None] | None", getattr(module, "check", None))
        if check is not None:
            for scope in scopes:
                check(scope)
        check_project = cast(
            "Callable[[Analysis, Findings], None] | None", getattr(module, "check_project", None)
        )
        if check_project is not None:
            check_project(analysis, findings)
