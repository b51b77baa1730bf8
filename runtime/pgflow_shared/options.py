"""The options of flows and steps, one row each; what is derived from the table is listed in CONTRIBUTING.md.

A row says where the option may stand, what values it takes, where the database keeps it and what the
database does without it. A new option is a key of ``options`` in SQL; the named parameters are those that
shipped migrations call by name. The rows are named tuples, which every command makes faster than dataclasses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from pgflow_shared.executors import EXECUTORS
from pgflow_shared.kinds import WRITTEN, StepKind
from pgflow_shared.text import closest, joined

Owner: TypeAlias = Literal["flow"] | StepKind
"""``Flow(...)``, or a decorator's kind."""

MAX_SECONDS = 31_536_000
"""One year."""
MAX_DEPTH = 16
"""Of flows that are started by flows: a child of a run has depth 1."""


class Whole(NamedTuple):
    """A whole number; True and False are none."""

    low: int
    high: int
    unit: str = ""
    """What is counted: " of seconds"."""

    def fault(self, value: object) -> tuple[str, str | None] | None:
        """What is wrong with ``value`` and a way out; None when it is in order."""
        allowed = f"write a whole number{self.unit} from {self.low} to {self.high:,}"
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be an integer, not {value!r}", allowed
        if value < self.low:
            return f"must be at least {self.low}, not {value}", allowed
        if value > self.high:
            return f"must be at most {self.high:,}, not {value:,}", allowed
        return None

    def __str__(self) -> str:
        return f"a whole number{self.unit} from {self.low} to {self.high:,}"


class Word(NamedTuple):
    """One of some words."""

    words: tuple[str, ...]
    or_none: bool = False
    """Whether None is a value, too."""

    def fault(self, value: object) -> tuple[str, str | None] | None:
        """What is wrong with ``value`` and a way out; None when it is in order."""
        if (isinstance(value, str) and value in self.words) or (value is None and self.or_none):
            return None
        near = closest(value, self.words) if isinstance(value, str) else None
        return f"must be {self}, not {value!r}", f'did you mean "{near}"?' if near else f"write {self}"

    def __str__(self) -> str:
        return joined([*(f'"{word}"' for word in self.words), *(["None"] if self.or_none else [])], "or")


class Boolean:
    """True or False."""

    def fault(self, value: object) -> tuple[str, str | None] | None:
        """What is wrong with ``value`` and a way out; None when it is in order."""
        return None if isinstance(value, bool) else (f"must be True or False, not {value!r}", None)

    def __str__(self) -> str:
        return "True or False"


class Amounts:
    """A dictionary of names, each with a number that is not negative."""

    def fault(self, value: object) -> tuple[str, str | None] | None:
        """What is wrong with ``value`` and a way out; None when it is in order."""
        allowed = f"write {self}"
        if not isinstance(value, dict):
            return f"must be a dictionary, not {value!r}", allowed
        for name, amount in value.items():
            if not isinstance(name, str) or not name.strip():
                return f"has the name {name!r}", allowed
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < math.inf:
                return f"says {name!r} is {amount!r}, which is no amount", allowed
        return None

    def __str__(self) -> str:
        return 'names with amounts, such as `{"gpus": 1, "memory": 8_000_000_000}`'


class Judged(NamedTuple):
    """Values that have rules of their own: slugs, steps, patterns."""

    what: str
    is_json: bool = False
    """Whether the value is handed to SQL as jsonb."""

    def fault(self, value: object) -> None:
        """None: the rules are elsewhere."""

    def __str__(self) -> str:
        return self.what


Values: TypeAlias = Whole | Word | Boolean | Amounts | Judged


class Named(NamedTuple):
    """A parameter of ``create_flow`` or ``add_step``, and of the ``alter_`` of either."""

    parameter: str


class Key(NamedTuple):
    """A key of the parameter ``options`` of these functions."""

    key: str


class OptionRule(NamedTuple):
    """One option."""

    name: str
    on: frozenset[Owner]
    values: Values
    meaning: str
    """For the documentation's table."""
    default: str
    """What holds without it, for the same table."""
    sql: Named | Key | None = None
    """Where the database keeps it; None for what is structure, or the worker's business."""
    stored_default: int | str | None = None
    """What the database stores without it; on a step, None is the flow's value."""
    setting: str = ""
    """Its word in settings; its name if there is none of its own."""
    also_called: tuple[str, ...] = ()
    """What other tools call it."""
    apart: Mapping[Owner, Values] = MappingProxyType({})
    """Owners for which it takes other values."""

    @property
    def word(self) -> str:
        return self.setting or self.name

    def values_on(self, owner: Owner) -> Values:
        return self.apart.get(owner, self.values)


