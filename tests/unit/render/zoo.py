"""A flow with every kind of type, as source text for mypy and, by hand, as the IR the front would read."""

from __future__ import annotations

from pgflow_gen.diagnostics import Span
from pgflow_gen.ir.flow import (
    Analysis,
    FlowKey,
    FlowSpec,
    Json,
    Option,
    Parameter,
    Receives,
    StepName,
    StepSpec,
)
from pgflow_gen.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    Alias,
    AliasRef,
    DictType,
    Field,
    JsonType,
    ListType,
    LiteralType,
    Record,
    RecordRef,
    TypeExpr,
    TypeKey,
    TypeTable,
    union,
)

MODULE = "flows.zoo"
OTHER = "lib.types"
PLACE = Span("flows/zoo.py", 1, 1, 1, 2)

SOURCES = {
    "lib/types.py": """\
from typing import TypedDict


class Animal(TypedDict):
    legs: int


class FeedOutput(TypedDict):
    grams: float
""",
    "flows/zoo.py": '''\
from __future__ import annotations

from typing import Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

import lib.types
from pgflow_runtime import Context, Flow, JsonValue
from typing_extensions import ReadOnly

T = TypeVar("T")
Tree: TypeAlias = "dict[str, Tree] | list[Tree] | int"


class Animal(TypedDict):
    """It's "an animal\\""""
    name: str
    kind: Literal["cat", 'the "big" one', "it's"]
    parent: NotRequired[Animal | None]


class Run(TypedDict):
    list: list[str]
    Any: JsonValue


class Box(TypedDict, Generic[T]):
    content: T
    more: list[Box[T]]


class Empty(TypedDict):
    pass


Odd = TypedDict("Odd", {"a key": int, "class": "NotRequired[Odd]", "__secret": ReadOnly[bool]})


class ZooInput(TypedDict):
    animals: list[Animal]
    others: dict[str, lib.types.Animal]
    tree: Tree
    boxes: NotRequired[Box[int] | Box[list[str]]]
    odd: ReadOnly[Odd]


zoo = Flow[ZooInput]("zoo")


@zoo.array
def feed(flow_input: ZooInput) -> list[Run]:
    raise NotImplementedError


@zoo.map(array=feed)
async def walk(ctx: Context, run: Run) -> lib.types.FeedOutput:
    raise NotImplementedError


@zoo.step(slug="class", when_exhausted="skip")
async def class_(walk: list[lib.types.FeedOutput], flow_input: ZooInput) -> Tree:
    raise NotImplementedError


class ReportInput(TypedDict):
    feed: list[Run]


_Inputs = TypedDict("_Inputs", {"class": NotRequired[Tree], "feed": list[Run]})


@zoo.step(slug="_", if_={"feed": []})
def underscore(input: _Inputs) -> Empty:
    raise NotImplementedError


@zoo.step
def report(walk: list[lib.types.FeedOutput], *, _: Empty | None = None) -> JsonValue:
    raise NotImplementedError
''',
}


def _key(name: str, *args: TypeExpr, module: str = MODULE) -> TypeKey:
    return TypeKey(module, name, args)


def _record(key: TypeKey, *fields: Field, doc: str | None = None) -> tuple[TypeKey, Record]:
    return key, Record(key, fields, doc=doc)


def _box(item: TypeExpr) -> tuple[TypeKey, Record]:
    key = _key("Box", item)
    return _record(key, Field("content", item), Field("more", ListType(RecordRef(key))))


def _params(*params: tuple[str, Receives, TypeExpr | None]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(name, receives, type_, PLACE, PLACE, has_default=name == "_", keyword_only=name == "_")
        for name, receives, type_ in params
    )


def _options(**options: Json) -> tuple[Option, ...]:
    return tuple(Option(name, value, PLACE) for name, value in options.items())


