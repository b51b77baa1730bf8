"""Flows built by hand as the front would read them, for tests of what comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pgflow_gen.checks import run_checks
from pgflow_gen.diagnostics import Diagnostic, Findings, Span
from pgflow_gen.ir.flow import (
    Analysis,
    CompanionHandler,
    FlowKey,
    FlowSpec,
    Json,
    Option,
    Parameter,
    Receives,
    StepName,
    StepSpec,
)
from pgflow_gen.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    Alias,
    AliasRef,
    AnyType,
    DictType,
    Field,
    JsonType,
    ListType,
    LiteralType,
    Record,
    RecordRef,
    TypeExpr,
    TypeKey,
    TypeTable,
    union,
)
from pgflow_shared.kinds import StepKind

MODULE = "flows.example"
PATH = "flows/example.py"
JSON, ANY, OBJECT = JsonType(), AnyType("Any"), AnyType("object")

__all__ = ["BOOL", "FLOAT", "INT", "NONE", "STR", "union"]


def span(line: int, column: int = 1, width: int = 1) -> Span:
    return Span(PATH, line, column, line, column + width)


def list_of(item: TypeExpr) -> ListType:
    return ListType(item)


def sequence_of(item: TypeExpr) -> ListType:
    return ListType(item, read_only=True)


def dict_of(value: TypeExpr) -> DictType:
    return DictType(value)


def mapping_of(value: TypeExpr) -> DictType:
    return DictType(value, read_only=True)


def literal(*values: str | int | bool | None) -> LiteralType:
    return LiteralType(values)


@dataclass
class Types:
    """A table of types that grows by being asked."""

    records: dict[TypeKey, Record] = field(default_factory=dict)
    aliases: dict[TypeKey, Alias] = field(default_factory=dict)

    @property
    def table(self) -> TypeTable:
        return TypeTable(self.records, self.aliases)

    def ref(self, name: str, module: str = MODULE) -> RecordRef:
        return RecordRef(TypeKey(module, name))

    def record(self, name: str, /, *extra: Field, module: str = MODULE, **keys: TypeExpr) -> RecordRef:
        """A TypedDict with required keys, and further fields as given."""
        ref = self.ref(name, module)
        fields = (*(Field(key, type_) for key, type_ in keys.items()), *extra)
        self.records[ref.key] = Record(ref.key, fields)
        return ref

    def alias(self, name: str, target: TypeExpr) -> AliasRef:
        ref = AliasRef(TypeKey(MODULE, name))
        self.aliases[ref.key] = Alias(ref.key, target)
        return ref


def param(
    name: str, type_: TypeExpr | None, receives: Receives | None = None, *, default: bool = False
) -> Parameter:
    """A parameter; what it receives follows from its name unless it is said."""
    by_name = {"flow_input": Receives.FLOW_INPUT, "input": Receives.INPUT, "run_end": Receives.RUN_END}
    return Parameter(
        name, receives or by_name.get(name, Receives.DEPENDENCY), type_, span(1), span(1), has_default=default
    )


def element(name: str, type_: TypeExpr | None) -> Parameter:
    return param(name, type_, Receives.ELEMENT)


def step(
    slug: str,
    *params: Parameter,
    returns: TypeExpr | None = STR,
    kind: StepKind = "step",
    depends_on: tuple[str | StepName, ...] = (),
    array: str | StepName | None = None,
    function: str | None = None,
    options: Mapping[str, Json] | None = None,
    unread: tuple[str, ...] = (),
) -> StepSpec:
    """A step without places yet; ``flow`` puts each on a line of its own."""
    place = span(1)
    return StepSpec(
        slug,
        kind,
        MODULE,
        function or slug,
        False,
        params,
        returns,
        tuple(Option(name, value, place) for name, value in (options or {}).items()),
        tuple(_name(item) for item in depends_on),
        None if array is None else _name(array),
        unread=frozenset(unread),
        span=place,
        returns_span=place,
        decorator_span=place,
    )


def flow(
    *steps: StepSpec,
    slug: str = "example",
    input: TypeExpr | None = STR,
    version: int = 1,
    line: int = 1,
    options: Mapping[str, Json] | None = None,
) -> FlowSpec:
    """A flow at ``line``; its steps follow on lines 10, 20, ... after it, their parameters below each."""
    return FlowSpec(
        slug,
        version,
        FlowKey(MODULE, f"{slug}_{version}_{line}"),
        input,
        tuple(_placed(item, line + 10 * number) for number, item in enumerate(steps, start=1)),
        tuple(Option(name, value, span(line, 40)) for name, value in (options or {}).items()),
        span=span(line),
        slug_span=span(line, 20),
        version_span=span(line, 30),
    )


def with_companions(of: FlowSpec, *handlers: CompanionHandler) -> FlowSpec:
    """The flow with undos and ends, each on a line of its own after the steps."""
    line = of.span.line + 10 * (len(of.steps) + 1)
    placed = (
        replace(handler, step=_placed(handler.step, line + 10 * number))
        for number, handler in enumerate(handlers)
    )
    return replace(of, companions=tuple(placed))


def undo(of: str, handler: StepSpec) -> CompanionHandler:
    return CompanionHandler("undo", handler, _name(of))


def end(handler: StepSpec) -> CompanionHandler:
    return CompanionHandler("end", handler)


def judge(*flows: FlowSpec, types: Types | None = None) -> tuple[Diagnostic, ...]:
    """What the checks say about these flows."""
    findings = Findings()
    run_checks(Analysis(flows, (types or Types()).table), findings)
    return findings.sorted()


def codes(*flows: FlowSpec, types: Types | None = None) -> list[str]:
    return [item.code for item in judge(*flows, types=types)]


def _name(item: str | StepName) -> StepName:
    return item if isinstance(item, StepName) else StepName(item, span(1))


def _placed(item: StepSpec, line: int) -> StepSpec:
    """The step on ``line``: decorator above, options 2 lines above, parameters on the lines below."""
    return replace(
        item,
        span=span(line, 5),
        decorator_span=span(line - 1),
        returns_span=span(line, 50),
        params=tuple(
            replace(one, span=span(line + number, 9, len(one.name)), type_span=span(line + number, 30, 5))
            for number, one in enumerate(item.params, start=1)
        ),
        options=tuple(
            replace(one, span=span(line - 1, 10 + number)) for number, one in enumerate(item.options)
        ),
        depends_on=tuple(
            replace(one, span=span(line - 1, 30 + number)) for number, one in enumerate(item.depends_on)
        ),
        array=None if item.array is None else replace(item.array, span=span(line - 1, 60)),
    )