def _on(*owners: Owner) -> frozenset[Owner]:
    return frozenset(owners)


_STEPS: frozenset[Owner] = frozenset(kind.name for kind in WRITTEN.values())
_TASKS: frozenset[Owner] = frozenset(kind.name for kind in WRITTEN.values() if kind.has_handler)
_SECONDS = Whole(1, MAX_SECONDS, " of seconds")
_MODES = Word(("fail", "skip", "skip-cascade"))
_PATTERN = Judged("a pattern, or a list of them", is_json=True)
_NAMES = Judged("a list of steps")
_PATH = Judged("a path")

OPTIONS: tuple[OptionRule, ...] = (
    OptionRule(
        "array", _on("map"), Judged("a step"),
        "the step, or its slug, whose elements the map goes over", "the flow's input",
    ),
    OptionRule(
        "depends_on", _STEPS, _NAMES,
        "steps to wait for without taking their output", "none", also_called=("after",),
    ),
    OptionRule(
        "subflow", _on("step", "map"), Judged("a flow, or its slug"),
        "a flow, or its slug, that does the work: the handler returns its input, dependents get its output",
        "none", also_called=("child",),
    ),
    OptionRule(
        "slug", _TASKS | _on("flow"), Judged("a slug"),
        "the name in the database: a flow's first argument, a step's option", "the function's name",
        also_called=("name",),
    ),
    OptionRule(
        "version", _on("flow"), Whole(1, 9_999),
        "2, 3, ... for a changed structure beside the old one; the slug in the database is then `crawl_v2`",
        "1",
    ),
    OptionRule(
        "max_attempts", _TASKS | _on("flow"), Whole(1, 1_000, " of attempts"),
        "attempts of a task, 1 to 1,000; in a loop, of a round", "3",
        Named("max_attempts"), 3, also_called=("retries",),
    ),
    OptionRule(
        "base_delay", _TASKS | _on("flow"), _SECONDS,
        "seconds before the first retry is `base_delay` × 2, doubled for each further one", "5",
        Named("base_delay"), 5,
    ),
    OptionRule(
        "timeout", _TASKS | _on("flow"), Whole(3, MAX_SECONDS, " of seconds"),
        "seconds a handler may take, at least 3; in a loop, one round of it", "60", Named("timeout"), 60,
    ),
    OptionRule(
        "run_timeout", _on("flow"), _SECONDS, "seconds a run may take; one that takes longer fails",
        "no limit", Key("run_timeout"),
    ),
    OptionRule(
        "start_delay", _TASKS, Whole(0, MAX_SECONDS, " of seconds"), "seconds before the first attempt", "0",
        Named("start_delay"), 0, also_called=("delay",),
    ),
    OptionRule(
        "backoff", _TASKS | _on("flow"), Word(("exponential", "fixed")),
        '`"exponential"`, or `"fixed"`: `base_delay` seconds each time', "exponential",
        Named("backoff"), "exponential",
    ),
    OptionRule(
        "max_delay", _TASKS | _on("flow"), _SECONDS, "the longest delay, in seconds", "one day",
        Named("max_delay"),
    ),
    OptionRule(
        "max_rounds", _on("loop"), Whole(1, 100_000, " of rounds"),
        "how often a loop may run; one that wants more is exhausted", "must be given", Key("max_rounds"),
    ),
    OptionRule(
        "every", _on("loop"), _SECONDS, "seconds between two rounds, where `Again` names none", "none",
        Key("every"),
    ),
    OptionRule(
        "deadline", _on("signal", "loop", "step", "map"), _SECONDS,
        "seconds from when the step is ready, after which it is exhausted; of a step or map, only with "
        "`subflow`", "no limit", Key("deadline"),
    ),
    OptionRule(
        "max_depth", _on("step", "map"), Whole(1, MAX_DEPTH),
        "how deep flows may start each other here, 1 to 16; only with `subflow`", str(MAX_DEPTH),
        Key("max_depth"),
    ),
    OptionRule(
        "key", _on("signal"), _PATH,
        "a path in the run's input, `\"flow_input.order_id\"`: who sends may name what stands there", "none",
        Key("key"),
    ),
    OptionRule(
        "seconds", _on("sleep"), Whole(0, MAX_SECONDS, " of seconds"), "how long a sleep takes",
        "this or `until`", Key("seconds"),
    ),
    OptionRule(
        "until", _on("sleep"), _PATH,
        "a path to a time, in the run's input or a dependency's output: when a sleep ends",
        "this or `seconds`", Key("until"),
    ),
    OptionRule(
        "if_", _STEPS, _PATTERN, "the step runs if its input [matches](guides/conditions.md)", "always",
        Named("required_input_pattern"), setting="if", also_called=("if",),
    ),
    OptionRule(
        "if_not", _STEPS, _PATTERN, "the step runs if its input does not match", "always",
        Named("forbidden_input_pattern"),
    ),
    OptionRule(
        "if_ran", _STEPS, _NAMES, "the step runs if none of these steps was skipped", "always", Key("if_ran"),
    ),
    OptionRule(
        "if_skipped", _STEPS, _NAMES, "the step runs if all of these steps were skipped", "always",
        Key("if_skipped"),
    ),
    OptionRule(
        "when_unmet", _STEPS, _MODES, 'what a condition that does not hold leads to: `"fail"`, `"skip"`, '
        '`"skip-cascade"`', "skip", Named("when_unmet"), "skip", also_called=("if_unmet",),
    ),
    OptionRule(
        "when_exhausted", _STEPS, Word((*_MODES.words, "value")),
        'what the last failed attempt leads to: the same words, or in a step, array or map `"value"`: '
        "dependents receive a `Failed`", "fail", Named("when_exhausted"), "fail",
        also_called=("if_exhausted",), apart={"loop": _MODES, "signal": _MODES, "sleep": _MODES},
    ),
    OptionRule(
        "transactional", _TASKS - _on("loop"), Boolean(),
        "the writes through `ctx.conn()` and the completion share one transaction", "False",
    ),
    OptionRule(
        "executor", _TASKS | _on("flow"), Word(EXECUTORS, or_none=True),
        '[where the handler runs](guides/executors.md): `"process"`, `"dask"`, `"ray"`, or None: '
        "in the worker",
        "None", also_called=("runner", "queue", "pool"),
    ),
    OptionRule(
        "resources", _TASKS | _on("flow"), Amounts(),
        "what the handler needs on a cluster, with amounts: `cpus`, `gpus`, `memory` in bytes, or names of "
        "the cluster's own; with `dask` and `ray` only",
        "none", also_called=("requirements",),
    ),
)  # fmt: skip

