"""A fault in the user's code is data: a code, a place, a sentence and a way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Literal, TypeAlias

from pgflow_gen.light_dataclass import dataclass

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of source text: 1-based lines and columns (in characters), the end exclusive.

    ``path`` is POSIX and relative to the project's root.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def file(cls, path: str) -> Span:
        """The first character of a file, for findings about the file as a whole."""
        return cls(path, 1, 1, 1, 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``notes`` explain, ``help`` says what to do (no full stop, imperative).

    ``highlight`` is what a snippet underlines when that is not the span itself: a finding about a
    parameter is *at* the parameter, but the eye belongs on its annotation.
    """

    code: str
    """``PGF`` and three digits."""
    message: str
    span: Span
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = "error"
    highlight: Span | None = None

    def sort_key(self) -> tuple[str, int, int, str, str]:
        return (self.span.path, self.span.line, self.span.column, self.code, self.message)


@dataclass(slots=True)
class Findings:
    """Collects diagnostics; the same finding reported twice counts once."""

    _items: dict[Diagnostic, None] = field(default_factory=dict)
    reported: int = field(default=0, compare=False)
    """How often something was added, repetitions included."""

    def add(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        notes: Iterable[str] = (),
        help: str | None = None,
        severity: Severity = "error",
        highlight: Span | None = None,
    ) -> None:
        self.reported += 1
        self._items[Diagnostic(code, message, span, tuple(notes), help, severity, highlight)] = None

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        self._items.update(dict.fromkeys(diagnostics))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.sorted())

    def __len__(self) -> int:
        return len(self._items)

    def sorted(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._items, key=Diagnostic.sort_key))

    @property
    def has_errors(self) -> bool:
        return any(item.severity == "error" for item in self._items)
