"""Proofs that the client's records equal the handlers': each is returned for the other, also in lists.

mypy compares TypedDicts by their fields, all the way down, along every path there is, and both ways: of
records that refer to each other a lot there are too many. Such a record is compared with one whose fields are
spelled with the handlers' own types, which mypy knows to be the same without looking inside. That each record
is right as far as its own fields go, is right for all of them together (coinduction). So it is done, too,
with a record that holds classes or enums, which the client has in another form.

A class is proved field by field: its attributes have the types that were read, its constructor takes them.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from pgflow_gen.ir.converted import is_converted
from pgflow_gen.ir.types import (
    AliasRef,
    ClassRef,
    Field,
    Record,
    RecordRef,
    TypeExpr,
    TypeKey,
    TypeTable,
    UnionType,
    children,
)
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.python.annotations import annotation, spell
from pgflow_gen.render.python.views import FlowView
from pgflow_gen.render.wiring.generated_types import mentions_generated
from pgflow_gen.render.wiring.module_names import ModuleNames
from pgflow_gen.render.wiring.source_map import MappedLines, Subject

_MOST = 2_000
"""Comparisons for which a proof goes all the way down: a small part of a second."""


def add_proofs(view: FlowView, modules: ModuleNames, lines: MappedLines) -> None:
    """Each record as declared again, and lists of it, returned for the user's own and the other way round."""
    types, again = view.types, modules.module(f".{view.stem}")
    modules.stem = view.stem
    for number, (key, name) in enumerate(view.record_names.items(), start=1):
        if mentions_generated(types, AliasRef(key) if key in types.aliases else types.records[key].ref):
            continue
        ours, theirs = f"{again}.{name}", modules.record(key)
        subject = Subject("record", view.flow.key, record=key)
        record = types.records.get(key)
        if record is not None and record.kind != "typed_dict":
            _prove_class(f"_{view.stem}_{number}", key, types, modules, lines, subject)
            continue
        ref = AliasRef(key) if record is None else record.ref
        if is_converted(ref, types) or comparisons(key, types) > _MOST:
            ours = f"_{view.stem}_{number}"
            declare(ours, key, types, modules, lines, subject)
        for direction, given, wanted in (("ours", theirs, ours), ("theirs", ours, theirs)):
            lines.add("")
            lines.add("")
            lines.add(f"def _{view.stem}_{number}_as_{direction}(")
            lines.add(f"    value: {given}, values: list[{given}]", subject)
            lines.add(f") -> tuple[{wanted}, list[{wanted}]]:", subject)
            lines.add("    return value, values", subject)


def _prove_class(
    name: str, key: TypeKey, types: TypeTable, modules: ModuleNames, lines: MappedLines, subject: Subject
) -> None:
    """Its attributes as a tuple of the types that were read, and its constructor called with such."""
    theirs, fields = modules.record(key), types.records[key].fields
    spelled = [spell(field.type, modules) for field in fields]
    attributes = "".join(f"value.{field.attribute or field.key}, " for field in fields)
    given = ", ".join(f"_{number}: {text}" for number, text in enumerate(spelled))
    takes = [_taken_by(field, types.records[key]) for field in fields]
    passed = ", ".join(f"{name}=_{number}" for number, name in enumerate(takes))
    lines.add("")
    lines.add("")
    lines.add(f"def {name}_attributes(value: {theirs}) -> tuple[{', '.join(spelled) or '()'}]:", subject)
    lines.add(f"    return ({attributes.rstrip()})", subject)
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in takes):
        return  # nothing can be passed by such a name
    lines.add("")
    lines.add("")
    lines.add(f"def {name}_constructed({given}) -> {theirs}:", subject)
    lines.add(f"    return {theirs}({passed})", subject)


def _taken_by(field: Field, record: Record) -> str:
    """The name by which the constructor takes it."""
    return field.attribute or field.key if record.kind == "msgspec" else field.key


def declare(
    name: str, key: TypeKey, types: TypeTable, modules: ModuleNames, lines: MappedLines, subject: Subject
) -> None:
    """The record or alias with its own fields only; what they refer to is the handlers'."""
    lines.add("")
    lines.add("")
    if key in types.aliases:
        target = py_literal(spell(types.aliases[key].target, modules))
        lines.add(f"{name}: {modules.imports.use('typing', 'TypeAlias')} = {target}", subject)
        return
    record = types.records[key]
    home, end = ("typing_extensions", "}, closed=True)") if record.closed else ("typing", "})")
    # Under another name, or pyupgrade makes a class of it, where names of keys hide those of types.
    made = modules.imports.use(home, "TypedDict", wanted="_TypedDict")
    lines.add(f"{name} = {made}({py_literal(name)}, {{", subject)
    for field in record.fields:
        text = annotation(field, modules)
        # What is generated of flows may lead to itself, or to what is declared below.
        text = py_literal(text) if key.is_generated else text
        lines.add(f"    {py_literal(field.key)}: {text},", subject)
    lines.add(end, subject)


def comparisons(root: TypeKey, types: TypeTable) -> int:
    """About how many records mypy compares to prove ``root``; no exact number above the limit."""
    count = 0
    waiting: list[tuple[TypeKey, frozenset[TypeKey], int]] = [(root, frozenset(), 1)]
    while waiting and count <= _MOST:
        key, above, ways = waiting.pop()
        count += ways
        if key in above:
            continue
        # Both ways at each level; a member of a union is tried against every other one.
        for found, rivals in _references(key, types):
            waiting.append((found, above | {key}, 2 * ways * rivals))
    return count


def _references(key: TypeKey, types: TypeTable) -> Iterator[tuple[TypeKey, int]]:
    """The records and recursive aliases right below ``key``, each with the number of those beside it."""
    alias, record = types.aliases.get(key), types.records.get(key)
    roots = [alias.target] if alias is not None else []
    roots += [field.type for field in record.fields] if record is not None else []
    waiting: list[tuple[TypeExpr, int]] = [(item, 1) for item in roots]
    while waiting:
        type_, rivals = waiting.pop()
        match type_:
            case RecordRef(key=found) | AliasRef(key=found):
                yield found, rivals
            case ClassRef():
                pass  # compared by name
            case UnionType(members=members):
                waiting.extend((member, len(members)) for member in members)
            case _:
                waiting.extend((item, rivals) for item in children(type_))
