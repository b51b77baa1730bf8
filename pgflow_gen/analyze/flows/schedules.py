"""``flow.schedule("slug", cron=..., input={...})`` to a ScheduleSpec."""

from __future__ import annotations

from dataclasses import field

import libcst as cst

from pgflow_gen.analyze.flows.arguments.constants import Constants, NotStatic
from pgflow_gen.analyze.flows.arguments.options import OptionReader, Written
from pgflow_gen.analyze.flows.scan.declarations import ScheduleDeclaration
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Json
from pgflow_gen.ir.schedule import Path, ScheduleSpec
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Class, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, External
from pgflow_shared.schedules import SCHEDULE_OPTIONS
from pgflow_shared.slugs import is_slug

_KNOWN = ("slug", "input", *SCHEDULE_OPTIONS)
_MARKS = ("FIRE_DATE", "FIRE_TIME")
_MOST_NAMES = 20
"""Constants that may stand for each other until one is a value."""


@dataclass(frozen=True, slots=True)
class ScheduleReader:
    options: OptionReader
    findings: Findings

    def read(self, declaration: ScheduleDeclaration) -> ScheduleSpec:
        """The schedule as written; its faults are reported."""
        module, args = declaration.module, declaration.call.args
        owner = f"{declaration.flow.name}.schedule"
        written = self.options.written(module, args, _KNOWN, owner)
        slug, span = self._slug(declaration, written.get("slug"))
        self._refuse_positional(declaration, owner)
        values = {
            name: self.options.value(module, item)
            for name, item in written.items()
            if name not in ("slug", "input")
        }
        unread = {name for name, value in values.items() if value is None}
        unread |= {"*" for arg in args if arg.star}
        given, marks = self._input(declaration, written.get("input"))
        unread |= {"input"} if marks is None else set()
        return ScheduleSpec(
            slug,
            given,
            tuple(marks.dates) if marks is not None else (),
            tuple(marks.times) if marks is not None else (),
            tuple(item for item in values.values() if item is not None),
            frozenset(unread),
            module.name,
            span=span,
            input_span=written["input"].span if "input" in written else None,
        )

    def _slug(self, declaration: ScheduleDeclaration, written: Written | None) -> tuple[str, Span]:
        module, placed = declaration.module, _placed(declaration)
        if placed:
            span = module.file.span(placed[0])
            written = Written("slug", placed[0], span, span)
        if written is None:
            span = module.file.span(declaration.call)
            if not any(arg.star for arg in declaration.call.args):
                self.findings.add(
                    "PGF104", span, "the schedule has no slug", help='write flow.schedule("slug", ...)'
                )
            return "", span
        text = self.options.text(module, written)
        if text is not None and not is_slug(text):
            self.findings.add(
                "PGF201",
                written.span,
                f"{text!r} is not a valid schedule slug",
                notes=("a slug is made of ASCII letters, digits and _, and does not start with a digit",),
                help="choose another slug",
            )
        return text or "", written.span

    def _refuse_positional(self, declaration: ScheduleDeclaration, owner: str) -> None:
        for node in _placed(declaration)[1:]:
            self.findings.add(
                "PGF208",
                declaration.module.file.span(node),
                f"{owner} takes one positional argument, the slug",
                help="pass options by name",
            )

    def _input(
        self, declaration: ScheduleDeclaration, written: Written | None
    ) -> tuple[Json, _MarkedInput | None]:
        """The input, and where the marks stood in it; None for that where it cannot be read."""
        module = declaration.module
        if written is None:
            if not any(arg.star for arg in declaration.call.args):
                self.findings.add(
                    "PGF226",
                    module.file.span(declaration.call),
                    "the schedule does not say with which input its runs start",
                    help="write input=..., input=None for a flow that takes none",
                )
            return None, None
        marked = _MarkedInput(self.options.constants)
        try:
            return marked.read(module, written.node), marked
        except NotStatic as error:
            self.findings.add(
                "PGF104",
                written.whole,
                f"the value of 'input' is not statically known: {error.reason}",
                help=error.help or "write literals; FIRE_DATE and FIRE_TIME stand for the date and time",
                highlight=written.span,
            )
            return None, None