BY_NAME = {option.name: option for option in OPTIONS}
STEP_PARAMETERS = (
    "max_attempts", "base_delay", "timeout", "start_delay", "step_type", "required_input_pattern",
    "forbidden_input_pattern", "when_unmet", "when_exhausted", "backoff", "max_delay",
)  # fmt: skip
"""The order of ``add_step``'s parameters, in which migrations name them."""
FLOW_PARAMETERS = ("max_attempts", "base_delay", "timeout", "backoff", "max_delay")
"""The order of ``create_flow``'s."""


def options_of(owner: Owner) -> tuple[str, ...]:
    """The names of the options that may be given to ``owner``."""
    return tuple(option.name for option in OPTIONS if owner in option.on)


def stored_defaults(owner: Owner) -> dict[str, int | str]:
    """What the database stores for ``owner`` for options that are not given, by their word in settings.

    A step stores nothing for an option that its flow has as well: it inherits.
    """
    return {
        option.word: option.stored_default
        for option in OPTIONS
        if option.stored_default is not None
        and owner in option.on
        and (owner == "flow" or "flow" not in option.on)
    }


def named(name: str, known: Iterable[str]) -> str | None:
    """The option of ``known`` that is called ``name``, here or by other tools."""
    names = tuple(known)
    for option in OPTIONS:
        if option.name in names and name in (option.name, *option.also_called):
            return option.name
    return None


def meant(name: str, known: Iterable[str]) -> str | None:
    """The option of ``known`` that somebody who wrote ``name`` most likely means."""
    names = tuple(known)
    return named(name, names) or closest(name, names)


assert WRITTEN.keys() == _STEPS
