"""Paths that signals and sleeps name, repeated as expressions: mypy says whether each key exists.

A key that may be missing is looked up as if it were there: to the database, an absent value is none. Where a
path goes on through a union or through any JSON, the expression ends: the compiler's word has to do.
"""

from __future__ import annotations

from collections.abc import Callable

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.paths import FLOW_INPUT, path_keys
from pgflow_gen.ir.types import ClassRef, DictType, RecordRef, TypeExpr, TypeTable
from pgflow_gen.render.edges import flow_input, step_output
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.wiring.source_map import MappedLines, Subject


def add_paths(
    flow: FlowSpec, step: StepSpec, types: TypeTable, bound: Callable[[str], str], lines: MappedLines
) -> None:
    """One line for each path of the step; ``bound`` names what a step's output is bound to."""
    for option in step.options:
        if option.name not in ("key", "until") or not isinstance(option.value, str):
            continue
        first, *keys = path_keys(option.value)
        source = flow.step(first)
        type_ = flow_input(flow) if source is None else step_output(source)
        value = first if first == FLOW_INPUT else bound(first)
        if path := _sure(keys, type_, types):
            lines.add(f"    _ = {value}{path}", Subject("path", flow.key, step.slug, option.name))


def _sure(keys: list[str], type_: TypeExpr | None, types: TypeTable) -> str:
    """The way along the keys, up to what is no object for sure."""
    path = ""
    for key in keys:
        match type_:
            case RecordRef() if (field := types.record(type_).get(key)) is not None:
                path, type_ = f"{path}[{py_literal(key)}]", field.type
            case ClassRef() if (field := types.record(type_).get(key)) is not None:
                path, type_ = f"{path}.{key}", field.type
            case DictType(value=value):
                path, type_ = f"{path}[{py_literal(key)}]", value
            case _:
                break
    return path
