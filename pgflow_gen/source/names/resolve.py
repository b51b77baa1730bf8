"""From a name in a module to what it means, across modules, memoised and safe against cycles.

Nothing is imported: the project's own modules are read, everything else is known by name only.
"""

from __future__ import annotations

import builtins
import re
import sys
from dataclasses import field
from typing import TypeAlias

import libcst as cst

from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import class_name
from pgflow_gen.source.files.modules import module_name
from pgflow_gen.source.names.index import Assignment, Binding, ModuleImport, ModuleIndex, NameImport
from pgflow_gen.source.names.module_loader import ModuleLoader
from pgflow_gen.source.names.stars import TYPING_MODULES, is_public, star_names
from pgflow_shared.presets import preset_of

RUNTIME = "pgflow_runtime"
RUNTIME_NAMES = frozenset(
    {
        "FIRE_DATE", "FIRE_TIME", "Again", "Context", "Default", "DefinitionError", "Failed", "Flow",
        "JsonValue", "NonRetryable", "PgflowError", "Resource", "RetryAfter", "RunEnd", "Signal", "Sleep",
        "Step", "TaskCancelled",
    }
)  # fmt: skip
_VERSION = re.compile(r"_v[0-9]+$")
_BUILTINS = frozenset(dir(builtins))
# Imported by the interpreter before a project's folders are on sys.path.
_NEVER_OURS = frozenset(
    {"typing", "typing_extensions", "builtins", "collections", "enum", "dataclasses", "abc"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Defined:
    """A class, function, assignment or alias of the project, where it is defined."""

    module: ModuleIndex
    binding: Binding

    @property
    def key(self) -> tuple[str, str]:
        return self.module.name, self.binding.name


@dataclass(frozen=True, slots=True)
class External:
    """A name of the standard library, the runtime package or an installed distribution."""

    module: str
    name: str
    preset: str | None = None
    """Of the runtime's Flow and Context: the preset whose they are."""

    @property
    def is_known(self) -> bool:
        """Whether the module surely exists: built in, standard library, typing_extensions or the runtime."""
        top = self.module.split(".")[0]
        return self.is_generated or top in sys.stdlib_module_names or top in {"typing_extensions", RUNTIME}

    @property
    def is_generated(self) -> bool:
        """Whether it is the output of a flow, as ``.invoice`` declares it: what that is, the flow says."""
        return self.module.startswith(".")

    def is_typing(self, *names: str) -> bool:
        """Also of the TypedDict of generated modules, which is typing's."""
        is_ours = self.name == "TypedDict" and self.module == f"{RUNTIME}.client"
        return (self.module in TYPING_MODULES or is_ours) and self.name in names

    def is_runtime(self, name: str) -> bool:
        return self.module == RUNTIME and self.name == name


@dataclass(frozen=True, slots=True)
class ModuleSymbol:
    """A module of the project (or a folder of one), or an external one."""

    name: str
    external: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that leads nowhere, and why. ``help`` names the way out, if there is one to name."""

    reason: str
    name: str
    known: tuple[str, ...] = ()
    """Names that would have been found in the same place."""
    help: str | None = None


Symbol: TypeAlias = Defined | External | ModuleSymbol | Missing


@dataclass(slots=True)
class Resolver:
    """Resolves names through a project's modules."""

    project: ModuleLoader
    _memo: dict[tuple[str, str], Symbol] = field(default_factory=dict)
    _active: set[tuple[str, str]] = field(default_factory=set)
    _ours: dict[str, bool] = field(default_factory=dict)
    _generated_folder: str | None = field(init=False)
    """The dotted name of the folder of generated files."""

    def __post_init__(self) -> None:
        config = self.project.reads.config
        self._generated_folder = module_name(config, config.root / config.out / "__init__.py")

    def resolve(self, module: ModuleIndex, expression: cst.BaseExpression) -> Symbol | None:
        """What a name or a dotted name means in ``module``; None for any other expression."""
        match expression:
            case cst.Name(value=name):
                return self.lookup(module, name)
            case cst.Attribute(value=value, attr=cst.Name(value=name)):
                owner = self.resolve(module, value)
                if isinstance(owner, ModuleSymbol):
                    return self.member(owner.name, name)
                if isinstance(owner, External):
                    return External(f"{owner.module}.{owner.name}", name)
                return owner if isinstance(owner, Missing) else None
            case _:
                return None

    def follow(self, symbol: Symbol) -> Symbol:
        """``symbol``, or what it renames: ``A = B`` and ``A: TypeAlias = B`` are followed to their end."""
        seen: set[tuple[str, str]] = set()
        while isinstance(symbol, Defined) and symbol.key not in seen:
            seen.add(symbol.key)
            binding = symbol.binding
            if not isinstance(binding, Assignment) or not isinstance(binding.value, cst.Name | cst.Attribute):
                break
            target = self.resolve(symbol.module, binding.value)
            if target is None:
                break
            symbol = target
        return symbol

    def lookup(self, module: ModuleIndex, name: str, *, with_builtins: bool = True) -> Symbol:
        """What ``name`` means at the top level of ``module``."""
        key = (module.name, name)
        if key not in self._memo:
            if key in self._active:
                return Missing(f"its imports go round in a circle at {module.name}.{name}", name)
            found = self._remembered(key, module, name)
        else:
            found = self._memo[key]
        if (
            isinstance(found, Missing)
            and with_builtins
            and not module.bindings.get(name)
            and name in _BUILTINS
        ):
            return External("builtins", name)
        return found

    def _remembered(self, key: tuple[str, str], module: ModuleIndex, name: str) -> Symbol:
        self._active.add(key)
        try:
            found = self._search(module, name)
        finally:
            self._active.discard(key)
        # A failure met halfway round a circle of imports need not be one when asked from outside it.
        if not self._active or resolves(found):
            self._memo[key] = found
        return found

    def member(self, module: str, name: str) -> Symbol:
        """What ``from module import name`` gives: a name of the module, else a submodule."""
        if module.split(".")[0] == RUNTIME:
            return self._runtime(module, name)
        if (generated := self._generated(module)) is not None and is_output(generated, name):
            return External(generated, name)
        if not self._is_ours(module.split(".")[0]):
            return External(module, name)
        index = self.project.find(module)
        submodule = f"{module}.{name}"
        if index is None:
            return self._outside(module, name)
        found = self.lookup(index, name, with_builtins=False)
        if isinstance(found, Missing) and self._exists(submodule):
            return ModuleSymbol(submodule, external=False)
        return found

    def _search(self, module: ModuleIndex, name: str) -> Symbol:
        failure: Symbol | None = None
        for binding in candidates(module.bindings.get(name, [])):
            symbol = self._follow(module, binding)
            if resolves(symbol):
                return symbol
            failure = failure or symbol
        for star in reversed(module.stars):
            symbol = self._through_star(star.target, name)
            if resolves(symbol):
                return symbol
        return failure or Missing(
            f"name {name!r} is not defined in {module.path}", name, tuple(module.bindings)
        )

    def _follow(self, module: ModuleIndex, binding: Binding) -> Symbol:
        match binding:
            case ModuleImport(target=target):
                return self._module(target)
            case NameImport(target="", original=original):
                return Missing("a relative import climbs above the source root", original)
            case NameImport(target=target, original=original):
                return self.member(target, original)
            case _:
                return Defined(module, binding)

    def _module(self, name: str) -> Symbol:
        top = name.split(".")[0]
        if self._generated(name) is not None:
            return ModuleSymbol(name, external=False)
        if top == RUNTIME or not self._is_ours(top):
            return ModuleSymbol(name, external=True)
        if self._exists(name):
            return ModuleSymbol(name, external=False)
        return self._no_module(name)

    def _generated(self, module: str) -> str | None:
        """``.invoice`` for the module that is generated of a flow, whether or not there is one yet."""
        folder, _, stem = module.rpartition(".")
        return f".{stem}" if folder and folder == self._generated_folder else None

    def _is_ours(self, top: str) -> bool:
        """Whether a top-level name is the project's; a bare folder does not hide a standard module."""
        if top not in self._ours:
            if top in sys.stdlib_module_names:
                has_file = self.project.reads.module(top) is not None
                self._ours[top] = top not in _NEVER_OURS and has_file
            else:
                self._ours[top] = top not in _NEVER_OURS and self._exists(top)
        return self._ours[top]

    def _exists(self, name: str) -> bool:
        return self.project.reads.module(name) is not None or self.project.reads.is_folder(name)

    def _no_module(self, name: str) -> Missing:
        parent, _, last = name.rpartition(".")
        return Missing(
            f"there is no module {name!r} below the source roots",
            last,
            self.project.reads.submodules(parent),
        )

    def _outside(self, module: str, name: str) -> Symbol:
        """A name of a module of ours without a readable file: a folder, a broken module, a wrong name."""
        if self.project.reads.module(module) is not None:
            return Missing(
                f"module {module!r} cannot be read", name, help="mend the module's own error first"
            )
        if self._exists(f"{module}.{name}"):
            return ModuleSymbol(f"{module}.{name}", external=False)
        if self._exists(module):
            return Missing(
                f"package {module!r} has no module {name!r}", name, self.project.reads.submodules(module)
            )
        return self._no_module(module)

    def _runtime(self, module: str, name: str) -> Symbol:
        if name in RUNTIME_NAMES:
            return External(RUNTIME, name, preset_of(module))
        if module == RUNTIME and name.islower():
            return ModuleSymbol(f"{RUNTIME}.{name}", external=True)
        return Missing(f"{RUNTIME} has no name {name!r}", name, tuple(RUNTIME_NAMES))

    def _through_star(self, target: str, name: str) -> Symbol:
        index = self.project.find(target) if target and self._is_ours(target.split(".")[0]) else None
        if index is not None:
            if not is_public(index, name):
                return Missing("not exported", name)
            return self.lookup(index, name, with_builtins=False)
        if target.split(".")[0] == RUNTIME and name in RUNTIME_NAMES:
            return External(RUNTIME, name, preset_of(target))
        if name in star_names(target):
            return External(target, name)
        return Missing("not exported", name)


def is_output(module: str, name: str) -> bool:
    """Whether the module that is generated of a flow calls the flow's output so."""
    stem = module.removeprefix(".").rstrip("_")
    plain = class_name(_VERSION.sub("", stem))
    return name in (f"{class_name(stem)}Output", f"{plain}Output") and not plain.startswith("_")


def resolves(symbol: Symbol) -> bool:
    """Whether a branch of ``try/except ImportError`` counts: the name exists as far as we can know."""
    if isinstance(symbol, External):
        return symbol.is_known
    return not isinstance(symbol, Missing)


def candidates(bindings: list[Binding]) -> list[Binding]:
    """The bindings a name may stand for, best first.

    The last unconditional one hides all before it. Conditional ones after it are alternatives, in the order
    written; branches that type checkers skip come last, bare declarations never.
    """
    valued = [item for item in bindings if not (isinstance(item, Assignment) and item.value is None)]
    last = max((at for at, item in enumerate(valued) if not item.conditional), default=-1)
    alternatives = sorted(valued[last + 1 :], key=lambda item: item.runtime_only)
    return [*alternatives, *valued[last : last + 1]] if last >= 0 else alternatives
