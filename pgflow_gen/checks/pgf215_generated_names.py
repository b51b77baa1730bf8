"""PGF215: two things would get one name in the generated code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import class_name, py_ident

OWN_MODULES = ("__init__", "_typecheck", "client", "migrations")
"""Modules and packages that the generated folder holds beside one for each flow."""

RULE = Rule(
    code="PGF215",
    title="two generated names collide",
    text="""\
Each flow becomes a module and methods of the client (`crawl.py`, `start_crawl`), each step classes of
that module (`fetch` becomes `FetchInput` and `FetchOutput`), each signal methods that send to it. Slugs
are written in CapWords for classes, and a keyword gets a trailing underscore, so two different slugs can
land on one name. A step of the same name as its flow, and a flow called like one of our own files
(`client`), collide as well.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch_page(flow_input: str) -> str:
    return flow_input


@crawl.step
def fetchPage(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch_page(flow_input: str) -> str:
    return flow_input


@crawl.step
def fetch_page_again(flow_input: str) -> str:
    return flow_input
""",
)


@dataclass(slots=True)
class _ClaimedNames:
    """Names of one kind with what claimed them first; the second claim on a name is reported."""

    kind: str
    findings: Findings
    taken: dict[str, tuple[str, Span | None]] = field(default_factory=dict)

    def claim(self, name: str, what: str, span: Span, *, shown: str | None = None) -> bool:
        """Whether ``name`` was free, or claimed by the same; ``shown`` is how a message spells it."""
        other, place = self.taken.setdefault(name, (what, span))
        if (other, place) == (what, span):
            return True
        self.findings.add(
            "PGF215",
            span,
            f"{what} and {other} would both be {self.kind} {shown or repr(name)} in the generated code",
            notes=[f"{other} is defined at {place.path}:{place.line}"] if place is not None else (),
            help=f"give {what} another slug",
        )
        return False


def check_project(analysis: Analysis, findings: Findings) -> None:
    flows = list(_distinct(analysis))
    modules = _ClaimedNames(
        "module", findings, dict.fromkeys(OWN_MODULES, ("a file of pgflow-gen's own", None))
    )
    methods = _ClaimedNames("method", findings)
    newest: dict[str, int] = {}
    for flow in flows:
        newest[flow.slug] = max(flow.version, newest.get(flow.slug, flow.version))
    for flow in flows:
        what = f"flow {flow.db_slug!r}"
        stem = flow.slug if flow.version == newest[flow.slug] else f"{flow.slug}_v{flow.version}"
        # File systems may not tell upper from lower case.
        module = py_ident(stem)
        if modules.claim(module.lower(), what, flow.slug_span, shown=repr(module)):
            all(methods.claim(name, what, flow.slug_span) for name in _methods(flow, stem))


def _methods(flow: FlowSpec, stem: str) -> Iterator[str]:
    """What the clients call the flow's methods."""
    yield from (f"{verb}_{stem}" for verb in ("start", "start_many", "get", "fork"))
    yield f"create_{stem}_schedule"
    for signal in flow.signals:
        yield f"send_{stem}_{signal}"
        yield f"waiting_for_{stem}_{signal}"


def check(checked: CheckedFlow) -> None:
    _check_steps(checked.flow, checked.findings)


def _distinct(analysis: Analysis) -> Iterator[FlowSpec]:
    """The flows by place, without those whose slug another one has already (210)."""
    seen: set[str] = set()
    for flow in sorted(analysis.flows, key=lambda flow: flow.span):
        if flow.db_slug.lower() not in seen:
            seen.add(flow.db_slug.lower())
            yield flow


def _check_steps(flow: FlowSpec, findings: Findings) -> None:
    """The classes of a flow's module: ``FetchInput`` for a step, ``CrawlInput`` for the flow itself."""
    prefix = class_name(flow.slug)
    classes = _ClaimedNames("class", findings, {prefix: (f"flow {flow.slug!r}", flow.slug_span)})
    seen: set[str] = set()
    for step in flow.steps:
        name = class_name(step.slug)
        # One slug twice is 202's.
        if step.slug not in seen:
            what = f"step {step.slug!r}"
            classes.claim(name, what, step.slug_span or step.span, shown=repr(f"{name}Input"))
        seen.add(step.slug)
