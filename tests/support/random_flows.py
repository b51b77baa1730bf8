"""Random flows and what their handlers give back, from a seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.children import Subflow
from pgflow_runtime.testing.engine.model import Step
from pgflow_runtime.testing.engine.waits import WaitRule
from tests.support.core import Core

MODES = ("fail", "skip", "skip-cascade")
FAILED: dict[str, Any] = {"$failed": {}}
PAST, FUTURE = "2001-02-03T04:05:06+07:00", "2099-12-31T23:59:59.5Z"


def random_family(random: Random, *, most: int = 40) -> dict[str, list[Step]]:
    """The flow "f", and those whose runs its steps may be: "g", which may start "h" and itself, and "h"."""
    return {
        "f": random_flow(random, most=most, subflows=("g", "g", "h", "nowhere")),
        "g": random_flow(random, most=3, subflows=("h", "g")),
        "h": random_flow(random, most=3),
    }


def random_flow(
    random: Random, *, most: int = 40, waits: float | None = None, subflows: Sequence[str] = ()
) -> list[Step]:
    """Up to `most` steps; every kind of step, condition and mode; parents come before children.

    `waits`: which part of the steps has no handler; None: that is random too. `subflows`: whose runs may do
    the work of some.
    """
    wide = random.random() < 0.5
    waits = random.choice((0.0, 0.2, 0.6)) if waits is None else waits
    steps: list[Step] = []
    for _ in range(random.randint(1, random.choice((3, 8, 15, most)))):
        steps.append(_random_step(random, steps, wide, waits, subflows))
    return steps


def _random_step(
    random: Random, steps: list[Step], wide: bool, waits: float, subflows: Sequence[str]
) -> Step:
    kind = "map" if random.random() < 0.35 else "single"
    # slugs do not sort like the order of definition
    slug = f"{random.choice('abcxyz')}{len(steps)}"
    before = steps if wide else steps[-4:]
    recent = [step.slug for step in before if kind == "single" or _may_be_an_array(step)]
    most = min(len(recent), 1 if kind == "map" else 4)
    deps = tuple(random.sample(recent, random.randint(0 if random.random() < 0.25 else min(1, most), most)))
    array = None
    if kind == "map" and random.random() < 0.4:
        array, deps = _with_other_inputs(random, deps, [step.slug for step in before])
    required: tuple[Any, ...] | None = None
    forbidden: tuple[Any, ...] = ()
    if random.random() < 0.25:
        required = _patterns(random, deps)
    if random.random() < 0.15:
        forbidden = _patterns(random, deps)
    wait = _random_wait(random, deps) if kind == "single" and random.random() < waits else None
    is_loop = kind == "single" and wait is None and random.random() < 0.2
    subflow = None
    if subflows and wait is None and not is_loop and random.random() < 0.3:
        subflow = Subflow(random.choice(subflows), random.choice((None, None, 1, 2)))
        if subflow.slug == "g":  # which may start itself
            subflow = Subflow("g", random.choice((1, 2, 3)))
    ends, weights = ((*MODES, "value"), (2, 4, 3, 3)) if wait is None else (MODES, (2, 4, 3))
    return Step(
        slug=slug,
        kind=kind,
        deps=deps,
        required=required,
        forbidden=forbidden,
        if_ran=_some(random, deps),
        if_skipped=_some(random, deps),
        when_unmet=random.choices(MODES, (1, 5, 3))[0],
        when_exhausted=random.choices(ends, weights)[0],
        max_attempts=random.choice((1, 1, 2, 3)),
        wait=wait,
        max_rounds=random.choice((1, 2, 3, 7)) if is_loop else None,
        deadline=random.choice((None, 100)) if is_loop or subflow else None,
        array=array,
        subflow=subflow,
    )


def _with_other_inputs(
    random: Random, deps: tuple[str, ...], before: list[str]
) -> tuple[str | None, tuple[str, ...]]:
    """A map's array, and its dependencies with others among them."""
    others = [slug for slug in before if slug not in deps]
    more = random.sample(others, min(len(others), random.randint(1, 3)))
    if not more:
        return None, deps
    mixed = [*deps, *more]
    random.shuffle(mixed)
    return (deps[0] if deps else ""), tuple(mixed)


def _may_be_an_array(step: Step) -> bool:
    if step.subflow is not None:
        return step.kind == "map"
    return step.wait is None or step.wait.what in ("signal", "pick")


