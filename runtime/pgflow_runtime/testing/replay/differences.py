"""What today's handlers do otherwise than was recorded, in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pgflow_runtime.testing.engine.stored import Stored, text_of

Kind: TypeAlias = Literal["output", "error", "type", "structure"]

_FRAME = re.compile(r'^  File ".*", line .*\n?(?:^    .*\n?)?', re.MULTILINE)
_FLEETING = re.compile(r"0x[0-9a-f]{6,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Addresses and ids: others in each process, each run."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as recorded. ``kind`` is ``output``, ``error``, ``type`` or ``structure``.

    ``step`` and ``index`` name the task; None where it is about the step, or about the whole flow.
    ``recorded`` and ``today`` are in words: an error, the start of an output's JSON.
    """

    kind: Kind
    step: str | None
    index: int | None
    recorded: str
    today: str

    @property
    def place(self) -> str:
        """``ship[3]``, ``ship``, or nothing where it is about the flow."""
        if self.step is None:
            return ""
        return self.step if self.index is None else f"{self.step}[{self.index}]"

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}recorded {self.recorded}, today {self.today}"


def essence(error: str) -> str:
    """An error without what is other each time: where in the source it was, addresses, ids."""
    return _FLEETING.sub("#", _FRAME.sub("", error)).strip()


def is_same_error(one: str, other: str) -> bool:
    return essence(one) == essence(other)


def is_same_value(one: Stored, other: Stored) -> bool:
    """As the database compares: 1 is 1.0, but it is not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            is_same_value(item, other[key]) for key, item in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_value, one, other))
    return type(one) is type(other) and one == other


def error_in_words(error: str | None) -> str:
    """The part of an error's text that says what, on one line."""
    if error is None:
        return "a failure without a text"
    return cut(" ".join(error.split("\n  File ", 1)[0].split()))


def output_in_words(value: Stored) -> str:
    return cut(text_of(value))


def cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
