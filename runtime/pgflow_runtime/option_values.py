"""The kinds of values that a worker's options take: what fits, and what a text means.

By hand rather than by a library: every flow module imports this, and it is to stay light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Text:
    """Any text."""

    wanted: ClassVar[str] = "a text"

    def fault(self, value: object) -> str | None:
        """What is wrong with ``value``, to follow the option's name; None when it fits."""
        return None if isinstance(value, str) else f"is {self.wanted}, not {value!r}"

    def read(self, text: str) -> object:
        """The value that ``text`` stands for. Raises ValueError."""
        return text


@dataclass(frozen=True, slots=True)
class Choice(Text):
    """One of some words."""

    words: tuple[str, ...]

    def fault(self, value: object) -> str | None:
        if wrong := Text.fault(self, value):
            return wrong
        return None if value in self.words else f"is {value!r}; it is one of {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Flag:
    """True or False."""

    wanted: ClassVar[str] = "true or false"

    def fault(self, value: object) -> str | None:
        return None if isinstance(value, bool) else f"is {self.wanted}, not {value!r}"

    def read(self, text: str) -> object:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(text)
        return word in _TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within limits; True and False are none."""

    wanted: ClassVar[str] = "a number"
    type_: ClassVar[type[int] | type[float]] = float
    least: int | None = None
    most: int | None = None
    or_none: bool = False
    """Whether it may be left open."""

    def fault(self, value: object) -> str | None:
        if value is None and self.or_none:
            return None
        if not isinstance(value, int | self.type_) or isinstance(value, bool):
            return f"is {self.wanted}, not {value!r}"
        if self.least is not None and not value >= self.least:  # which NaN is not either
            return f"is {value!r}; the least is {self.least}"
        if self.most is not None and value > self.most:
            return f"is {value!r}; the most is {self.most}"
        return None

    def read(self, text: str) -> object:
        return self.type_(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer(Number):
    """A whole number."""

    wanted: ClassVar[str] = "an integer"
    type_: ClassVar[type[int] | type[float]] = int


Values: TypeAlias = Text | Flag | Number