TREE = AliasRef(_key("Tree"))
ANIMAL, RUN, ODD = RecordRef(_key("Animal")), RecordRef(_key("Run")), RecordRef(_key("Odd"))
OTHER_ANIMAL = RecordRef(_key("Animal", module=OTHER))
FEED_OUTPUT = RecordRef(_key("FeedOutput", module=OTHER))
EMPTY, INPUT, INPUTS = RecordRef(_key("Empty")), RecordRef(_key("ZooInput")), RecordRef(_key("_Inputs"))
KIND = LiteralType(("cat", 'the "big" one', "it's"))

TYPES = TypeTable(
    records=dict(
        [
            _record(OTHER_ANIMAL.key, Field("legs", INT)),
            _record(FEED_OUTPUT.key, Field("grams", FLOAT)),
            _record(
                ANIMAL.key,
                Field("name", STR),
                Field("kind", KIND),
                Field("parent", union(ANIMAL, NONE), required=False),
                doc='It\'s "an animal"',
            ),
            _record(RUN.key, Field("list", ListType(STR)), Field("Any", JsonType())),
            _box(INT),
            _box(ListType(STR)),
            _record(EMPTY.key),
            _record(
                ODD.key,
                Field("a key", INT),
                Field("class", ODD, required=False),
                Field("__secret", BOOL, read_only=True),
            ),
            _record(
                INPUT.key,
                Field("animals", ListType(ANIMAL)),
                Field("others", DictType(OTHER_ANIMAL)),
                Field("tree", TREE),
                Field(
                    "boxes",
                    union(RecordRef(_key("Box", INT)), RecordRef(_key("Box", ListType(STR)))),
                    required=False,
                ),
                Field("odd", ODD, read_only=True),
            ),
            _record(INPUTS.key, Field("class", TREE, required=False), Field("feed", ListType(RUN))),
        ]
    ),
    aliases={TREE.key: Alias(TREE.key, union(DictType(TREE), ListType(TREE), INT))},
)

FLOW = FlowSpec(
    "zoo",
    1,
    FlowKey(MODULE, "zoo"),
    INPUT,
    (
        StepSpec(
            "feed",
            "array",
            MODULE,
            "feed",
            False,
            _params(("flow_input", Receives.FLOW_INPUT, INPUT)),
            ListType(RUN),
            span=PLACE,
            decorator_span=PLACE,
        ),
        StepSpec(
            "walk",
            "map",
            MODULE,
            "walk",
            True,
            _params(("ctx", Receives.CONTEXT, None), ("run", Receives.ELEMENT, RUN)),
            FEED_OUTPUT,
            array=StepName("feed", PLACE),
            span=PLACE,
            decorator_span=PLACE,
        ),
        StepSpec(
            "class",
            "step",
            MODULE,
            "class_",
            True,
            _params(
                ("walk", Receives.DEPENDENCY, ListType(FEED_OUTPUT)),
                ("flow_input", Receives.FLOW_INPUT, INPUT),
            ),
            TREE,
            _options(when_exhausted="skip"),
            span=PLACE,
            decorator_span=PLACE,
        ),
        StepSpec(
            "_",
            "step",
            MODULE,
            "underscore",
            False,
            _params(("input", Receives.INPUT, INPUTS)),
            EMPTY,
            _options(if_={"feed": []}),
            span=PLACE,
            decorator_span=PLACE,
        ),
        StepSpec(
            "report",
            "step",
            MODULE,
            "report",
            False,
            _params(
                ("walk", Receives.DEPENDENCY, ListType(FEED_OUTPUT)),
                ("_", Receives.DEPENDENCY, union(EMPTY, NONE)),
            ),
            JsonType(),
            span=PLACE,
            decorator_span=PLACE,
        ),
    ),
    doc='A zoo. """ \\ \x00 \u202e \ud800 {{ evil }} {% evil %}\n\n```\n| a | <script>',
    span=PLACE,
    slug_span=PLACE,
)

ANALYSIS = Analysis((FLOW,), TYPES)