@dataclass(slots=True)
class _MarkedInput:
    """A value that may hold ``FIRE_DATE`` and ``FIRE_TIME``: null stands there, and the paths are kept."""

    constants: Constants
    dates: list[Path] = field(default_factory=list)
    times: list[Path] = field(default_factory=list)

    def read(self, module: ModuleIndex, node: cst.BaseExpression, path: Path = (), names: int = 0) -> Json:
        """The value of ``node``. Raises NotStatic."""
        match node:
            case cst.Dict():
                return self._object(module, node, path, names)
            case cst.List() | cst.Tuple():
                return self._list(module, node, path, names)
            case cst.Name() | cst.Attribute() if (mark := self._mark(module, node)) is not None:
                (self.dates if mark == "FIRE_DATE" else self.times).append(path)
                return None
            case cst.Name(value=word) if word not in ("True", "False", "None"):
                return self._constant(module, node, path, names)
            case cst.Attribute():
                return self._constant(module, node, path, names)
            case cst.Call() if self._is_class(module, node.func):
                return self._made(module, node, path, names)
            case _:
                return self.constants.evaluate(module, node)

    def _mark(self, module: ModuleIndex, node: cst.BaseExpression) -> str | None:
        resolver = self.constants.resolver
        symbol = resolver.resolve(module, node)
        symbol = resolver.follow(symbol) if symbol is not None else None
        if not isinstance(symbol, External):
            return None
        return next((mark for mark in _MARKS if symbol.is_runtime(mark)), None)

    def _is_class(self, module: ModuleIndex, node: cst.BaseExpression) -> bool:
        resolver = self.constants.resolver
        symbol = resolver.resolve(module, node)
        symbol = resolver.follow(symbol) if symbol is not None else None
        return isinstance(symbol, Defined) and isinstance(symbol.binding, Class)

    def _made(self, module: ModuleIndex, node: cst.Call, path: Path, names: int) -> Json:
        """An object of a class with fields, as it is sent; the type is judged with the value."""
        found: dict[str, Json] = {}
        for arg in node.args:
            if arg.keyword is None:
                raise NotStatic("it makes an object without naming the fields", "write name=value")
            key = arg.keyword.value
            found[key] = self.read(module, arg.value, (*path, key), names)
        return found

    def _constant(self, module: ModuleIndex, node: cst.BaseExpression, path: Path, names: int) -> Json:
        if names >= _MOST_NAMES:
            raise NotStatic("it goes through too many other constants")
        owner, value = self.constants.definition(module, node)
        return self.read(owner, value, path, names + 1)

    def _object(self, module: ModuleIndex, node: cst.Dict, path: Path, names: int) -> Json:
        found: dict[str, Json] = {}
        for element in node.elements:
            if not isinstance(element, cst.DictElement):
                raise NotStatic("it unpacks with **", "write the keys out")
            key = self.constants.evaluate(module, element.key)
            if not isinstance(key, str):
                raise NotStatic("a key of it is not a string", "JSON objects have string keys")
            found[key] = self.read(module, element.value, (*path, key), names)
        return found

    def _list(self, module: ModuleIndex, node: cst.List | cst.Tuple, path: Path, names: int) -> Json:
        if any(isinstance(element, cst.StarredElement) for element in node.elements):
            raise NotStatic("it unpacks with *", "write the elements out")
        return [
            self.read(module, element.value, (*path, str(at)), names)
            for at, element in enumerate(node.elements)
        ]


def _placed(declaration: ScheduleDeclaration) -> list[cst.BaseExpression]:
    return [arg.value for arg in declaration.call.args if arg.keyword is None and not arg.star]
