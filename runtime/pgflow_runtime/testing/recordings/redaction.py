"""What is left out of a recording: values become others of the same JSON type, so that they still fit.

A path names values as messages do: ``input.card.number``, ``steps.charge.output.token`` (of a map: of each
task's result), ``steps.poll.state`` of a loop, ``steps.bill.child_input`` of a subflow; ``[3]`` for an
element, ``['odd key']`` for a key that is no word, ``*`` for any of them; and ``error`` is the text of all
errors.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.engine.stored import Stored

Part: TypeAlias = str | int
"""A key, an index, or ``*``."""

Made: TypeAlias = Literal["output", "state", "child_input"]
"""What a step makes."""

HIDDEN = "[redacted]"
_PART = re.compile(
    r"""\.(?P<word>\w+|\*)|\[(?P<index>\d+|\*)\]|\[(?P<key>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]"""
)
_TYPE = re.compile(r"[A-Za-z_]\w*(?=: )")


@dataclass
class Redaction:
    """Paths, parsed. ``met`` holds those that led to something so far, ``slugs`` the steps that were seen."""

    paths: Sequence[str] = ()
    met: set[str] = field(default_factory=set)
    slugs: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._parsed = {path: parse(path) for path in dict.fromkeys(self.paths)}

    def input(self, value: Stored) -> Stored:
        for path, (place, parts) in self._parsed.items():
            if place == ("input",):
                value = self._hide(value, parts, path)
        return value

    def made(self, slug: str, value: Stored, what: Made = "output") -> Stored:
        """What one task of the step has given, what a round of its loop has left for the next, or what it has
        started a child with."""
        for path, (place, parts) in self._parsed.items():
            if _leads_into(place, slug, what):
                value = self._hide(value, parts, path)
        return value

    def touches_input(self) -> bool:
        return any(place == ("input",) for place, _ in self._parsed.values())

    def touches(self, slug: str, what: Made) -> bool:
        """Whether any path leads into what the step has made."""
        return any(_leads_into(place, slug, what) for place, _ in self._parsed.values())

    def error(self, text: str | None) -> str | None:
        """An error's text; its type stays."""
        if text is None or "error" not in self._parsed:
            return text
        self.met.add("error")
        type_ = _TYPE.match(text)
        return f"{type_[0]}: {HIDDEN}" if type_ is not None else HIDDEN

    def require_known(self) -> None:
        """Raise UsageError for a path into a step that no run had: it has hidden nothing."""
        for path, (place, _) in self._parsed.items():
            if place[0] == "steps" and place[1] not in ("*", *self.slugs):
                raise UsageError(f"--redact {path}: there is no step {place[1]!r} in what is exported")

    def unmet(self) -> list[str]:
        """The paths that have led to nothing."""
        return [path for path in self._parsed if path not in self.met]

    def _hide(self, value: Stored, parts: Sequence[Part], path: str) -> Stored:
        if not parts:
            self.met.add(path)
            return hidden(value)
        part, *rest = parts
        if isinstance(value, dict):
            return {
                key: self._hide(item, rest, path) if part in ("*", key) else item
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self._hide(item, rest, path) if part in ("*", index) else item
                for index, item in enumerate(value)
            ]
        return value


def hidden(value: Stored) -> Stored:
    """Something of the same type and shape that says nothing."""
    if isinstance(value, dict):
        return {key: hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item) for item in value]
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return HIDDEN
    return Decimal(0) if isinstance(value, Decimal) else None


def parse(path: str) -> tuple[tuple[str, ...], list[Part]]:
    """Where a path begins, ``("input",)``, ``("steps", slug, "output")`` or ``("error",)``, and its rest.

    Raises UsageError, which says how to write one.
    """
    if path == "error":
        return ("error",), []
    head = re.match(r"input|steps\.(?P<slug>\w+|\*)\.(?P<what>output|state|child_input)", path)
    parts = list(_parts(path[head.end() :])) if head is not None else [None]
    if head is None or None in parts:
        raise UsageError(
            f"--redact {path}: this is no path",
            help="write input.card.number, steps.charge.output.token, steps.*.output['odd key'], or error",
        )
    place = ("input",) if head["slug"] is None else ("steps", head["slug"], head["what"])
    return place, [part for part in parts if part is not None]


def _leads_into(place: tuple[str, ...], slug: str, what: Made) -> bool:
    return place[0] == "steps" and place[1] in (slug, "*") and place[2] == what


def _parts(text: str) -> Iterable[Part | None]:
    """The parts of a path; None where it is none."""
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            yield None
            return
        position = found.end()
        if found["word"] is not None:
            yield found["word"]
        elif found["key"] is not None:
            yield str(ast.literal_eval(found["key"]))
        else:
            yield "*" if found["index"] == "*" else int(found["index"])
