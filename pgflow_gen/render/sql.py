"""A flow as SQL: calls of the core's own functions that define it, or change its options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from pgflow_gen.ir.companions import companions
from pgflow_gen.ir.flow import FlowSpec, Json, StepSpec
from pgflow_gen.ir.structure import structure
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.edges import topological
from pgflow_gen.render.environment import render_template
from pgflow_gen.render.literals import sql_jsonb, sql_literal
from pgflow_gen.render.settings.options import flow_settings, settings, step_settings
from pgflow_gen.render.settings.schedules import schedules
from pgflow_gen.render.settings.setting import Setting
from pgflow_shared.kinds import KINDS
from pgflow_shared.options import FLOW_PARAMETERS, STEP_PARAMETERS, Key, Named
from pgflow_shared.structure import structure_hash
from pgflow_shared.styles import style_of


@dataclass(frozen=True, slots=True)
class Call:
    """``select pgflow.<function>(<positional>, <name> => <value>...)``, its values already quoted."""

    function: str
    positional: tuple[str, ...]
    named: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A migration before it is dressed for a tool: two lines of comment, and calls. Each ends in LF."""

    head: str
    body: str


def create_script(flow: FlowSpec, types: TypeTable) -> Script:
    """Creates the flow with its steps, each after its dependencies."""
    calls = [
        _create_flow(flow),
        *(_add_step(flow, step, types) for step in topological(flow, types)),
        *_schedule_calls(flow, {}),
    ]
    return _script(flow, types, calls)


def alter_script(flow: FlowSpec, types: TypeTable, before: Mapping[str, Json]) -> Script | None:
    """Sets the complete options of whatever of the flow has others than ``before``; None when nothing has.

    ``before`` are settings in the words of ``settings``; the structure must be the same.
    """
    after = settings(flow)
    old_steps, new_steps = _object(before, "steps"), _object(after, "steps")
    calls: list[Call] = []
    apart: dict[str, Json] = {"steps": None, "schedules": None}
    if not alike({**before, **apart}, {**after, **apart}):
        calls.append(Call("alter_flow", (sql_literal(flow.db_slug),), _flow_options(flow)))
    for step in topological(flow, types):
        if not alike(old_steps.get(step.slug, {}), new_steps[step.slug]):
            slugs = (sql_literal(flow.db_slug), sql_literal(step.slug))
            calls.append(Call("alter_step", slugs, _step_options(step)))
    calls += _schedule_calls(flow, _object(before, "schedules"))
    return _script(flow, types, calls) if calls else None


def with_drops(script: Script, schedules: Iterable[tuple[str, str]]) -> Script:
    """``script``, and then these schedules, each after its flow, are taken away."""
    lines = [
        f"select pgflow.drop_schedule({sql_literal(flow)}, {sql_literal(name)});\n"
        for flow, name in schedules
    ]
    return Script(script.head, script.body + "".join(lines))


def compile_sql(flow: FlowSpec, types: TypeTable) -> str:
    """The migrations that create ``flow`` and its companions: what ``pgflow-gen compile`` prints."""
    flows = [*(companion.flow for companion in companions(flow, types)), flow]
    scripts = [create_script(each, types) for each in flows]
    return "\n".join(style_of("plain").frame(script.head, script.body) for script in scripts)


def alike(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON; unlike in Python, 1 is neither true nor 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _script(flow: FlowSpec, types: TypeTable, calls: list[Call]) -> Script:
    digest = structure_hash(structure(flow, types))
    text = render_template("migration.sql.jinja", flow=flow, calls=calls, structure_hash=digest)
    head, _, body = text.partition("\n\n")
    return Script(f"{head}\n", body)


def _object(of: Mapping[str, Json], key: str) -> dict[str, Json]:
    found = of.get(key)
    return found if isinstance(found, dict) else {}


def _schedule_calls(flow: FlowSpec, before: Mapping[str, Json]) -> Iterator[Call]:
    """What makes the schedules in the database, ``before``, those of the flow; gone ones go first."""
    after, slug = schedules(flow), sql_literal(flow.db_slug)
    for name in sorted(before.keys() - after.keys()):
        yield Call("drop_schedule", (slug, sql_literal(name)), ())
    for name, schedule in after.items():
        if name in before and alike(before[name], schedule):
            continue
        assert isinstance(schedule, dict)
        arguments = (slug, sql_literal(name), sql_jsonb(schedule["spec"]), sql_jsonb(schedule["input"]))
        yield Call("create_schedule", arguments, ())


def _create_flow(flow: FlowSpec) -> Call:
    return Call("create_flow", (sql_literal(flow.db_slug),), _flow_options(flow))


def _flow_options(flow: FlowSpec) -> tuple[tuple[str, str], ...]:
    return _named(flow_settings(flow), FLOW_PARAMETERS)


def _add_step(flow: FlowSpec, step: StepSpec, types: TypeTable) -> Call:
    positional = [sql_literal(flow.db_slug), sql_literal(step.slug)]
    dependencies = step.dependencies(types)
    if dependencies:
        positional.append(f"array[{', '.join(map(sql_literal, dependencies))}]")
    return Call("add_step", tuple(positional), _step_options(step, _structural(step, types)))


def _step_options(step: StepSpec, others: Iterable[Setting] = ()) -> tuple[tuple[str, str], ...]:
    return _named([*step_settings(step), *others], STEP_PARAMETERS)


def _structural(step: StepSpec, types: TypeTable) -> Iterator[Setting]:
    """What a step is, which no ``alter_step`` changes."""
    if step.is_map:
        yield Setting("step_type", Named("step_type"), KINDS[step.kind].sql_type)
    if step.sql_kind != "task":
        yield Setting("kind", Key("kind"), step.sql_kind)
    if step.subflow is not None:
        yield Setting("subflow", Key("subflow"), step.subflow.slug)
    array = step.array_name(types)
    if array is not None:
        yield Setting("array", Key("array"), array)


def _named(found: list[Setting], parameters: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The arguments that are given by name, in the function's order; last what goes into ``options``."""
    named, keys = dict[str, str](), dict[str, Json]()
    for setting in found:
        if isinstance(setting.sql, Key):
            keys[setting.sql.key] = setting.value
        else:
            value = setting.value
            named[setting.sql.parameter] = sql_jsonb(value) if setting.is_json else _scalar(value)
    ordered = tuple((name, named[name]) for name in parameters if name in named)
    return (*ordered, ("options", sql_jsonb(dict(sorted(keys.items()))))) if keys else ordered


def _scalar(value: Json) -> str:
    if not isinstance(value, str | int):
        raise TypeError(f"an option of the wrong type (a finding of its own): {value!r}")
    return sql_literal(value)