def _patterns(random: Random, deps: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(_pattern(random, deps) for _ in range(random.choice((1, 1, 2, 3))))


def _some(random: Random, deps: tuple[str, ...]) -> tuple[str, ...]:
    return (random.choice(deps),) if deps and random.random() < 0.06 else ()


def _random_wait(random: Random, deps: tuple[str, ...]) -> WaitRule:
    """Over at once, or in an hour at least."""
    if not deps and random.random() < 0.3:
        return WaitRule("pick", until=random.choice((("due",), ("list",), ("list", "0"), ("go", "on"))))
    match random.randrange(5):
        case 0 | 1:
            return WaitRule("sleep", seconds=random.choice((0, 3600, 86_400)))
        case 2:
            path = random.choice((("flow_input", "due"), ("flow_input",), *((dep,) for dep in deps)))
            return WaitRule("sleep", until=path)
        case _:
            return WaitRule("signal", deadline=random.choice((None, 3600)))


def _pattern(random: Random, deps: tuple[str, ...]) -> dict[str, Any]:
    if not deps:
        return random.choice(({"go": True}, {"go": False}, {}, {"never": 1}))
    if random.random() < 0.2:
        return {"flow_input": random.choice(({"go": True}, {}, [], 7))}
    dep = random.choice(deps)
    return {
        dep: random.choice(
            (
                {"ok": True},
                {},
                [],
                [{"ok": True}],
                {"n": random.randint(0, 2)},
                {"$failed": {"index": 0}},
                FAILED,
            )
        )
    }


def random_input(random: Random, steps: list[Step]) -> Any:
    if any(step.goes_over("") for step in steps):
        return [random_value(random) for _ in range(random.choice((0, 1, 1, 2, 5)))]
    lists = {"list": [1, None]}, {"list": [], "go": True}, {"list": "none"}
    times = {"go": True, "due": PAST}, {"due": FUTURE}, {"due": 5}, {"go": False, "due": "never"}, PAST
    return random.choice(({"go": True}, {"go": False}, {}, None, 7, "text", [1], *times, *lists))


def random_value(random: Random) -> Any:
    times = PAST, FUTURE, 4e9
    return random.choice(
        (None, True, 3, "x", [], [None], {"ok": True}, {"ok": False, "n": 1}, {"n": 2}, *times)
    )


def random_output(random: Random, steps: list[Step], slug: str, *, violate: float = 0.03) -> Any:
    """An array where a map needs one (but now and then something else), anything elsewhere."""
    step = next(step for step in steps if step.slug == slug)
    feeds_map = any(other.goes_over(slug) for other in steps)
    if step.kind == "single" and feeds_map and random.random() > violate:
        return [random_value(random) for _ in range(random.choice((0, 0, 1, 2, 4)))]
    return random_value(random)


def define(core: Core, flow_slug: str, steps: list[Step], *, run_timeout: int | None = None) -> None:
    """Create the flow in the database; retries are due at once."""
    core.create_flow(flow_slug, base_delay=0, options=Jsonb({"run_timeout": run_timeout}))
    for step in steps:
        patterns, options = condition(step)
        core.call(
            "add_step",
            flow_slug=flow_slug,
            step_slug=step.slug,
            deps_slugs=list(step.deps),
            step_type=step.kind,
            max_attempts=step.max_attempts,
            when_unmet=step.when_unmet,
            when_exhausted=step.when_exhausted,
            options=Jsonb(
                options
                | options_of(step.wait)
                | loop_options(step)
                | array_option(step)
                | subflow_options(step)
            ),
            **{f"{name}_input_pattern": Jsonb(pattern) for name, pattern in patterns.items()},
        )


def array_option(step: Step) -> dict[str, str]:
    return {} if step.array is None else {"array": step.array or "flow_input"}


def loop_options(step: Step) -> dict[str, Any]:
    if step.max_rounds is None:
        return {}
    return {"kind": "loop", "max_rounds": step.max_rounds, "deadline": step.deadline}


def subflow_options(step: Step) -> dict[str, Any]:
    if step.subflow is None:
        return {}
    options = {"max_depth": step.subflow.max_depth, "deadline": step.deadline}
    return {"kind": "subflow", "subflow": step.subflow.slug} | options


def options_of(wait: WaitRule | None) -> dict[str, Any]:
    """The options that make a step one without a handler."""
    if wait is None:
        return {}
    if wait.what == "pick":
        return {"kind": "pick", "pick": list(wait.until)}
    options: dict[str, Any] = {"kind": wait.what, "seconds": wait.seconds, "deadline": wait.deadline}
    if wait.what == "signal":
        options["key"] = ["due"]
    return {name: value for name, value in options.items() if value is not None} | (
        {"until": list(wait.until)} if wait.until else {}
    )


def condition(step: Step) -> tuple[dict[str, Any], dict[str, Any]]:
    """A step's only patterns (``required``, ``forbidden``), and its other conditions as options."""
    patterns = {
        name: found[0]
        for name, found in (("required", step.required), ("forbidden", step.forbidden))
        if found is not None and len(found) == 1
    }
    options = {
        "if_any": step.required if step.required and "required" not in patterns else (),
        "if_not_any": step.forbidden if "forbidden" not in patterns else (),
        "if_ran": step.if_ran,
        "if_skipped": step.if_skipped,
    }
    return patterns, {word: list(found) for word, found in options.items() if found}
