"""A flow as the compiler understands it: what was written, with places, before anything is judged.

``analyze`` makes these from source and reports what cannot be read at all; ``checks`` judge them;
``render`` turns them into text. All values are frozen and compare by meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from enum import StrEnum

from pgflow_gen.diagnostics import Span
from pgflow_gen.ir.options import Json as Json
from pgflow_gen.ir.options import Option as Option
from pgflow_gen.ir.paths import FLOW_INPUT, path_keys
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_gen.ir.types import FAILED, ListType, RecordRef, TypeExpr, TypeTable, union
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.companions import CompanionKind
from pgflow_shared.kinds import KINDS, SqlKind, StepKind
from pgflow_shared.slugs import db_slug


class Receives(StrEnum):
    """What a handler's parameter gets at run time (specification/language.md, "What a handler asks for")."""

    CONTEXT = "context"
    FLOW_INPUT = "flow_input"
    ELEMENT = "element"
    INPUT = "input"
    DEPENDENCY = "dependency"
    STATE = "state"
    RUN_END = "run_end"
    PATH = "path"
    """In a companion: what a step of the run that ended has made."""


@dataclass(frozen=True, slots=True)
class StepName:
    """A reference to a step, as in ``depends_on=[urls, "fetch"]`` or ``array=urls``.

    ``flow`` is the key of the flow the referenced step belongs to when a step *object* was named and
    resolved, else None (a slug given as text belongs to the flow at hand).
    """

    slug: str
    span: Span = field(compare=False)
    flow: FlowKey | None = None


@dataclass(frozen=True, slots=True)
class SubflowName:
    """The flow that does a step's work, as in ``subflow=invoice`` or ``subflow="invoice"``.

    ``flow`` is its key where the flow itself was named, else None.
    """

    slug: str
    """In the database: that of the version that was named."""
    span: Span = field(compare=False)
    flow: FlowKey | None = None


@dataclass(frozen=True, slots=True)
class SubflowTypes:
    """What a step needs to know of the flow that does its work; found when all flows are known."""

    input: TypeExpr | None
    output: RecordRef
    way_back: tuple[str, ...] = ()
    """The slugs of flows, this one first, that lead back to the one that starts it, without ``max_depth``."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A handler's parameter. ``type`` is None when the annotation is missing (301 was reported)."""

    name: str
    receives: Receives
    type: TypeExpr | None
    span: Span = field(compare=False)
    """The parameter's name."""
    type_span: Span | None = field(default=None, compare=False)
    """The annotation."""
    has_default: bool = False
    positional_only: bool = False
    keyword_only: bool = False


@dataclass(frozen=True, slots=True)
class FlowKey:
    """Identity of a flow: the module-level name it is bound to."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step as written. One without a handler has no parameters, and ``function`` is its name."""

    slug: str
    kind: StepKind
    module: str
    function: str
    is_async: bool
    params: tuple[Parameter, ...]
    returns: TypeExpr | None
    """The handler's own return type (for a map: of one element; for a loop: of its last round), or a
    signal's payload; None when the annotation is missing. With ``subflow``: the other flow's input."""
    options: tuple[Option, ...] = ()
    """Everything but ``slug`` and what names steps, in the order written."""
    depends_on: tuple[StepName, ...] = ()
    array: StepName | None = None
    if_ran: tuple[StepName, ...] = ()
    if_skipped: tuple[StepName, ...] = ()
    state: TypeExpr | None = None
    """What a loop keeps between its rounds: the S of ``Again[S] | T``; None where it is no loop."""
    subflow: SubflowName | None = None
    child: SubflowTypes | None = None
    """What ``subflow`` names; None until all flows are known, and where there is no such flow."""
    doc: str | None = None
    unread: frozenset[str] = frozenset()
    """Options that were written but could not be read (a finding says why); ``*`` stands for any."""
    span: Span = field(compare=False, kw_only=True)
    """The handler's name."""
    slug_span: Span | None = field(default=None, compare=False, kw_only=True)
    """The ``slug=`` value, where one was written."""
    returns_span: Span | None = field(default=None, compare=False, kw_only=True)
    decorator_span: Span = field(compare=False, kw_only=True)

    @property
    def is_map(self) -> bool:
        return KINDS[self.kind].is_map

    @property
    def output(self) -> TypeExpr | None:
        """What dependents receive: ``list[R]`` for a map, ``R | Failed`` with ``when_exhausted="value"``."""
        result = self.result
        if result is None:
            return None
        result = union(result, FAILED) if self.makes_failed else result
        return ListType(result) if self.is_map else result

    @property
    def result(self) -> TypeExpr | None:
        """What one task comes to if it does not fail; None where that is not known."""
        if self.subflow is None:
            return self.returns
        return self.child.output if self.child is not None else None

    @property
    def sql_kind(self) -> SqlKind:
        """``pgflow.steps.kind``."""
        return "subflow" if self.subflow is not None else KINDS[self.kind].sql_kind

    @property
    def makes_failed(self) -> bool:
        """Whether a task whose attempts are exhausted completes with a ``Failed``."""
        return self.option("when_exhausted") == "value"

    def option(self, name: str) -> Json:
        """The value written for an option; None when it was not written."""
        for option in self.options:  # no generator: it is asked for thousands of times
            if option.name == name:
                return option.value
        return None

    def hides(self, *names: str) -> bool:
        """Whether one of these options was, or may have been, written in a way that could not be read."""
        return not self.unread.isdisjoint((*names, "*"))

    def params_of(self, receives: Receives) -> tuple[Parameter, ...]:
        return tuple(param for param in self.params if param.receives is receives)

    @property
    def element(self) -> Parameter | None:
        return next(iter(self.params_of(Receives.ELEMENT)), None)

    def array_name(self, table: TypeTable) -> str | None:
        """Of a map that depends on others than its array: that array's step, or ``flow_input``."""
        if not self.is_map:
            return None
        array = FLOW_INPUT if self.array is None else self.array.slug
        return array if set(self.dependencies(table)) - {array} else None

    def dependencies(self, table: TypeTable) -> tuple[str, ...]:
        """Slugs this step depends on, each once: by parameters, keys of ``input``, ``array``, ``depends_on``,
        ``if_ran``, ``if_skipped`` and the path of ``until``."""
        names: dict[str, None] = {}
        for param in self.params:
            if param.receives is Receives.DEPENDENCY:
                names[param.name] = None
            elif param.receives is Receives.INPUT and isinstance(param.type, RecordRef):
                names.update(dict.fromkeys(item.key for item in table.record(param.type).fields))
        if self.array is not None:
            names[self.array.slug] = None
        listed = (*self.depends_on, *self.if_ran, *self.if_skipped)
        names.update(dict.fromkeys(name.slug for name in listed))
        until = self.option("until")
        if isinstance(until, str) and (first := path_keys(until)[0]) != FLOW_INPUT:
            names[first] = None
        return tuple(names)


