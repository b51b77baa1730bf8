"""All rules of this package, found by their files' names, and their application."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import cast

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowKey


@cache
def _modules() -> tuple[ModuleType, ...]:
    names = sorted(
        item.name
        for item in pkgutil.iter_modules([str(Path(__file__).parent)])
        if item.name.startswith("pgf")
    )
    return tuple(importlib.import_module(f"pgflow_gen.checks.{name}") for name in names)


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its code ("PGF303"), in order of code."""
    found = [cast(Rule, module.RULE) for module in _modules()]
    return MappingProxyType({rule.code: rule for rule in found})


def run_checks(analysis: Analysis, findings: Findings, clean: Collection[FlowKey] = ()) -> frozenset[FlowKey]:
    """Judge all flows; what is wrong is added to ``findings``.

    A rule's module may hold ``check(checked)``, called for each flow, or ``check_project(analysis,
    findings)``, called once. Flows in ``clean`` are known to pass the checks of the first kind; handed out
    are all that do.
    """
    scopes = [CheckedFlow(flow, analysis, findings) for flow in analysis.flows if flow.key not in clean]
    faulty: set[FlowKey] = set()
    for module in _modules():
        check = cast("Callable[[CheckedFlow], None] | None", getattr(module, "check", None))
        if check is not None:
            for checked in scopes:
                before = findings.reported
                check(checked)
                if findings.reported != before:
                    faulty.add(checked.flow.key)
        check_project = cast(
            "Callable[[Analysis, Findings], None] | None", getattr(module, "check_project", None)
        )
        if check_project is not None:
            check_project(analysis, findings)
    return frozenset(flow.key for flow in analysis.flows) - faulty
