"""PGF207: an option's value out of range or of the wrong type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.scope import Scope
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Json, Option
from pgflow_shared.text import closest

MAX_SECONDS = 31_536_000
"""One year."""
MAX_ATTEMPTS = 1_000
MAX_VERSION = 9_999
"""Ours; it keeps the slug's suffix short."""

RULE = Rule(
    code="PGF207",
    title="option value out of range or of the wrong type",
    text="""\
Attempts are 1 to 1,000; delays are whole seconds, at most one year (31,536,000): `base_delay` and
`max_delay` from 1, `timeout` from 3, `start_delay` from 0. `max_delay` is not less than `base_delay`.
`backoff` is "exponential" or "fixed"; `when_unmet` and `when_exhausted` are "fail", "skip" or
"skip-cascade". True and False are no integers.""",
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

Fault: TypeAlias = tuple[str, str | None]
"""What is wrong with a value, and a way out."""


def check(scope: Scope) -> None:
    flow = scope.flow
    if flow.version_span is not None:
        _check_value(
            scope.findings, f"flow {flow.slug!r}", Option("version", flow.version, flow.version_span)
        )
    for option in flow.options:
        _check_value(scope.findings, f"flow {flow.slug!r}", option)
    _check_delays(scope, f"flow {flow.slug!r}", flow.options, {})
    inherited = {option.name: option.value for option in flow.options}
    for step in flow.steps:
        for option in step.options:
            _check_value(scope.findings, f"step {step.slug!r}", option)
        _check_delays(scope, f"step {step.slug!r}", step.options, inherited)


def _check_value(findings: Findings, owner: str, option: Option) -> None:
    rule = _RULES.get(option.name)
    fault = rule(option.value) if rule is not None else None
    if fault is not None:
        message, help = fault
        findings.add("PGF207", option.span, f"{owner}: {option.name} {message}", help=help)


def _check_delays(
    scope: Scope, owner: str, options: tuple[Option, ...], inherited: Mapping[str, Json]
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
        scope.findings.add(
            "PGF207",
            written.span,
            f"{owner}: max_delay ({longest} s) is less than base_delay ({first} s)",
            help=f"make max_delay at least {first}",
        )


def _is_valid_delay(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SECONDS


def _whole(low: int, high: int, unit: str) -> Callable[[Json], Fault | None]:
    def judge(value: Json) -> Fault | None:
        allowed = f"write a whole number{unit} from {low} to {high:,}"
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be an integer, not {value!r}", allowed
        if value < low:
            return f"must be at least {low}, not {value}", allowed
        if value > high:
            return f"must be at most {high:,}, not {value:,}", allowed
        return None

    return judge


def _word(*words: str) -> Callable[[Json], Fault | None]:
    shown = " or ".join((", ".join(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"'))

    def judge(value: Json) -> Fault | None:
        if isinstance(value, str) and value in words:
            return None
        near = closest(value, words) if isinstance(value, str) else None
        return f"must be {shown}, not {value!r}", f'did you mean "{near}"?' if near else f"write {shown}"

    return judge


def _flag(value: Json) -> Fault | None:
    return None if isinstance(value, bool) else (f"must be True or False, not {value!r}", None)


_MODES = _word("fail", "skip", "skip-cascade")
_RULES: Mapping[str, Callable[[Json], Fault | None]] = {
    "version": _whole(1, MAX_VERSION, ""),
    "max_attempts": _whole(1, MAX_ATTEMPTS, " of attempts"),
    "base_delay": _whole(1, MAX_SECONDS, " of seconds"),
    "max_delay": _whole(1, MAX_SECONDS, " of seconds"),
    "timeout": _whole(3, MAX_SECONDS, " of seconds"),
    "start_delay": _whole(0, MAX_SECONDS, " of seconds"),
    "backoff": _word("exponential", "fixed"),
    "when_unmet": _MODES,
    "when_exhausted": _MODES,
    "transactional": _flag,
}