@dataclass(frozen=True, slots=True)
class CompanionHandler:
    """A function below ``@flow.undo(step)`` or ``@flow.end()``: what is done when a run has ended.

    It is a step of a companion, and is written down as one; its parameters name steps of the flow.
    """

    kind: CompanionKind
    step: StepSpec
    """The handler; its slug is its name, and its options are ``when`` or ``on``."""
    undone: StepName | None = None
    """The step that an undo is of; None where that could not be read (a finding says why)."""

    @property
    def slug(self) -> str:
        return self.step.slug

    @property
    def when(self) -> str:
        """Of an undo: for which tasks it is."""
        return str(self.step.option("when") or "completed")

    @property
    def on(self) -> str:
        """Of an end: which ends of a run it is for."""
        return str(self.step.option("on") or "always")

    @property
    def asks_for_input(self) -> bool:
        """Whether the handler takes the input of the run that ended."""
        return bool(self.step.params_of(Receives.FLOW_INPUT))


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """A flow as written, its steps in order (specification/language.md, "Order of definition")."""

    slug: str
    """The slug as written: ``crawl``, whatever the version."""
    version: int
    key: FlowKey
    input: TypeExpr | None
    """None when there is none to read (301 was reported); ``Flow[None]`` is the primitive None."""
    steps: tuple[StepSpec, ...]
    options: tuple[Option, ...] = ()
    """Everything but the slug and ``version``."""
    schedules: tuple[ScheduleSpec, ...] = ()
    companions: tuple[CompanionHandler, ...] = ()
    """Its undos and ends, in their order."""
    companion_of: str | None = None
    """Of a flow that the compiler made: the slug in the database of the one it is a companion of."""
    doc: str | None = None
    preset: str | None = None
    """The preset whose Flow it is; None: a plain flow."""
    outputs: tuple[SubflowName, ...] = ()
    """The flows whose outputs its types may mention by their generated names, by the name of their module;
    where all flows are known, those of them that there are not."""
    leads_to: tuple[str, ...] = ()
    """The modules of all flows that it starts or mentions; empty until all flows are known."""
    span: Span = field(compare=False, kw_only=True)
    """The name the flow is bound to."""
    slug_span: Span = field(compare=False, kw_only=True)
    version_span: Span | None = field(default=None, compare=False, kw_only=True)
    input_span: Span | None = field(default=None, compare=False, kw_only=True)

    @property
    def db_slug(self) -> str:
        """The slug in the database: version n > 1 is ``<slug>_v<n>``."""
        return db_slug(self.slug, self.version)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that hold the flow, its handlers and its schedules, the flow's own first."""
        steps, schedules = (part.module for part in self.steps), (part.module for part in self.schedules)
        companions = (part.step.module for part in self.companions)
        return tuple(dict.fromkeys((self.key.module, *steps, *schedules, *companions)))

    @property
    def step_count(self) -> int:
        return len(self.steps)

    @property
    def needs_others(self) -> bool:
        """Whether something of it follows from other flows."""
        return bool(self.outputs) or any(step.subflow is not None for step in self.steps)

    @property
    def signals(self) -> tuple[str, ...]:
        """The slugs of its signals."""
        return tuple(step.slug for step in self.steps if step.kind == "signal")

    @property
    def undos(self) -> tuple[CompanionHandler, ...]:
        return tuple(item for item in self.companions if item.kind == "undo")

    @property
    def ends(self) -> tuple[CompanionHandler, ...]:
        return tuple(item for item in self.companions if item.kind == "end")

    def undo_of(self, slug: str) -> CompanionHandler | None:
        """What undoes a step of this flow."""
        return next((item for item in self.undos if item.undone and item.undone.slug == slug), None)

    def step(self, slug: str) -> StepSpec | None:
        return next((step for step in self.steps if step.slug == slug), None)

    def option(self, name: str) -> Json:
        return next((item.value for item in self.options if item.name == name), None)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What ``analyze`` found in a project: all readable flows, by path then line, and their types."""

    flows: tuple[FlowSpec, ...]
    types: TypeTable
    own_types: Callable[[FlowKey], TypeTable] | None = field(default=None, compare=False, repr=False)
    """The types that one flow mentions, where they need not be looked for among all."""
    callers_have_classes: bool = False
    """Whether generated types hold the handlers' classes (``client_types``)."""

    def types_of(self, flow: FlowSpec) -> TypeTable:
        return self.types if self.own_types is None else self.own_types(flow.key)
