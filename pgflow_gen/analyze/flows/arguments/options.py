"""The arguments of ``Flow(...)`` and of the decorators: which options there are, and their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import libcst as cst

from pgflow_gen.analyze.flows.arguments.constants import Constants, NotStatic, NotWire
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Json, Option
from pgflow_gen.ir.patterns import DECIDE, MANY_TEXTS
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import ModuleIndex
from pgflow_shared.kinds import WRITTEN
from pgflow_shared.options import BY_NAME, OptionRule, meant, options_of
from pgflow_shared.text import joined

FLOW_OPTIONS = options_of("flow")
STEP_OPTIONS: Mapping[str, tuple[str, ...]] = {kind.name: options_of(kind.name) for kind in WRITTEN.values()}


@dataclass(frozen=True, slots=True)
class Written:
    """A keyword argument as written, before it is evaluated."""

    name: str
    node: cst.BaseExpression
    span: Span
    """The value."""
    whole: Span
    """``name=value``; the value where there is no name. What is wrong with an option is said here."""


@dataclass(slots=True)
class OptionReader:
    constants: Constants
    findings: Findings

    def written(
        self, module: ModuleIndex, args: Iterable[cst.Arg], known: tuple[str, ...], owner: str
    ) -> dict[str, Written]:
        """The keyword arguments that are options of ``owner``; others are PGF208, ``**x`` is PGF104."""
        found: dict[str, Written] = {}
        for arg in args:
            if arg.keyword is None:
                if arg.star:
                    self._starred(module, arg, owner)
                continue
            name = arg.keyword.value
            span, value = module.file.span(arg.keyword), module.file.span(arg.value)
            whole = replace(span, end_line=value.end_line, end_column=value.end_column)
            if name in found:
                # CPython says so when it compiles, after the parser has been content.
                self.findings.add("PGF101", whole, f"syntax error: keyword argument repeated: {name}")
            elif name not in known:
                self.findings.add(
                    "PGF208", span, f"{owner} has no option {name!r}", help=_suggestion(name, known)
                )
            else:
                found[name] = Written(name, arg.value, value, whole)
        return found

    def _starred(self, module: ModuleIndex, arg: cst.Arg, owner: str) -> None:
        self.findings.add(
            "PGF104",
            module.file.span(arg),
            f"the options of {owner} are not statically known: {arg.star} unpacks them at run time",
            help="write the options out as name=value",
        )

    def value(self, module: ModuleIndex, written: Written) -> Option | None:
        """The evaluated option; PGF104 and None when its value is not statically known."""
        try:
            return Option(written.name, self.constants.evaluate(module, written.node), written.whole)
        except NotStatic as error:
            if isinstance(error, NotWire) and written.name in ("if_", "if_not"):
                self._no_pattern(written, error)
                return None
            self.findings.add(
                "PGF104",
                written.whole,
                f"the value of {written.name!r} is not statically known: {error.reason}",
                help=error.help or "write a literal, or a module-level constant bound once to one",
                highlight=written.span,
            )
            return None

    def _no_pattern(self, written: Written, error: NotWire) -> None:
        """What a pattern is matched against is what is stored: texts."""
        self.findings.add(
            "PGF310",
            written.whole,
            f"{written.name}: the pattern holds a {error.kind}, and what is stored is text",
            help=DECIDE
            if error.kind in MANY_TEXTS
            else f"write the text that the {error.kind} is on the wire",
            highlight=written.span,
        )

    def text(self, module: ModuleIndex, written: Written) -> str | None:
        """An option that must be a string, such as a slug."""
        option = self.value(module, written)
        if option is None:
            return None
        if isinstance(option.value, str):
            return option.value
        self.findings.add(
            "PGF207",
            written.whole,
            f"{written.name!r} must be a string, not {spell(option.value)}",
            help=f'write {written.name}="..."',
            highlight=written.span,
        )
        return None


def spell(value: Json) -> str:
    """A value as messages show it."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    option = BY_NAME.get(name)
    if name in ("array", "depends_on"):
        return "only @flow.map takes array=; other steps name what they need as parameters, or in depends_on"
    if option is not None:
        return f"{name} is an option of {_owners(option)}"
    guess = meant(name, known)
    return f"did you mean {guess!r}?" if guess is not None else f"options are {', '.join(known)}"


def _owners(option: OptionRule) -> str:
    owners = ["Flow(...)"] if "flow" in option.on else []
    return joined([*owners, *(kind.written for kind in WRITTEN.values() if kind.name in option.on)], "and")
