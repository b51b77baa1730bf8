"""Comparing a flow's contract with what the database holds, before a worker starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import ShapeMismatch, UnknownFlow
from pgflow_shared.options import stored_defaults
from pgflow_shared.structure import by_slug


def demand_same_structure(contract: FlowContract, definition: Mapping[str, Any] | None) -> None:
    """Refuse a database whose flow has other steps than the code.

    Raises:
        UnknownFlow: the database does not have the flow at all.
        ShapeMismatch: steps or dependencies differ; the message is a diff.
    """
    if definition is None:
        raise UnknownFlow(
            f"flow {contract.slug!r} is not in the database",
            help="run `pgflow-gen build` and `pgflow-gen migrate` against this database",
        )
    code = by_slug(contract.structure)
    database = by_slug(definition["structure"])
    if code == database:
        return
    lines: list[str] = []
    for slug in sorted(code.keys() | database.keys()):
        if code.get(slug) != database.get(slug):
            lines += [f"- {_describe(step)}" for step in [database.get(slug)] if step]
            lines += [f"+ {_describe(step)}" for step in [code.get(slug)] if step]
    diff = "\n  ".join(lines)
    raise ShapeMismatch(
        f"flow {contract.slug!r} has another structure in the database (-) than in the code (+):\n  {diff}",
        help="run `pgflow-gen migrate`; if it has nothing to do, give the changed flow a new version",
    )


def setting_differences(contract: FlowContract, definition: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each option that differs between code and database."""
    code, database = contract.settings, definition["settings"]
    yield from _differences("", code, database, stored_defaults("flow"))
    steps = {item["slug"] for item in contract.structure["steps"]}
    for slug in sorted(steps):
        mine = code.get("steps", {}).get(slug, {})
        theirs = database.get("steps", {}).get(slug, {})
        yield from _differences(f"step {slug!r}: ", mine, theirs, stored_defaults("step"))


def _differences(
    where: str, code: Mapping[str, Any], database: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[str]:
    for name in sorted((code.keys() | database.keys()) - {"steps", "schedules"}):
        mine = code.get(name, defaults.get(name))
        theirs = database.get(name, defaults.get(name))
        if mine != theirs:
            yield f"{where}{name} is {_show(theirs)} in the database, {_show(mine)} in the code"


def _show(value: Any) -> str:
    return "not set" if value is None else repr(value)


def _describe(step: Mapping[str, Any]) -> str:
    after = f" after {', '.join(step['dependencies'])}" if step["dependencies"] else ""
    return f"{step['slug']}: {step['type']}{after}"
