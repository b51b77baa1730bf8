"""The wiring's names for modules, and through them for types and handlers."""

from __future__ import annotations

from pgflow_gen.ir.types import EnumType, NewTypeRef, TypeKey
from pgflow_gen.render.python.annotations import members_of, spell
from pgflow_gen.render.python.imports import Imports


class ModuleNames:
    """The wiring's names for types and handlers: always ``_<module>.<name>`` (see ``spell.TypeNames``)."""

    def __init__(self) -> None:
        self.imports = Imports()
        self.aliases: dict[str, str] = {}
        self._noted: dict[str, str] = {}
        self._taken = {"_output", "_Context"}
        self.stem = ""
        """That of the flow that is written now."""

    def noting(self) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        """What is asked from now on: modules and their names here, imported names and theirs."""
        self._noted = {}
        self.imports.noted = {}
        return self._noted, self.imports.noted

    def module(self, dotted: str) -> str:
        """A local name for the module; ``a.b_c`` and ``a_b.c`` get two."""
        alias = self.aliases.get(dotted)
        if alias is None:
            alias = "_" + dotted.replace(".", "_")
            while alias in self._taken:
                alias += "_"
            self._taken.add(alias)
            self.aliases[dotted] = alias
        self._noted[dotted] = alias
        return alias

    def record(self, key: TypeKey) -> str:
        if key.is_generated:
            return f"_{self.stem}_gets_{key.module[1:]}"
        arguments = f"[{', '.join(spell(arg, self) for arg in key.args)}]" if key.args else ""
        return f"{self.module(key.module)}.{key.name}{arguments}"

    def alias(self, key: TypeKey) -> str:
        return self.record(key)

    def enum(self, type_: EnumType) -> str:
        return members_of(type_, self.record(type_.key), self.imports)

    def new_type(self, ref: NewTypeRef) -> str:
        return self.record(ref.key)
