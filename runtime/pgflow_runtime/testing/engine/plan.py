"""A flow as the engine runs it: the model's steps, and what the database would know of their times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pgflow_runtime.testing.engine.children import Subflow
from pgflow_runtime.testing.engine.companions import Companions, EndRule, UndoRule
from pgflow_runtime.testing.engine.model import Step
from pgflow_runtime.testing.engine.stored import store
from pgflow_runtime.testing.engine.waits import WaitRule
from pgflow_shared.options import stored_defaults

LONGEST_DELAY = 86_400
"""Seconds between two attempts at most, unless the handler asks for more."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Whole seconds. ``max_delay`` is None where nothing was said."""

    timeout: int
    start_delay: int
    backoff: str
    base_delay: int
    max_delay: int | None
    every: int = 0
    """Between two rounds of a loop."""

    def retry_delay(self, attempts: int) -> int:
        """Seconds until the next attempt, after so many."""
        factor = 1 if self.backoff == "fixed" else 2 ** min(attempts, 31)
        limit = LONGEST_DELAY if self.max_delay is None else min(self.max_delay, LONGEST_DELAY)
        return min(self.base_delay * factor, limit)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, dependencies first, else as defined; their times; how long a run may take."""

    steps: tuple[Step, ...]
    times: Mapping[str, StepTimes]
    run_timeout: int | None = None


def plan_of(
    structure: Iterable[Mapping[str, Any]], settings: Mapping[str, Any], order: Iterable[str]
) -> Plan:
    """The plan of a flow.

    Args:
        structure: the steps as the canonical structure words them: ``slug``, ``type``, ``dependencies``, and
            ``kind``, ``array`` and ``subflow`` where they are there.
        settings: what was set, worded as ``pgflow.get_flow_definition`` does, with ``steps`` inside.
        order: the steps in their order of definition.
    """
    shapes = {step["slug"]: step for step in structure}
    of_flow = {**stored_defaults("flow"), **settings}
    defaults, of_step = {**of_flow, **stored_defaults("step")}, settings["steps"]
    of_steps = {slug: {**defaults, **of_step.get(slug, {})} for slug in shapes}
    dependencies = {slug: shape["dependencies"] for slug, shape in shapes.items()}
    steps = tuple(_step(shapes[slug], of_steps[slug]) for slug in _sorted(dependencies, order))
    times = {slug: _times(step) for slug, step in of_steps.items()}
    return Plan(steps, times, settings.get("run_timeout"))


def companions_of(settings: Mapping[str, Any]) -> Companions:
    """What follows the ends of a flow's runs, by the same settings."""
    undo = settings.get("undo") or {"flow": None, "steps": {}}
    return Companions(
        undo=undo["flow"],
        undone={slug: UndoRule(**rule) for slug, rule in undo["steps"].items()},
        reads=tuple(undo.get("reads", ())),
        undo_reads_input=undo.get("flow_input", False),
        ends={
            slug: EndRule(rule["on"], tuple(rule.get("steps", ())), rule.get("flow_input", False))
            for slug, rule in settings.get("ends", {}).items()
        },
    )


def _step(shape: Mapping[str, Any], settings: Mapping[str, Any]) -> Step:
    kind, deps, array = shape.get("kind"), tuple(shape["dependencies"]), shape.get("array")
    return Step(
        slug=shape["slug"],
        kind=shape["type"],
        deps=deps,
        required=_patterns(settings, "if"),
        forbidden=_patterns(settings, "if_not") or (),
        if_ran=tuple(settings.get("if_ran", ())),
        if_skipped=tuple(settings.get("if_skipped", ())),
        when_unmet=settings["when_unmet"],
        when_exhausted=settings["when_exhausted"],
        max_attempts=settings["max_attempts"],
        wait=_wait(kind, settings),
        max_rounds=settings.get("max_rounds"),
        deadline=settings.get("deadline") if kind in ("loop", "subflow") else None,
        subflow=Subflow(shape["subflow"], settings.get("max_depth")) if "subflow" in shape else None,
        array="" if array == "flow_input" and array not in deps else array,
    )


def _wait(kind: str | None, settings: Mapping[str, Any]) -> WaitRule | None:
    if kind == "sleep":
        return WaitRule("sleep", seconds=settings.get("seconds"), until=tuple(settings.get("until", ())))
    if kind == "pick":
        return WaitRule("pick", until=tuple(settings["pick"]))
    return WaitRule("signal", deadline=settings.get("deadline")) if kind == "signal" else None


def _times(settings: Mapping[str, Any]) -> StepTimes:
    return StepTimes(
        timeout=settings["timeout"],
        start_delay=settings["start_delay"],
        backoff=settings["backoff"],
        base_delay=settings["base_delay"],
        max_delay=settings.get("max_delay"),
        every=settings.get("every", 0),
    )


def _patterns(settings: Mapping[str, Any], word: str) -> tuple[Any, ...] | None:
    """The patterns of a condition, of which any may match; None: there is no such condition."""
    single = settings.get(word)
    patterns = settings.get(f"{word}_any") if single is None else [single]
    return None if patterns is None else tuple(store(json.dumps(each)) for each in patterns)


def _sorted(dependencies: Mapping[str, Iterable[str]], order: Iterable[str]) -> list[str]:
    """Dependencies first; otherwise as defined."""
    left, placed = list(dict.fromkeys([*order, *dependencies])), dict[str, None]()
    while left:
        slug = next(slug for slug in left if placed.keys() >= set(dependencies[slug]))
        placed[slug] = None
        left.remove(slug)
    return list(placed)
