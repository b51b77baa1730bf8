"""Packages of types for hypothesis: TypedDicts and aliases of every syntax, spread over modules.

A package holds a few modules that import from each other in every way there is, and ``probe.py``: a flow
whose steps return, and functions that reveal, types built of all that. Nothing is ever imported, so only
what a type checker thinks of it matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hypothesis import strategies as st

Kind: TypeAlias = Literal["record", "alias", "newtype"]
MODULES = ("one", "two", "deep.three", "")
"""Dotted paths inside the package; the empty one is its ``__init__``."""
PROBE = "probe"
_PLAIN_KEYS = ("a", "b", "kind", "list", "str", "type", "match", "_hidden", "Literal", "items", "D0", "D1")
_ODD_KEYS = (
    "a-b",
    "class",
    "",
    " ",
    "é",
    "it's",
    'say "x"',
    "new\nline",
    "1",
    "None",
    "x.y",
    "back\\slash",
    "{}",
)
_VALUES = (
    "'x'",
    '"it\'s"',
    "1",
    "-1",
    "0",
    "True",
    "False",
    "None",
    "'a' 'b'",
    r"'\u00e9\n'",
    "''",
    "0x10",
    "1_000",
)
_HEADER = """\
import typing as t
import typing
import typing_extensions as te
from collections.abc import Mapping as MappingABC, Sequence as SequenceABC
from typing import Annotated, Dict, Generic, List, Literal, NewType, NotRequired, Optional, Required
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeVar, Union
from typing_extensions import ReadOnly, TypeAliasType
from pgflow_runtime import JsonValue
import pgflow_runtime
"""


@dataclass
class Definition:
    name: str
    module: str
    kind: Kind
    arity: int = 0
    used_early: bool = True
    """Whether it may be named outside quotes before it is defined."""


@dataclass
class _Module:
    path: str
    imports: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)


@dataclass
class TypedPackage:
    """Generated text by path below the package; ``probes`` counts the steps ``p0``, ``p1``... of the flow."""

    name: str
    files: dict[str, str]
    probes: int

    def __str__(self) -> str:
        return "\n".join(f"--- {self.name}/{path}\n{text}" for path, text in sorted(self.files.items()))


@st.composite
def typed_packages(draw: st.DrawFn, package: str) -> TypedPackage:
    """A package below ``flows`` of that name."""
    return _Writer(draw, package).write()


class _Writer:
    def __init__(self, draw: st.DrawFn, package: str) -> None:
        self.draw = draw
        self.package = package
        self.modules = {path: _Module(path) for path in (*MODULES, PROBE)}
        self.defined: list[Definition] = []
        self.coming: list[Definition] = []

    # -- choices

    def one_of(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == 1

    def number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    # -- the whole

    def write(self) -> TypedPackage:
        for index in range(self.number(2, 6)):
            kind: Kind = "record" if self.chance(2) else "alias"
            arity = self.draw(st.sampled_from([0, 0, 0, 1, 1, 2]))
            if index and self.chance(12):
                kind, arity = "newtype", 0
            self.coming.append(Definition(f"D{index}", self.one_of(*MODULES), kind, arity))
        while self.coming:
            self.define(self.coming[0])
            self.defined.append(self.coming.pop(0))
        probes = self.probe()
        return TypedPackage(self.package, {self.file(m): self.text(m) for m in self.modules.values()}, probes)

    def file(self, module: _Module) -> str:
        return f"{module.path.replace('.', '/')}.py" if module.path else "__init__.py"

    def text(self, module: _Module) -> str:
        future = "from __future__ import annotations\n" if module.path == PROBE or self.chance(2) else ""
        return future + _HEADER + "\n".join([*dict.fromkeys(module.imports), *module.body, ""])

    def probe(self) -> int:
        module = self.modules[PROBE]
        module.body += ["from pgflow_runtime import Flow", f"flow = Flow[None]({self.package!r})"]
        types = [self.reference(item, module, (), 2) for item in self.defined if item.kind != "newtype"]
        types += [self.type(module, (), 2) for _ in range(self.number(1, 3))]
        for index, text in enumerate(types):
            container, reader = self.draw(
                st.sampled_from(
                    [("", ""), ("list", "SequenceABC"), ("List", "t.Sequence"), ("dict", "MappingABC")]
                )
            )
            key = "str, " if container == "dict" else ""
            given = f"{container}[{key}{text}]" if container else text
            taken = f"{reader}[{key}{text}]" if container else text
            module.body += [
                f"@flow.step\ndef p{index}() -> {given}: raise NotImplementedError",
                f"@flow.step\ndef q{index}(p{index}: {taken}) -> None: reveal_type(p{index})",
                f"def r{index}(p{index}: {given}) -> None: reveal_type(p{index})",
            ]
        news = [item for item in self.defined if item.kind == "newtype"]
        for item in news:
            module.body.append(f"def n{item.name}(x: {self.spell(item, module)}) -> None: ...")
        return len(types)

    # -- definitions

    def define(self, item: Definition) -> None:
        module = self.modules[item.module]
        if item.kind == "newtype":
            module.body.append(
                f"{item.name} = NewType({item.name!r}, {self.one_of('str', 'int', 'List[str]')})"
            )
            return
        new_syntax = self.chance(2)
        names = tuple(f"T{item.name}_{index}" for index in range(item.arity))
        if not new_syntax:
            module.body += [f"{name} = {self.typing('TypeVar')}({name!r})" for name in names]
        lines = (self.record if item.kind == "record" else self.alias)(item, module, names, new_syntax)
        module.body += lines

    def record(self, item: Definition, module: _Module, names: tuple[str, ...], new: bool) -> list[str]:
        if not names and self.chance(3):
            return [self.functional(item, module)]
        bases = self.bases(item, module, names)
        parameters = f"[{', '.join(names)}]" if names and new else ""
        if names and not new:
            bases.append(f"{self.typing('Generic')}[{', '.join(names)}]")
        total = self.one_of("", "", ", total=False", ", total=True")
        lines = [f"class {item.name}{parameters}({', '.join(bases)}{total}):"]
        if self.chance(3):
            lines.append('    """What it is."""')
        keys = self.draw(st.lists(st.sampled_from(_PLAIN_KEYS), max_size=4, unique=True))
        # Inherited keys may not be declared again.
        lines += [f"    {key}_{item.name}: {self.field(module, names)}" for key in keys[1:]]
        lines += [f"    {key}: {self.field(module, names)}" for key in keys[:1]]
        return lines if len(lines) > 1 else [*lines, "    pass"]

    def bases(self, item: Definition, module: _Module, names: tuple[str, ...]) -> list[str]:
        known = [other for other in self.defined if other.kind == "record"]
        if not known or self.chance(2):
            return [self.typing("TypedDict")]
        chosen = self.draw(
            st.lists(st.sampled_from(known), min_size=1, max_size=2, unique_by=lambda d: d.name)
        )
        return [self.reference(base, module, names, 1, shallow=True) for base in chosen]

    def functional(self, item: Definition, module: _Module) -> str:
        pool = st.sampled_from(_PLAIN_KEYS + _ODD_KEYS)
        keys = self.draw(st.lists(pool, max_size=4, unique=True))
        inside = ", ".join(f"{key!r}: {self.field(module, (), quoted=True)}" for key in keys)
        total = self.one_of("", "", ", total=False", ", total=True")
        return f"{item.name} = {self.typing('TypedDict')}({item.name!r}, {{{inside}}}{total})"

    def field(self, module: _Module, names: tuple[str, ...], *, quoted: bool = False) -> str:
        text = self.type(module, names, 2, late=not quoted)
        if quoted and self.chance(3):
            text = repr(self.type(module, names, 2))
        qualifiers = self.draw(
            st.sampled_from(
                [(), (), (), ("NotRequired",), ("Required",), ("ReadOnly",), ("ReadOnly", "NotRequired"),
                 ("Required", "ReadOnly"), ("NotRequired", "ReadOnly"), ("Annotated",),
                 ("Annotated", "NotRequired")]
            )
        )  # fmt: skip
        for qualifier in reversed(qualifiers):
            more = ", 'note', 1" if qualifier == "Annotated" else ""
            prefix = "te." if qualifier == "ReadOnly" and self.chance(2) else ""
            text = f"{prefix or ''}{qualifier if prefix else self.typing(qualifier)}[{text}{more}]"
        return repr(text) if self.chance(6) else text

    def alias(self, item: Definition, module: _Module, names: tuple[str, ...], new: bool) -> list[str]:
        if new:
            parameters = f"[{', '.join(names)}]" if names else ""
            return [f"type {item.name}{parameters} = {self.recursive(item, module, names)}"]
        early = self.type(module, names, 2, late=False)
        used = all(name in early for name in names)
        for name in () if used else names:
            early = f"Union[{early}, list[{name}]]"
        style = self.number(1, 4)
        if style == 1:
            return [f"{item.name} = {early}"]
        if style == 2:
            return [f"{item.name}: {self.typing('TypeAlias')} = {early}"]
        if style == 3 and not names:
            return [f"{item.name}: TypeAlias = {self.recursive(item, module, names)!r}"]
        parameters = f", type_params=({', '.join(names)},)" if names else ""
        return [f"{item.name} = TypeAliasType({item.name!r}, {early}{parameters})"]

    def recursive(self, item: Definition, module: _Module, names: tuple[str, ...]) -> str:
        text = self.type(module, names, 2)
        if self.chance(3):
            inner = f"{item.name}[{', '.join(names)}]" if names else item.name
            text = f"{text} | {self.one_of('list', 'List')}[{inner}] | dict[str, {inner}]"
        return text

    # -- types

    def type(self, module: _Module, names: tuple[str, ...], depth: int, *, late: bool = True) -> str:
        """The text of a type; ``late`` ones may name what is defined later."""
        text = self._type(module, names, depth, late)
        return repr(text) if late and self.chance(12) else text

    def _type(self, module: _Module, names: tuple[str, ...], depth: int, late: bool) -> str:
        choice = self.number(0, 11 if depth else 5)
        if choice <= 1:
            return self.one_of("str", "int", "float", "bool", "None" if late else "str", *names)
        if choice == 2:
            values = self.draw(st.lists(st.sampled_from(_VALUES), min_size=1, max_size=3))
            return f"{self.typing('Literal')}[{', '.join(values)}]"
        if choice == 3 and self.chance(3):
            return self.one_of("JsonValue", "pgflow_runtime.JsonValue")
        if choice <= 5:
            known = [*self.defined, *(self.coming if late else ())]
            known = [item for item in known if item.kind != "newtype"]
            if not known:
                return "int"
            return self.reference(self.draw(st.sampled_from(known)), module, names, depth)
        inner = self.type(module, names, depth - 1, late=late)
        if choice <= 7:
            return f"{self.one_of('list', 'List', 't.List', 'typing.List')}[{inner}]"
        if choice == 8:
            return f"{self.one_of('dict', 'Dict', 't.Dict')}[str, {inner}]"
        if choice == 9:
            return f"{self.typing('Optional')}[{inner}]"
        if choice == 10:
            return f"{self.typing('Annotated')}[{inner}, {self.one_of('1', repr('x'), 'len')}]"
        other = self.type(module, names, depth - 1, late=late)
        if self.chance(2) or inner[0] in "'\"" or other[0] in "'\"":
            return f"{self.typing('Union')}[{inner}, {other}]"
        return f"{inner} | {other}" if self.chance(2) else f"({inner} | {other})"

    def typing(self, name: str) -> str:
        return self.one_of("", "t.", "te.", "typing.") + name if name != "ReadOnly" else name

    def reference(
        self, item: Definition, module: _Module, names: tuple[str, ...], depth: int, *, shallow: bool = False
    ) -> str:
        """``item`` with arguments; inside a generic these do not grow, or the type would without end."""
        text = self.spell(item, module)
        if not item.arity:
            return text
        plain = st.sampled_from([*names, *names, "int", "str", "list[bool]"])
        deep = depth > 0 and not names and not shallow
        arguments = [
            self.type(module, names, 1, late=item in self.defined and not shallow and deep)
            if deep and item in self.defined
            else self.draw(plain)
            for _ in range(item.arity)
        ]
        return f"{text}[{', '.join(arguments)}]"

    # -- imports

    def spell(self, item: Definition, module: _Module) -> str:
        """How ``module`` names ``item``, importing it in one of many ways the first time."""
        if item.module == module.path:
            return item.name
        if item.name not in module.spelled or self.chance(4):
            module.spelled[item.name] = self.imported(item, module)
        return module.spelled[item.name]

    def imported(self, item: Definition, module: _Module) -> str:
        name, home = item.name, item.module
        whole = ".".join(filter(None, ["flows", self.package, home]))
        dots = "." * (2 if module.path.startswith("deep.") else 1)
        relative = dots + home
        origin = self.one_of(whole, relative)
        style = self.number(1, 10)
        if style == 1:
            module.imports.append(f"from {origin} import {name} as {name}_{module.path[:3]}")
            return f"{name}_{module.path[:3]}"
        if style == 2:
            module.imports.append(f"import {whole}")
            return f"{whole}.{name}"
        if style == 3:
            module.imports.append(f"import {whole} as m_{home.replace('.', '_')}")
            return f"m_{home.replace('.', '_')}.{name}"
        if style == 4 and home:
            parent, _, last = home.rpartition(".")
            module.imports.append(f"from {dots}{parent} import {last}")
            return f"{last}.{name}"
        if style == 5:
            module.imports.append(f"from {origin} import *")
        elif style == 6:
            module.imports.append(f"if TYPE_CHECKING:\n    from {origin} import {name}")
        elif style == 7:
            fallback = f"except ImportError:\n    {name} = None  # type: ignore"
            module.imports.append(f"try:\n    from {origin} import {name}\n{fallback}")
        elif style in (8, 9) and home and module.path:
            hub = self.modules[""]
            hub.imports.append(f"from .{home} import {'*' if style == 8 else name}")
            module.imports.append(f"from {self.one_of(f'flows.{self.package}', dots)} import {name}")
        else:
            module.imports.append(f"from {origin} import {name}")
        return name
