"""The wiring's names for modules, and through them for types and handlers."""

from __future__ import annotations

from pgflow_gen.ir.types import NewTypeRef, TypeKey
from pgflow_gen.render.imports import Imports
from pgflow_gen.render.spell import spell


class ModuleNames:
    """The wiring's names for types and handlers: always ``_<module>.<name>`` (see ``spell.TypeNames``)."""

    def __init__(self) -> None:
        self.imports = Imports()
        self.aliases: dict[str, str] = {}

    def module(self, dotted: str) -> str:
        """A local name for the module; ``a.b_c`` and ``a_b.c`` get two."""
        if dotted not in self.aliases:
            alias = "_" + dotted.replace(".", "_")
            while alias in self.aliases.values() or alias in ("_output", "_Context"):
                alias += "_"
            self.aliases[dotted] = alias
        return self.aliases[dotted]

    def record(self, key: TypeKey) -> str:
        arguments = f"[{', '.join(spell(arg, self) for arg in key.args)}]" if key.args else ""
        return f"{self.module(key.module)}.{key.name}{arguments}"

    def alias(self, key: TypeKey) -> str:
        return self.record(key)

    def new_type(self, ref: NewTypeRef) -> str:
        return self.record(ref.key)
