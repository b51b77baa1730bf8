"""The compiler's judgement against mypy's, on every pair out of a list of types.

Where the judge says NO, mypy must refuse; where it says YES, mypy must accept. Only UNSURE is free.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from mypy import api

from pgflow_gen.checks.assignable import Judge, Verdict
from pgflow_gen.ir.types import AliasRef, Field, NewTypeRef, TypeExpr, TypeKey
from tests.support.ir import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    JSON,
    MODULE,
    NONE,
    OBJECT,
    STR,
    Types,
    dict_of,
    list_of,
    literal,
    mapping_of,
    sequence_of,
    union,
)

PRELUDE = """\
from __future__ import annotations
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NewType, NotRequired, TypeAlias, TypedDict, Union
from typing_extensions import ReadOnly

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"
Tree: TypeAlias = "str | list[Tree]"
Wood: TypeAlias = "str | list[Wood]"
Url = NewType("Url", str)

class Point(TypedDict):
    x: int
    y: int
class Spot(TypedDict):
    x: int
    y: int
class Space(TypedDict):
    x: int
    y: int
    z: int
class Floats(TypedDict):
    x: float
    y: float
class Loose(TypedDict):
    x: int
    y: NotRequired[int]
class Read(TypedDict):
    x: ReadOnly[float]
class Node(TypedDict):
    value: int
    next: Node | None
class Link(TypedDict):
    value: int
    next: Link | None
class Chain(TypedDict):
    value: str
    next: Chain | None
class Holder(TypedDict):
    items: list[Point]
class Keeper(TypedDict):
    items: list[Spot]

"""


def _types() -> tuple[Types, list[TypeExpr]]:
    types = Types()
    url = NewTypeRef(TypeKey(MODULE, "Url"), STR)
    point, spot = types.record("Point", x=INT, y=INT), types.record("Spot", x=INT, y=INT)
    records = [
        point,
        spot,
        types.record("Space", x=INT, y=INT, z=INT),
        types.record("Floats", x=FLOAT, y=FLOAT),
        types.record("Loose", Field("y", INT, required=False), x=INT),
        types.record("Read", Field("x", FLOAT, read_only=True)),
        types.record("Node", value=INT, next=union(types.ref("Node"), NONE)),
        types.record("Link", value=INT, next=union(types.ref("Link"), NONE)),
        types.record("Chain", value=STR, next=union(types.ref("Chain"), NONE)),
        types.record("Holder", items=list_of(point)),
        types.record("Keeper", items=list_of(spot)),
    ]
    tree = types.alias("Tree", union(STR, list_of(AliasRef(TypeKey(MODULE, "Tree")))))
    wood = types.alias("Wood", union(STR, list_of(AliasRef(TypeKey(MODULE, "Wood")))))
    plain: list[TypeExpr] = [STR, INT, FLOAT, BOOL, NONE, JSON, ANY, OBJECT, url, tree, wood]
    literals: list[TypeExpr] = [
        literal("a"),
        literal("a", "b"),
        literal(1, 2),
        literal(1),
        literal(True),
        literal(None, "a"),
    ]
    unions: list[TypeExpr] = [
        union(STR, INT),
        union(INT, FLOAT),
        union(INT, STR, NONE),
        union(literal("a"), INT),
        union(list_of(STR), NONE),
        union(point, NONE),
        union(point, records[2]),
    ]
    containers: list[TypeExpr] = []
    items: list[TypeExpr] = [STR, INT, FLOAT, BOOL, JSON, ANY, literal("a"), union(STR, INT), *records[:3]]
    for item in items:
        containers += [list_of(item), sequence_of(item), dict_of(item), mapping_of(item)]
    nested: list[TypeExpr] = [list_of(list_of(INT)), sequence_of(sequence_of(FLOAT)), dict_of(list_of(point))]
    return types, [*plain, *records, *literals, *unions, *containers, *nested, mapping_of(OBJECT)]


def test_mypy_agrees_about_every_pair(tmp_path: Path) -> None:
    types, exprs = _types()
    pairs = list(itertools.product(exprs, exprs))
    first = PRELUDE.count("\n") + 1
    lines = [
        f"def f{number}(value: {source}) -> {target}: return value"
        for number, (source, target) in enumerate(pairs)
    ]
    module = tmp_path / "pairs.py"
    module.write_text(PRELUDE + "\n".join(lines) + "\n")
    output, errors, _ = api.run(
        [
            *("--config-file=", "--no-incremental", "--no-error-summary", "--hide-error-context"),
            *("--no-warn-no-return", "--cache-dir", str(tmp_path / "cache"), str(module)),
        ]
    )
    assert not errors
    refused: set[int] = set()
    for line in output.splitlines():
        if ": error: " not in line:
            continue
        number = int(line.rsplit("pairs.py:", 1)[1].split(":", 1)[0])
        assert number >= first, line
        refused.add(number - first)
    assert 0 < len(refused) < len(pairs)

    judge = Judge(types.table)
    disagreements = []
    unsure = 0
    for number, (source, target) in enumerate(pairs):
        verdict = judge.verdict(source, target)
        unsure += verdict is Verdict.UNSURE
        if verdict is not Verdict.UNSURE and (verdict is Verdict.NO) != (number in refused):
            disagreements.append(f"{source} -> {target}: {verdict.name}, mypy {number in refused=}")
    assert disagreements == []
    assert unsure < len(pairs) / 20, "a judge that is never certain agrees with anybody"
