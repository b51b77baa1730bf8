"""PGF203: a dependency on a step that the flow does not have."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow, Edge, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import CompanionHandler, Parameter, Receives, StepSpec
from pgflow_gen.ir.paths import FLOW_INPUT
from pgflow_gen.ir.types import RecordRef, UnknownType
from pgflow_shared.companions import RUN_END
from pgflow_shared.options import named, options_of
from pgflow_shared.text import closest

RULE = Rule(
    code="PGF203",
    title="dependency on an unknown step",
    text="""\
What a handler asks for, it names: a parameter called `fetch` receives the output of the step `fetch` of
the same flow. The run's input is `flow_input`, all dependencies in one object are `input`, and the
task's context is whatever is annotated `Context`; every other name has to be a step's slug. So it is with
undos and ends, which also get how the run ended, as `run_end`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step
def count(fecth: str) -> int:
    return len(fecth)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step
def count(fetch: str) -> int:
    return len(fetch)
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        for param in step.params_of(Receives.INPUT):
            _check_input(checked, step, param)
        for param in step.params_of(Receives.RUN_END):
            _report_run_end(checked, step, param)
        for edge in checked.edges(step):
            # A loop's state is 224's; that a map has no element is 206's.
            is_state = step.kind == "loop" and edge.slug == "state"
            is_element = step.is_map and step.element is None
            if edge.param is None or not (is_state or is_element):
                _check_edge(checked, step, edge)
    for handler in checked.flow.companions:
        for param in handler.step.params:
            is_other = param.receives is Receives.RUN_END and param.name != RUN_END
            asks = param.receives in (Receives.DEPENDENCY, Receives.INPUT)
            if is_other or (asks and param.name not in checked.steps):
                _report_companion(checked, handler, param)


def _report_companion(checked: CheckedFlow, handler: CompanionHandler, param: Parameter) -> None:
    if handler.undone is not None and handler.undone.slug == param.name:
        return  # a step of another flow, which is 236's
    known = [*checked.steps, FLOW_INPUT, RUN_END]
    near = RUN_END if param.receives is Receives.RUN_END else closest(param.name, known)
    checked.findings.add(
        "PGF203",
        parameter_span(param),
        f"{handler.kind} {handler.slug!r} asks for {param.name!r}, but flow {checked.flow.slug!r} has no step"
        f" {param.name!r}"
        if param.name not in checked.steps
        else f"{handler.kind} {handler.slug!r} asks for {param.name!r} as a RunEnd, but that is a step",
        help=f"did you mean {near}?"
        if near
        else "it may ask for steps of the flow, flow_input, run_end: RunEnd and a Context",
        highlight=param.span,
    )


def _report_run_end(checked: CheckedFlow, step: StepSpec, param: Parameter) -> None:
    flow = checked.flow.key.name
    checked.findings.add(
        "PGF203",
        parameter_span(param),
        f"step {step.slug!r} asks for {param.name!r}, but only undos and ends get a RunEnd",
        help=f"ask for it as {RUN_END}, in a handler of @{flow}.undo or @{flow}.end",
        highlight=param.span,
    )


def _check_input(checked: CheckedFlow, step: StepSpec, param: Parameter) -> None:
    if step.is_map or param.type is None or isinstance(param.type, UnknownType):
        return
    if _is_flow_input(checked, param):
        checked.findings.add(
            "PGF203",
            parameter_span(param),
            f"step {step.slug!r} asks for input: {param.type}, but 'input' holds the outputs of other steps",
            notes=[f"{param.type} is the input of flow {checked.flow.slug!r}"],
            help="did you mean flow_input?",
            highlight=param.span,
        )
    elif not isinstance(param.type, RecordRef):
        checked.findings.add(
            "PGF203",
            parameter_span(param),
            f"step {step.slug!r} asks for input: {param.type}, which names no steps",
            help="annotate it with a TypedDict whose keys are step slugs, or ask for the steps by name",
            highlight=param.type_span,
        )


def _is_flow_input(checked: CheckedFlow, param: Parameter) -> bool:
    """Whether ``input`` has the flow's input type, and no step among its keys: meant was ``flow_input``."""
    if param.type is None or param.type != checked.flow.input:
        return False
    if isinstance(param.type, RecordRef):
        return not any(item.key in checked.steps for item in checked.types.record(param.type).fields)
    return True


