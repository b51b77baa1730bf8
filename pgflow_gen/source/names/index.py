"""What a module binds at its top level: one loop over its statements, no scope analysis.

A name may be bound several times (``try: ... except ImportError: ...``, ``if TYPE_CHECKING: ...``);
the index keeps every binding in order and ``resolve`` decides which one counts.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import field

import libcst as cst
from libcst.helpers import get_full_name_for_node

from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.static_tests import always
from pgflow_gen.source.parsing.parse import ParsedFile
from pgflow_gen.source.target import OLDEST, Version


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """A module-level name and the node that binds it."""

    name: str
    node: cst.CSTNode
    """The name where it is bound; messages point at it."""
    conditional: bool = False
    """Inside ``if``, ``try``, ``with``, ``for``, ``while`` or ``match``."""
    runtime_only: bool = False
    """In a branch that type checkers skip: ``else`` of ``if TYPE_CHECKING``."""


@dataclass(frozen=True, slots=True, eq=False)
class ModuleImport(Binding):
    """``import a.b`` (binds ``a``) or ``import a.b as c`` (binds ``a.b``)."""

    target: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NameImport(Binding):
    """``from target import original as name``."""

    target: str = ""
    original: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Class(Binding):
    definition: cst.ClassDef = field(kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class Function(Binding):
    definition: cst.FunctionDef = field(kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class Assignment(Binding):
    """``name = value``, ``name: annotation = value``, or the bare declaration ``name: annotation``."""

    value: cst.BaseExpression | None = None
    annotation: cst.BaseExpression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TypeAliasStatement(Binding):
    """``type name[T] = value``."""

    statement: cst.TypeAlias = field(kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class Opaque(Binding):
    """Bound in a way whose value nobody can read: a loop variable, an unpacking, ``with ... as``, ``+=``."""


@dataclass(frozen=True, slots=True)
class StarImport:
    target: str
    conditional: bool


@dataclass(slots=True, repr=False, eq=False)
class ModuleIndex:
    """The top-level names of one module."""

    name: str
    file: ParsedFile
    is_package: bool
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    target: Version = OLDEST
    """The Python that ``sys.version_info`` is taken for."""
    stars: list[StarImport] = field(default_factory=list)
    globals: dict[str, cst.Name] = field(default_factory=dict)
    """Names that functions declare ``global``, and so may bind again whenever they run."""

    @property
    def path(self) -> str:
        return self.file.source.path

    def absolute(self, level: int, module: str | None) -> str:
        """The absolute name of ``from <level dots><module>``; "" when it climbs above the source root."""
        if level == 0:
            return module or ""
        package = self.name.split(".")
        climbs = level - 1 if self.is_package else level
        if climbs > len(package):
            return ""
        parts = package[: len(package) - climbs]
        return ".".join([*parts, *([module] if module else [])])


@dataclass(frozen=True, slots=True)
class _Branch:
    conditional: bool = False
    runtime_only: bool = False


def build_index(name: str, file: ParsedFile, target: Version | None = None) -> ModuleIndex:
    """Index the top level of ``file``, module ``name``, for the Python ``target`` (default: the running)."""
    is_package = file.source.absolute.name == "__init__.py"
    index = ModuleIndex(name, file, is_package, target=target or sys.version_info[:2])
    _statements(index, file.tree.body, _Branch())
    if "global" in file.source.text:
        _globals(index, file.tree)
    return index


def _globals(index: ModuleIndex, tree: cst.Module) -> None:
    waiting: list[cst.CSTNode] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Global):
            for item in node.names:
                index.globals.setdefault(item.name.value, item.name)
        elif not isinstance(node, cst.BaseExpression):
            waiting.extend(node.children)


def _statements(index: ModuleIndex, body: Sequence[cst.CSTNode], branch: _Branch) -> None:
    for statement in body:
        match statement:
            case cst.SimpleStatementLine(body=parts) | cst.SimpleStatementSuite(body=parts):
                for part in parts:
                    _simple(index, part, branch)
            case cst.ClassDef():
                _add(
                    index, Class(statement.name.value, statement.name, *_flags(branch), definition=statement)
                )
            case cst.FunctionDef():
                _add(
                    index,
                    Function(statement.name.value, statement.name, *_flags(branch), definition=statement),
                )
            case cst.If():
                _if(index, statement, branch)
            case cst.Try() | cst.TryStar():
                _try(index, statement, branch)
            case cst.For():
                _targets(index, statement.target, branch)
                _block(index, statement.body, branch)
                _block(index, statement.orelse.body if statement.orelse else None, branch)
            case cst.While():
                _block(index, statement.body, branch)
                _block(index, statement.orelse.body if statement.orelse else None, branch)
            case cst.With():
                for item in statement.items:
                    if item.asname is not None:
                        _targets(index, item.asname.name, branch)
                _block(index, statement.body, branch)
            case cst.Match():
                for arm in statement.cases:
                    _block(index, arm.body, branch)
            case _:
                pass


def _flags(branch: _Branch) -> tuple[bool, bool]:
    return branch.conditional, branch.runtime_only


def _add(index: ModuleIndex, binding: Binding) -> None:
    index.bindings.setdefault(binding.name, []).append(binding)


def _block(index: ModuleIndex, block: cst.BaseSuite | None, branch: _Branch) -> None:
    if block is not None:
        _suite(index, block, _Branch(True, branch.runtime_only))


def _suite(index: ModuleIndex, block: cst.BaseSuite, branch: _Branch) -> None:
    _statements(index, [block] if isinstance(block, cst.SimpleStatementSuite) else block.body, branch)


def _if(index: ModuleIndex, statement: cst.If, branch: _Branch) -> None:
    known = always(statement.test, index.target)
    if known is not None:
        # As the checkers do: of a question about the version or the system one branch alone is there.
        orelse = statement.orelse
        if known:
            _suite(index, statement.body, branch)
        elif isinstance(orelse, cst.If):
            _if(index, orelse, branch)
        elif orelse is not None:
            _suite(index, orelse.body, branch)
        return
    typing = is_type_checking(statement.test)
    never = isinstance(statement.test, cst.UnaryOperation) and is_type_checking(statement.test.expression)
    _block(index, statement.body, _Branch(True, branch.runtime_only or never))
    orelse = statement.orelse
    after = _Branch(True, branch.runtime_only or typing)
    if isinstance(orelse, cst.If):
        _if(index, orelse, after)
    elif orelse is not None:
        _block(index, orelse.body, after)


def is_type_checking(test: cst.BaseExpression) -> bool:
    """``TYPE_CHECKING`` or ``typing.TYPE_CHECKING`` under any import spelling."""
    name = test.attr.value if isinstance(test, cst.Attribute) else getattr(test, "value", None)
    return name == "TYPE_CHECKING"


def _try(index: ModuleIndex, statement: cst.Try | cst.TryStar, branch: _Branch) -> None:
    _block(index, statement.body, branch)
    _block(index, statement.orelse.body if statement.orelse else None, branch)
    for handler in statement.handlers:
        _block(index, handler.body, branch)
    _block(index, statement.finalbody.body if statement.finalbody else None, branch)


def _simple(index: ModuleIndex, part: cst.CSTNode, branch: _Branch) -> None:
    match part:
        case cst.Import():
            for alias in part.names:
                _import(index, alias, branch)
        case cst.ImportFrom():
            _import_from(index, part, branch)
        case cst.Assign():
            for target in part.targets:
                _targets(index, target.target, branch, part.value if len(part.targets) == 1 else None)
        case cst.AnnAssign(target=cst.Name() as target):
            flags = _flags(branch)
            _add(index, Assignment(target.value, target, *flags, part.value, part.annotation.annotation))
        case cst.AugAssign():
            _targets(index, part.target, branch)
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=cst.Name(value="__all__") as target))):
            # __all__.extend(...) is as good as __all__ += ...
            _targets(index, target, branch)
        case cst.TypeAlias():
            _add(index, TypeAliasStatement(part.name.value, part.name, *_flags(branch), statement=part))
        case _:
            pass


def _targets(
    index: ModuleIndex, target: cst.CSTNode, branch: _Branch, value: cst.BaseExpression | None = None
) -> None:
    """Bind the names of an assignment's left side; only a plain name keeps its value."""
    match target:
        case cst.Name() if value is not None:
            _add(index, Assignment(target.value, target, *_flags(branch), value))
        case cst.Name():
            _add(index, Opaque(target.value, target, *_flags(branch)))
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                _targets(index, element.value, branch)
        case _:
            pass


def _import(index: ModuleIndex, alias: cst.ImportAlias, branch: _Branch) -> None:
    dotted = get_full_name_for_node(alias.name) or ""
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        name = alias.asname.name
        _add(index, ModuleImport(name.value, name, *_flags(branch), dotted))
    else:
        top = dotted.split(".")[0]
        _add(index, ModuleImport(top, alias.name, *_flags(branch), top))


def _import_from(index: ModuleIndex, statement: cst.ImportFrom, branch: _Branch) -> None:
    module = get_full_name_for_node(statement.module) if statement.module is not None else None
    target = index.absolute(len(statement.relative), module)
    if isinstance(statement.names, cst.ImportStar):
        index.stars.append(StarImport(target, branch.conditional))
        return
    for alias in statement.names:
        original = get_full_name_for_node(alias.name) or ""
        name = alias.asname.name if alias.asname is not None else alias.name
        if isinstance(name, cst.Name):
            _add(index, NameImport(name.value, name, *_flags(branch), target, original))
