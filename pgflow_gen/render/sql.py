"""A flow as SQL: one transaction that defines it, in calls of the core's own functions."""

from __future__ import annotations

from dataclasses import dataclass

from pgflow_gen.ir.flow import FlowSpec, Json, StepSpec
from pgflow_gen.ir.shape import structure, structure_hash
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.render.edges import topological
from pgflow_gen.render.environment import render_template
from pgflow_gen.render.literals import sql_jsonb, sql_literal

_FLOW_ARGUMENTS = ("max_attempts", "base_delay", "timeout", "backoff", "max_delay")
_STEP_ARGUMENTS = {
    "max_attempts": "max_attempts",
    "base_delay": "base_delay",
    "timeout": "timeout",
    "start_delay": "start_delay",
    "step_type": "step_type",
    "if_": "required_input_pattern",
    "if_not": "forbidden_input_pattern",
    "when_unmet": "when_unmet",
    "when_exhausted": "when_exhausted",
    "backoff": "backoff",
    "max_delay": "max_delay",
}
"""Option -> argument of ``pgflow.add_step``, in the function's order (contract, section 7.3)."""
_PATTERNS = frozenset({"if_", "if_not"})


@dataclass(frozen=True, slots=True)
class Call:
    """``select pgflow.<function>(<positional>, <name> => <value>...)``, its values already quoted."""

    function: str
    positional: tuple[str, ...]
    named: tuple[tuple[str, str], ...]


def compile_sql(flow: FlowSpec, types: TypeTable) -> str:
    """The migration that creates ``flow``: what ``pgflow-gen compile`` prints."""
    calls = [_create_flow(flow), *(_add_step(flow, step, types) for step in topological(flow, types))]
    digest = structure_hash(structure(flow, types))
    return render_template("migration.sql.jinja", flow=flow, calls=calls, structure_hash=digest)


def _create_flow(flow: FlowSpec) -> Call:
    named = [(name, _scalar(value)) for name in _FLOW_ARGUMENTS if (value := flow.option(name)) is not None]
    return Call("create_flow", (sql_literal(flow.db_slug),), tuple(named))


def _add_step(flow: FlowSpec, step: StepSpec, types: TypeTable) -> Call:
    positional = [sql_literal(flow.db_slug), sql_literal(step.slug)]
    dependencies = step.dependencies(types)
    if dependencies:
        positional.append(f"array[{', '.join(map(sql_literal, dependencies))}]")
    named: list[tuple[str, str]] = []
    for option, argument in _STEP_ARGUMENTS.items():
        value: Json = ("map" if step.is_map else None) if option == "step_type" else step.option(option)
        if value is not None:
            named.append((argument, sql_jsonb(value) if option in _PATTERNS else _scalar(value)))
    return Call("add_step", tuple(positional), tuple(named))


def _scalar(value: Json) -> str:
    if not isinstance(value, str | int):
        raise TypeError(f"an option of the wrong type (a finding of its own): {value!r}")
    return sql_literal(value)