def _check_edge(checked: CheckedFlow, step: StepSpec, edge: Edge) -> None:
    name = edge.name
    if name is not None and name.flow is not None and name.flow != checked.flow.key:
        checked.findings.add(
            "PGF203",
            edge.span,
            f"step {step.slug!r} depends on {edge.slug!r}, which is a step of another flow",
            notes=[f"{edge.slug!r} belongs to the flow {name.flow.name!r} in {name.flow.module}"],
            help="depend on steps of the same flow only, or start the other flow by a step with subflow=",
        )
        return
    if edge.slug in checked.steps or (
        edge.key is not None and edge.param and _is_flow_input(checked, edge.param)
    ):
        return
    help = _help(checked, step, edge)
    if _is_unresolved(checked, edge) and not help.startswith("did you mean"):
        return
    checked.findings.add(
        "PGF203",
        edge.span,
        _message(checked, step, edge),
        notes=_notes(checked, edge),
        help=help,
        highlight=edge.param.span if edge.param is not None else None,
    )


def _is_unresolved(checked: CheckedFlow, edge: Edge) -> bool:
    """Whether the parameter's annotation is unknown (103): it may be a ``Context`` that was not imported."""
    return edge.param is not None and any(
        item.code == "PGF103" and item.span == edge.param.type_span for item in checked.findings
    )


def _message(checked: CheckedFlow, step: StepSpec, edge: Edge) -> str:
    missing = f"flow {checked.flow.slug!r} has no step {edge.slug!r}"
    if edge.key is not None:
        return f"step {step.slug!r} asks for input[{edge.slug!r}], but {missing}"
    verb = "asks for" if edge.param is not None else "depends on"
    return f"step {step.slug!r} {verb} {edge.slug!r}, but {missing}"


def _notes(checked: CheckedFlow, edge: Edge) -> list[str]:
    named = [step for step in checked.flow.steps if step.function == edge.slug]
    handler = next((item for item in checked.flow.companions if item.slug == edge.slug), None)
    if handler is not None:
        return [f"{edge.slug!r} is an {handler.kind}: nothing depends on it, it runs when the run has ended"]
    if named:
        return [f"the step of the function {edge.slug!r} has the slug {named[0].slug!r}"]
    elsewhere = [
        flow
        for flow in checked.analysis.flows
        if flow.key != checked.flow.key and flow.step(edge.slug) is not None
    ]
    return [f"flow {flow.slug!r} has a step of that name" for flow in elsewhere[:1]]


_SETTINGS = frozenset(
    {"cfg", "client", "conf", "config", "db", "engine", "env", "environment", "options", "opts", "session"}
    | {"settings"}
)
_OF_CONTEXT = {"log": "log", "logger": "log", "conn": "conn()", "connection": "conn()"}
_CONTEXTS = ("context", "ctx", "task_context")


def _setting(checked: CheckedFlow, step: StepSpec, edge: Edge) -> str | None:
    """What to do about a parameter that means the program's surroundings and no step's output."""
    if edge.param is None or edge.key is not None:
        return None
    if closest(edge.slug, _CONTEXTS) is not None:
        return f"for the task's context annotate it {edge.slug}: Context (from pgflow_runtime)"
    if edge.slug in _OF_CONTEXT:
        return f"ask for ctx: Context (from pgflow_runtime) and use ctx.{_OF_CONTEXT[edge.slug]}"
    option = named(edge.slug, options_of(step.kind))
    if option is not None:
        return f"options are given to the decorator: @{checked.flow.key.name}.{step.kind}({option}=...)"
    if edge.param.has_default or any(part in _SETTINGS for part in edge.slug.lower().split("_")):
        return (
            f"a handler's parameters are values of the run: make {edge.slug!r} a module-level name, or read"
            " it inside the handler"
        )
    return None


def _help(checked: CheckedFlow, step: StepSpec, edge: Edge) -> str:
    for other in checked.flow.steps:
        if other.function == edge.slug:
            return f"did you mean {other.slug}?"
    words = {"flow_input", "input"} if edge.param is not None and edge.key is None else set()
    if words and sorted(edge.slug.lower().strip("_").replace("_", "")) == sorted("flowinput"):
        return "did you mean flow_input?"
    near = closest(edge.slug, (set(checked.steps) - {step.slug}) | words)
    setting = _setting(checked, step, edge)
    if setting is not None and (near is None or near in words):
        return setting
    if near is not None:
        return f"did you mean {near}?"
    # A type like str says little; one that was made for the flow's input says what was meant.
    asked = edge.param.type if edge.param is not None and edge.key is None else None
    if isinstance(asked, RecordRef) and asked == checked.flow.input:
        return "did you mean flow_input?"
    known = sorted(set(checked.steps) - {step.slug})
    if not known:
        return "the flow has no other step; the run's input is called flow_input"
    return f"the other steps of the flow: {', '.join(known[:10])}{' ...' if len(known) > 10 else ''}"
