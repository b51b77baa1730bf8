"""PGF207: an option's value out of range or of the wrong type."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Json, Option
from pgflow_shared.companions import END_ON, UNDO_WHEN
from pgflow_shared.options import BY_NAME, MAX_SECONDS, OPTIONS, Judged, Owner, Word

RULE = Rule(
    code="PGF207",
    title="option value out of range or of the wrong type",
    text="Options take:\n\n"
    + "\n".join(
        f"- `{option.name}`: {option.values}" for option in OPTIONS if not isinstance(option.values, Judged)
    )
    + f"\n- `when` of `@flow.undo`: {Word(UNDO_WHEN)}"
    + f"\n- `on` of `@flow.end`: {Word(END_ON)}"
    + "\n\nTrue and False are no integers. `max_delay` is not less than `base_delay`.",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step(timeout=2)
def fetch(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step(timeout=3)
def fetch(flow_input: str) -> str:
    return flow_input
""",
)


def check(checked: CheckedFlow) -> None:
    flow = checked.flow
    if flow.version_span is not None:
        _check_value(
            checked.findings, f"flow {flow.slug!r}", Option("version", flow.version, flow.version_span)
        )
    for option in flow.options:
        _check_value(checked.findings, f"flow {flow.slug!r}", option)
    _check_delays(checked, f"flow {flow.slug!r}", flow.options, {})
    inherited = {option.name: option.value for option in flow.options}
    for step in flow.steps:
        for option in step.options:
            _check_value(checked.findings, f"step {step.slug!r}", option, step.kind)
        _check_delays(checked, f"step {step.slug!r}", step.options, inherited)
    _check_companions(checked)


def _check_companions(checked: CheckedFlow) -> None:
    words = {"when": Word(UNDO_WHEN), "on": Word(END_ON)}
    for handler in checked.flow.companions:
        for option in handler.step.options:
            fault = words[option.name].fault(option.value)
            if fault is not None:
                message, help = fault
                owner = f"{handler.kind} {handler.slug!r}"
                checked.findings.add("PGF207", option.span, f"{owner}: {option.name} {message}", help=help)


def _check_value(findings: Findings, owner: str, option: Option, on: Owner = "flow") -> None:
    fault = BY_NAME[option.name].values_on(on).fault(option.value)
    if fault is not None:
        message, help = fault
        findings.add("PGF207", option.span, f"{owner}: {option.name} {message}", help=help)


def _check_delays(
    checked: CheckedFlow, owner: str, options: tuple[Option, ...], inherited: Mapping[str, Json]
) -> None:
    """``max_delay`` against ``base_delay``, where at least one of them is written here."""
    here = {option.name: option for option in options}
    written = here.get("max_delay") or here.get("base_delay")
    if written is None:
        return
    values = {**inherited, **{name: option.value for name, option in here.items()}}
    longest, first = values.get("max_delay"), values.get("base_delay")
    if not (_is_valid_delay(longest) and _is_valid_delay(first)):
        return
    assert isinstance(longest, int)
    assert isinstance(first, int)
    if longest < first:
        checked.findings.add(
            "PGF207",
            written.span,
            f"{owner}: max_delay ({longest} s) is less than base_delay ({first} s)",
            help=f"make max_delay at least {first}",
        )


def _is_valid_delay(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SECONDS
