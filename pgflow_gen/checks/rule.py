"""A rule: one code ("PGF303") with its explanation and its own bad and good example."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pgflow_gen.light_dataclass import dataclass

ExampleKind: TypeAlias = Literal["module", "session"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``bad`` yields exactly this code, ``good`` is the same module mended; tests hold both to it.

    An example of kind ``module`` is the whole text of one flow module. One of kind ``session`` shows
    commands instead, for the codes that are about generated files and not about source.
    """

    code: str
    title: str
    """The fault in a few words, without a full stop."""
    text: str
    """Paragraphs that explain the rule and why it is one."""
    bad: str
    good: str
    kind: ExampleKind = "module"
    severity: Literal["error", "warning"] = "error"
    """How the bad example is reported."""
    needs_mypy: bool = False
    """Whether only the verification by mypy finds the fault of the bad example."""
