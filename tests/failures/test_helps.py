# ruff: noqa: E501 - a table
"""Each help text, applied as it reads, ends the finding: the next build says nothing, mypy included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pgflow_gen.checks import rules
from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.pipeline import check
from tests.support.analysis import write_project

HEAD = """\
from __future__ import annotations
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, NotRequired, TypedDict
from pgflow_runtime import FIRE_DATE, Again, Context, Failed, Flow, JsonValue, RunEnd, Signal, Sleep
import pandas
import pendulum
class In(TypedDict):
    url: str
    gift: bool
class Page(TypedDict):
    url: str
    ok: bool
class Both(TypedDict):
    first: Page
{extra}
LIMIT = 5
flow = Flow[In]("SLUG")
@flow.step
def first(flow_input: In) -> Page:
    return {{"url": flow_input["url"], "ok": True}}
"""
SECOND = "@flow.step\ndef second({0}) -> {1}:\n    return {2}\n"


@dataclass(frozen=True)
class Help:
    code: str
    help: str
    """Part of the advice."""
    bad: str
    """What stands below the common head; ``---`` ends what stands above the flow."""
    edits: tuple[tuple[str, str], ...]

    def text(self, slug: str, *, mended: bool) -> str:
        extra, _, body = self.bad.rpartition("---\n")
        text = HEAD.format(extra=extra) + body
        for old, new in self.edits if mended else ():
            assert old in text, old
            text = text.replace(old, new, 1)
        return text.replace("SLUG", slug)


def second(params: str, returns: str = "str", value: str = "''") -> str:
    return SECOND.format(params, returns, value)


HELPS = [
    Help("PGF103", "did you mean 'Page'", second("first: Pgae"), (("Pgae", "Page"),)),
    Help("PGF103", "define it", second("first: Nowhere"), (("class In", "class Nowhere(TypedDict):\n    url: str\n    ok: bool\nclass In"),)),
    Help(
        "PGF103", "declare a TypedDict with the keys",
        second("first: Page", "pendulum.DateTime", "pendulum.now()"),
        (("pendulum.DateTime", "Moment"), ("pendulum.now()", "{'at': str(first)}"),
         ("class In", "class Moment(TypedDict):\n    at: str\nclass In")),
    ),
    Help(
        "PGF302", 'send frame.to_dict("records")',
        second("first: Page", "pandas.DataFrame", "pandas.DataFrame()"),
        (("pandas.DataFrame:", "list[dict[str, JsonValue]]:"), ("pandas.DataFrame()", 'list(pandas.DataFrame().to_dict("records"))')),
    ),
    Help("PGF302", "declare it as a class, with its items' types: class P(NamedTuple)",
         "from collections import namedtuple\nP = namedtuple('P', 'x y')\n---\n" + second("first: Page", "P", "P(1, 2)"),
         (("from collections import namedtuple\nP = namedtuple('P', 'x y')", "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n    y: int"),)),
    Help("PGF310", "let a step return an object",
         "@dataclass\nclass At:\n    at: datetime\n---\n@flow.step\ndef when() -> At:\n    return At(datetime.now())\n"
         "@flow.step(if_={'when': {'at': datetime(2024, 1, 1)}})\ndef wrap(when: At) -> str:\n    return ''\n",
         (("@flow.step(if_={'when': {'at': datetime(2024, 1, 1)}})\ndef wrap(when: At)",
           "@flow.step\ndef judge(when: At) -> dict[str, bool]:\n    return {'late': when.at.year > 2024}\n"
           "@flow.step(if_={'judge': {'late': True}})\ndef wrap(judge: dict[str, bool])"),)),
    Help("PGF310", "write the text that the UUID is on the wire",
         "from uuid import UUID\n---\n@flow.step\ndef who() -> dict[str, UUID]:\n    return {}\n"
         "@flow.step(if_={'who': {'id': UUID(int=1)}})\ndef wrap(who: dict[str, UUID]) -> str:\n    return ''\n",
         (("UUID(int=1)", "'00000000-0000-0000-0000-000000000001'"),)),
    Help("PGF310", "write '0000abcd-0000-0000-0000-000000000001'",
         "from uuid import UUID\n---\n@flow.step\ndef who() -> UUID:\n    return UUID(int=1)\n"
         "@flow.step(if_={'who': '0000ABCD-0000-0000-0000-000000000001'})\ndef wrap(who: UUID) -> str:\n    return ''\n",
         (("0000ABCD", "0000abcd"),)),
    Help("PGF310", "write 'red' or 'blue'",
         "class Colour(Enum):\n    RED = 'red'\n    BLUE = 'blue'\nclass Level(Enum):\n    LOW = 1\n---\n@flow.step\ndef tint() -> Colour:\n    return Colour.RED\n"
         "@flow.step(if_={'tint': Level.LOW})\ndef wrap(tint: Colour) -> str:\n    return ''\n",
         (("Level.LOW", "'red'"),)),
    *(
        Help(code, help, f"{model}\n---\n" + second("first: Page", "M", "make()") + "def make() -> M: ...\n",
             (*edits, (" -> M: ...", " -> M:\n    raise NotImplementedError")))
        for code, help, model, edits in [
            ("PGF302", "write Annotated[int, Field(gt=0)]", "from pydantic import BaseModel, Field, conint\nfrom typing import Annotated\nclass M(BaseModel):\n    a: conint(gt=0)",
             [("conint(gt=0)", "Annotated[int, Field(gt=0)]")]),
            ("PGF302", "write Annotated[list[int], Field(max_length=3)]",
             "from pydantic import BaseModel, Field, conlist\nfrom typing import Annotated\nclass M(BaseModel):\n    a: conlist(int, max_length=3)",
             [("conlist(int, max_length=3)", "Annotated[list[int], Field(max_length=3)]")]),
            ("PGF104", 'write them out: Field(alias="...")',
             "from pydantic import BaseModel, ConfigDict, Field\nfrom pydantic.alias_generators import to_camel\nclass M(BaseModel):\n    model_config = ConfigDict(alias_generator=to_camel)\n    a_b: int",
             [("    model_config = ConfigDict(alias_generator=to_camel)\n", ""), ("a_b: int", 'a_b: int = Field(alias="aB")')]),
            ("PGF302", "use str in the type that crosses", "from pydantic import BaseModel, SecretStr\nclass M(BaseModel):\n    a: SecretStr", [("a: SecretStr", "a: str")]),
            ("PGF302", "use str: send str(value)", "from ipaddress import IPv4Address\nfrom pydantic import BaseModel\nclass M(BaseModel):\n    a: IPv4Address", [("a: IPv4Address", "a: str")]),
            ("PGF302", "use int: send value.value", "from enum import Flag\nfrom pydantic import BaseModel\nclass P(Flag):\n    R = 1\nclass M(BaseModel):\n    a: P", [("a: P", "a: int")]),
            ("PGF104", "make it a plain field", "from dataclasses import InitVar\n@dataclass\nclass M:\n    a: InitVar[int]", [("InitVar[int]", "int")]),
            ("PGF104", "make it a plain field", "import attrs\n@attrs.define\nclass M:\n    a: int = attrs.field(converter=int)", [("(converter=int)", "()")]),
            ("PGF104", "make it a plain field", "from pydantic import BaseModel, Field\nclass M(BaseModel):\n    a: str = Field(default='', exclude=True)", [(", exclude=True", "")]),
            ("PGF104", "make it a plain field", "from pydantic import AliasChoices, BaseModel, Field\nclass M(BaseModel):\n    a: int = Field(validation_alias=AliasChoices('a', 'b'))", [("Field(validation_alias=AliasChoices('a', 'b'))", "Field()")]),
            ("PGF104", "write model_config = ConfigDict(...)", "from pydantic import BaseModel, ConfigDict\nclass M(BaseModel):\n    a: int\n    class Config:\n        frozen = True",
             [("    class Config:\n        frozen = True", "    model_config = ConfigDict(frozen=True)")]),
            ("PGF104", 'write extra="ignore" or "forbid"', "from pydantic import BaseModel, ConfigDict\nclass M(BaseModel):\n    model_config = ConfigDict(extra='allow')\n    a: int",
             [("extra='allow'", "extra='ignore'"), ("    a: int", "    a: int\n    rest: dict[str, JsonValue] = {}")]),
            ("PGF302", "use None for what is not set", "import msgspec\nclass M(msgspec.Struct):\n    a: int | msgspec.UnsetType = msgspec.UNSET", [("int | msgspec.UnsetType = msgspec.UNSET", "int | None = None")]),
            ("PGF302", 'such as kind: Literal["a"]', "import msgspec\nclass A(msgspec.Struct, tag=True):\n    x: int\nclass B(msgspec.Struct, tag=True):\n    x: int\nclass M(msgspec.Struct):\n    a: A | B",
             [("class A(msgspec.Struct, tag=True):\n    x: int", 'class A(msgspec.Struct):\n    x: int\n    kind: Literal["a"] = "a"'), ("class B(msgspec.Struct, tag=True):\n    x: int", 'class B(msgspec.Struct):\n    x: int\n    kind: Literal["b"] = "b"')]),
            ("PGF302", "make it a dataclass", "class M:\n    a: int", [("class M:", "@dataclass\nclass M:")]),
            ("PGF104", "leave the decorator off", "def deco[T](c: T) -> T: return c\n@deco\n@dataclass\nclass M:\n    a: int".replace("def deco[T](c: T) -> T: return c", "from typing import TypeVar\nT = TypeVar('T')\ndef deco(c: T) -> T:\n    return c"),
             [("@deco\n", "")]),
            ("PGF104", "write it as a class, with its fields", "from pydantic import BaseModel, create_model\nM = create_model('M', a=(int, ...))", [("M = create_model('M', a=(int, ...))", "class M(BaseModel):\n    a: int")]),
            ("PGF103", "write that class at module level", "from pydantic import BaseModel\nclass M(BaseModel):\n    class Inner(BaseModel):\n        x: int\n    a: Inner",
             [("class M(BaseModel):\n    class Inner(BaseModel):\n        x: int\n", "class Inner(BaseModel):\n    x: int\nclass M(BaseModel):\n")]),
            ("PGF302", "name the class itself", "from pydantic import BaseModel\nfrom typing import Self\nclass M(BaseModel):\n    a: Self | None = None", [("Self | None", "M | None")]),
            ("PGF104", "leave it out, and check or complete values in a validator",
             "from pydantic import BaseModel\nclass M(BaseModel):\n    a: int\n    def __init__(self, **data: int) -> None:\n        super().__init__(**data)", [("    def __init__(self, **data: int) -> None:\n        super().__init__(**data)", "")]),
            ("PGF302", "tuple[A, B] or tuple[T, ...]", "@dataclass\nclass M:\n    a: tuple[int, *tuple[str, ...]]", [("tuple[int, *tuple[str, ...]]", "tuple[int | str, ...]")]),
            ("PGF104", 'write rename="camel"', "import msgspec\nclass M(msgspec.Struct, rename=str.upper):\n    a: int", [("rename=str.upper", 'rename="upper"')]),
            ("PGF302", "use list[int] here", "@dataclass\nclass M:\n    a: Sequence[int]", [("a: Sequence[int]", "a: list[int]")]),
        ]
    ),
    Help(
        "PGF302", "decorate it, too",
        "@dataclass\nclass Base:\n    y: int\nclass Point(Base):\n    x: int = 1\n---\n" + second("first: Page", "Point", "Point(1)"),
        (("class Point(Base):", "@dataclass\nclass Point(Base):"),),
    ),
    Help(
        "PGF104", "check or complete values in __post_init__",
        "@dataclass\nclass Point:\n    x: int\n    def __init__(self, x: int) -> None:\n        self.x = x\n---\n"
        + second("first: Page", "Point", "Point(1)"),
        (("__init__(self, x: int)", "__post_init__(self)"), ("self.x = x", "self.x += 1")),
    ),
    Help(
        "PGF302", 'such as kind: Literal["one"]',
        "@dataclass\nclass One:\n    x: int\n@dataclass\nclass Two:\n    x: int\n---\n"
        + second("first: Page", "One | Two", "One(1)"),
        (
            ("class One:\n    x: int", 'class One:\n    x: int\n    kind: Literal["one"] = "one"'),
            ("class Two:\n    x: int", 'class Two:\n    x: int\n    kind: Literal["two"] = "two"'),
        ),
    ),
    Help(
        "PGF302", "inherit from pydantic.BaseModel",
        "from pydantic import BaseModel, RootModel\nclass Point(RootModel[int]):\n    ...\n---\n"
        + second("first: Page", "Point", "Point(1)"),
        (("class Point(RootModel[int]):\n    ...", "class Point(BaseModel):\n    x: int"), ("Point(1)", "Point(x=1)")),
    ),
    Help("PGF302", "use Path", "from pathlib import Path, PurePosixPath\n---\n" + second("first: Page", "PurePosixPath", "PurePosixPath()"),
         (("-> PurePosixPath", "-> Path"), ("return PurePosixPath", "return Path"))),
    Help(
        "PGF302", "give every member a literal",
        "class Colour(Enum):\n    RED = 1.5\n---\n" + second("first: Page", "Colour", "Colour.RED"),
        (("RED = 1.5", "RED = 15"),),
    ),
    Help("PGF302", "use int, and send int(value)", "class Cents(int):\n    pass\n---\n" + second("first: Page", "Cents", "Cents(1)"),
         (("-> Cents", "-> int"), ("return Cents(1)", "return int(Cents(1))"))),
    Help("PGF302", "use list[list[int]]", second("first: Page", "set[list[int]]", "set()"),
         (("set[list[int]]", "list[list[int]]"), ("set()", "[]"))),
    Help("PGF302", "say what it holds: tuple[A, B]", second("first: Page", "tuple", "(1, 2)"), (("-> tuple", "-> tuple[int, int]"),)),
    Help("PGF302", "write dict[str, T]", second("first: Page", "dict", "{}"), (("-> dict", "-> dict[str, int]"),)),
    Help("PGF302", "use dict[str, T]", second("first: Page", "dict[int, str]", "{}"), (("dict[int", "dict[str"),)),
    Help("PGF302", "use JsonValue", second("first: Page", "Any", "1"), (("-> Any", "-> JsonValue"),)),
    Help("PGF302", "use list[Page]", second("first: Page", "Sequence[Page]", "[first]"), (("Sequence[Page]", "list[Page]"),)),
    Help("PGF302", "return a list and annotate it", "from collections.abc import Iterator\n---\n" + second("first: Page", "Iterator[int]", "iter([1])"),
         (("-> Iterator[int]", "-> list[int]"), ("iter([1])", "[1]"))),
    Help("PGF203", "did you mean first?", second("frist: Page"), (("frist", "first"),)),
    Help("PGF203", "did you mean flow_input?", second("input_flow: In"), (("input_flow", "flow_input"),)),
    Help("PGF203", "did you mean flow_input?", second("flowinput: In"), (("flowinput", "flow_input"),)),
    Help("PGF203", "did you mean flow_input?", second("request: In"), (("request", "flow_input"),)),
    Help("PGF203", "did you mean flow_input?", second("input: In"), (("(input: In)", "(flow_input: In)"),)),
    Help("PGF203", "a module-level name", second("first: Page, settings: Page", "str", "settings['url']"),
         ((", settings: Page", ""), ("LIMIT = 5", "settings: Page = {'url': '', 'ok': True}"))),
    Help("PGF203", "a module-level name", second("first: Page, limit: int = 5", "int", "limit"),
         ((", limit: int = 5", ""), ("return limit", "return LIMIT"))),
    Help("PGF203", "options are given to the decorator: @flow.step(max_attempts=...)", second("first: Page, max_attempts: int = 3"),
         ((", max_attempts: int = 3", ""), ("@flow.step\ndef second", "@flow.step(max_attempts=3)\ndef second"))),
    Help("PGF203", "options are given to the decorator: @flow.step(max_attempts=...)", second("first: Page, retries: int"),
         ((", retries: int", ""), ("@flow.step\ndef second", "@flow.step(max_attempts=3)\ndef second"))),
    Help("PGF203", "ask for ctx: Context (from pgflow_runtime) and use ctx.log", second("first: Page, logger: Any", "str", "str(logger.name)"),
         (("logger: Any", "ctx: Context"), ("logger.name", "ctx.log.name"))),
    Help("PGF203", "annotate it ctxt: Context", second("first: Page, ctxt: str"), (("ctxt: str", "ctxt: Context"),)),
    Help("PGF203", "the other steps of the flow: first", second("quite: Page"), (("quite", "first"),)),
    Help("PGF205", "remove one of them", "@flow.step(depends_on=[first, 'first'])\ndef second() -> int:\n    return 1\n",
         ((", 'first'", ""),)),
    Help("PGF204", "remove one of these dependencies", second("third: str") + "@flow.step\ndef third(second: str) -> str:\n    return second\n",
         (("third: str", "first: Page"),)),
    Help("PGF206", "let a step before work out what the handler needs of the whole array",
         "@flow.array\ndef urls(first: Page) -> list[str]:\n    return [first['url']]\n"
         "@flow.map(array=urls)\ndef second(url: str, urls: list[str]) -> str:\n    return url + urls[0]\n",
         (("@flow.map", "@flow.step\ndef longest(urls: list[str]) -> str:\n    return max(urls)\n@flow.map"), ("url: str, urls: list[str]", "url: str, longest: str"), ("urls[0]", "longest"))),
    Help("PGF206", "name the other steps by parameters of their own",
         "@flow.array\ndef urls(first: Page) -> list[str]:\n    return [first['url']]\n"
         "@flow.map(array=urls)\ndef second(url: str, input: Both) -> str:\n    return url\n",
         (("input: Both", "first: Page"),)),
    Help("PGF207", "did you mean", "@flow.step(when_exhausted='fial')\ndef second(first: Page) -> int:\n    return 1\n",
         (("fial", "fail"),)),
    Help("PGF208", "did you mean", "@flow.step(max_attempt=2)\ndef second(first: Page) -> int:\n    return 1\n",
         (("max_attempt", "max_attempts"),)),
    Help("PGF104", "write a literal", "@flow.step(max_attempts=int('2'))\ndef second(first: Page) -> int:\n    return 1\n",
         (("int('2')", "2"),)),
    Help("PGF213", "name each input as a parameter", second("*first: Page"), (("*first", "first"),)),
    Help("PGF214", "remove it, or put it on", "@flow.step\n@staticmethod\ndef second(first: Page) -> int:\n    return 1\n",
         (("@staticmethod\n", ""),)),
    Help("PGF216", "or Context from pgflow_runtime", "from pgflow_runtime.supabase import Context as Ours\n\n\n@flow.step\ndef second(first: Page, ctx: Ours) -> int:\n    return 1\n",
         (("from pgflow_runtime.supabase", "from pgflow_runtime"),)),
    Help("PGF301", "annotate it with the type", second("first"), (("(first)", "(first: Page)"),)),
    Help("PGF301", "annotate the return type", "@flow.step\ndef second(first: Page):\n    return 1\n", (("):\n    return 1", ") -> int:\n    return 1"),)),
    Help("PGF303", "annotate the parameter as Page", second("first: str"), (("first: str", "first: Page"),)),
    Help("PGF303", "as Sequence[float]", "@flow.step\ndef counts() -> list[int]:\n    return [1]\n" + second("counts: list[float]"),
         (("list[float]", "Sequence[float]"),)),
    Help("PGF303", "as Mapping[str, float]", "@flow.step\ndef counts() -> dict[str, int]:\n    return {}\n" + second("counts: dict[str, float]"),
         (("counts: dict[str, float]", "counts: Mapping[str, float]"),)),
    Help("PGF308", "annotate the parameter as In", second("flow_input: Page"), (("flow_input: Page", "flow_input: In"),)),
    Help("PGF305", "let 'first' return a list", "@flow.map(array=first)\ndef second(page: Page) -> str:\n    return page['url']\n",
         (("(flow_input: In) -> Page", "(flow_input: In) -> list[Page]"), ('return {"url": flow_input["url"], "ok": True}', 'return [{"url": flow_input["url"], "ok": True}]'))),
    Help("PGF304", "give it as array=", "@flow.map\ndef second(page: str) -> str:\n    return page\n",
         (("@flow.map\n", "@flow.array\ndef urls(flow_input: In) -> list[str]:\n    return [flow_input['url']]\n@flow.map(array=urls)\n"),)),
    Help("PGF306", "annotate the parameter as str",
         "@flow.array\ndef urls(first: Page) -> list[str]:\n    return []\n@flow.map(array=urls)\ndef second(url: int) -> int:\n    return 1\n",
         (("url: int", "url: str"),)),
    Help("PGF307", "or use @flow.step", "@flow.array\ndef second(first: Page) -> str:\n    return ''\n", (("@flow.array", "@flow.step"),)),
    Help("PGF309", "str | None = None",
         "@flow.step(if_={'gift': True})\ndef wrap(flow_input: In) -> str:\n    return ''\n" + second("wrap: str"),
         (("wrap: str", "wrap: str | None = None"),)),
    Help("PGF311", "remove when_unmet", "@flow.step(when_unmet='fail')\ndef second(first: Page) -> str:\n    return ''\n",
         (("(when_unmet='fail')", ""),)),
    Help("PGF312", "a key of Both", "@flow.step\ndef other() -> int:\n    return 1\n" + second("input: Both, other: int"),
         ((", other: int", ""), ("    first: Page\n", "    first: Page\n    other: int\n"))),
    Help("PGF310", "did you mean 'gift'", "@flow.step(if_={'gifts': True})\ndef wrap(flow_input: In) -> str:\n    return ''\n",
         (("gifts", "gift"),)),
    Help("PGF310", "write True or False", "@flow.step(if_={'gift': 1})\ndef wrap(flow_input: In) -> str:\n    return ''\n",
         (("1}", "True}"),)),
    Help("PGF310", 'write a string', "@flow.step(if_={'url': True})\ndef wrap(flow_input: In) -> str:\n    return ''\n",
         (("'url': True", "'url': 'x'"),)),
    Help("PGF310", 'write {"key": value}', "@flow.step(if_=['gift'])\ndef wrap(flow_input: In) -> str:\n    return ''\n",
         (("['gift']", "{'gift': True}"),)),
    Help("PGF310", "write {'first': {'ok': True}}", "@flow.step(if_={'ok': True})\ndef wrap(first: Page) -> str:\n    return ''\n",
         (("{'ok': True}", "{'first': {'ok': True}}"),)),
    Help("PGF310", "write an object with keys of Page", "@flow.step(if_={'first': True})\ndef wrap(first: Page) -> str:\n    return ''\n",
         (("'first': True", "'first': {'ok': True}"),)),
    Help("PGF310", "write {'flow_input': {'gift': True}}", "@flow.step(if_={'gift': True})\ndef wrap(first: Page) -> str:\n    return ''\n",
         (("{'gift': True}", "{'flow_input': {'gift': True}}"),)),
    Help("PGF310", "write its keys here", "@flow.step(if_={'flow_input': {'gift': True}})\ndef wrap(flow_input: In) -> str:\n    return ''\n",
         (("{'flow_input': {'gift': True}}", "{'gift': True}"),)),
    Help("PGF310", 'write {"key": value}', "@flow.step(if_=[])\ndef wrap(flow_input: In) -> str:\n    return ''\n",
         (("[]", "[{'gift': True}, {'url': ''}]"),)),
    Help("PGF303", "annotate the parameter as int | Failed",
         "@flow.step(when_exhausted='value')\ndef brittle() -> int:\n    return 1\n" + second("brittle: int", "int", "1"),
         (("brittle: int", "brittle: int | Failed"),)),
    Help("PGF305", 'write when_exhausted="skip" or "fail"',
         "@flow.array(when_exhausted='value')\ndef lines() -> list[int]:\n    return []\n@flow.map(array=lines)\ndef each(line: int) -> int:\n    return line\n",
         (("'value'", "'skip'"),)),
    Help("PGF233", "did you mean 'flow_", '@flow.step(subflow="SLUG_", max_depth=2)\ndef second(first: Page) -> In:\n    return {"url": "", "gift": True}\n', (("SLUG_", "SLUG"),)),
    Help("PGF233", "write its slug in the database as a string", "@flow.step(subflow=first, max_depth=2)\ndef second(first: Page) -> In:\n    return {'url': '', 'gift': True}\n", (("subflow=first", "subflow='SLUG'"),)),
    Help("PGF234", "say how deep it may go: max_depth=", "@flow.step(subflow=flow)\ndef second(first: Page) -> In:\n    return {'url': '', 'gift': True}\n", (("subflow=flow", "subflow=flow, max_depth=5"),)),
    Help("PGF235", "timeout= bounds one attempt", "@flow.step(deadline=9)\ndef second(first: Page) -> int:\n    return 1\n", (("deadline", "timeout"),)),
    Help("PGF235", "remove transactional", "@flow.step(subflow=flow, max_depth=5, transactional=True)\ndef second(first: Page) -> In:\n    return {'url': '', 'gift': True}\n", ((", transactional=True", ""),)),
    Help("PGF236", "name the step itself", "@flow.undo('first')\ndef back(first: Page) -> None:\n    ...\n", (("'first'", "first"),)),
    Help("PGF236", "let one handler do both", "@flow.undo(first)\ndef back(first: Page) -> None:\n    ...\n@flow.undo(first)\ndef again(first: Page) -> None:\n    ...\n", (("@flow.undo(first)\ndef again(first: Page) -> None:\n    ...\n", ""),)),
    Help("PGF236", "name the function of the step", "@flow.undo\ndef back(first: Page) -> None:\n    ...\n", (("@flow.undo", "@flow.undo(first)"),)),
    Help("PGF237", "first: Page | None = None", "@flow.end()\ndef tell(run_end: RunEnd, first: Page) -> None:\n    ...\n", ((", first: Page)", ", first: Page | None = None)"),)),
    Help("PGF237", "write the parameter as first: Page | None", "@flow.undo(first, when='started')\ndef back(first: Page) -> None:\n    ...\n", (("back(first: Page)", "back(first: Page | None)"),)),
    Help("PGF238", "remove one of the two", "@flow.step(transactional=True, executor='process')\ndef second(first: Page) -> int:\n    return 1\n", ((", executor='process'", ""),)),
    Help("PGF238", 'add executor="dask"', "@flow.step(resources={'gpus': 1})\ndef second(first: Page) -> int:\n    return 1\n", (("resources=", "executor='dask', resources="),)),
    Help("PGF238", "or remove resources", "@flow.step(executor='process', resources={'gpus': 1})\ndef second(first: Page) -> int:\n    return 1\n", ((", resources={'gpus': 1}", ""),)),
    Help("PGF214", "write @flow.end()", "@flow.end\ndef tell(run_end: RunEnd) -> None:\n    ...\n", (("@flow.end", "@flow.end()"),)),
    Help("PGF203", "did you mean run_end", "@flow.end()\ndef tell(run_endd: None) -> None:\n    ...\n", (("run_endd: None", "run_end: RunEnd"),)),
    Help("PGF303", "annotate the parameter with it", "@flow.end()\ndef tell(run_end: str) -> None:\n    ...\n", (("run_end: str", "run_end: RunEnd"),)),
    Help("PGF318", "let the handler return In", "@flow.step(subflow=flow, max_depth=5)\ndef second(first: Page) -> Page:\n    return {'url': '', 'ok': True}\n", (("-> Page:\n    return {'url': '', 'ok': True}", "-> In:\n    return {'url': '', 'gift': True}"),)),
    Help("PGF211", "bind it to its slug at module level", "Signal[str](flow, 'answer')\n", (("Signal[str](flow", "answer = Signal[str](flow"),)),
    Help("PGF211", "write it at module level", "def later() -> None:\n    flow.schedule('x', every=60, input={'url': '', 'gift': True})\n",
         (("def later() -> None:\n    ", ""),)),
    Help("PGF220", "call both the same: answer", "reply = Signal[str](flow, 'answer')\n", (("reply", "answer"),)),
    Help("PGF220", "name the flow first", "answer = Signal[str]('answer')\n", (("('answer')", "(flow, 'answer')"),)),
    Help("PGF221", "write one of them", "pause = Sleep(flow, 'pause', seconds=3, until='flow_input.url')\n", (("seconds=3, ", ""),)),
    Help("PGF221", "write seconds=", "pause = Sleep(flow, 'pause')\n", (("'pause')", "'pause', seconds=3)"),)),
    Help("PGF221", "remove when_exhausted", "pause = Sleep(flow, 'pause', seconds=3, when_exhausted='skip')\n", ((", when_exhausted='skip'", ""),)),
    Help("PGF222", "did you mean 'url'", "pause = Sleep(flow, 'pause', until='flow_input.ulr')\n", (("ulr", "url"),)),
    Help("PGF222", "write names with dots", "pause = Sleep(flow, 'pause', until='flow_input.')\n", (("flow_input.", "flow_input.url"),)),
    Help("PGF222", 'write "flow_input.url"', "answer = Signal[str](flow, 'answer', key='url')\n", (("'url'", "'flow_input.url'"),)),
    Help("PGF222", "a time is a string", "pause = Sleep(flow, 'pause', until='flow_input.gift')\n", (("input.gift", "input.url"),)),
    Help("PGF223", "annotate it -> Again[State] | Result", "@flow.loop(max_rounds=3)\ndef poll() -> str:\n    return ''\n", (("-> str", "-> Again[None] | str"),)),
    Help("PGF224", "add the parameter state: int | None = None", "@flow.loop(max_rounds=3)\ndef poll() -> Again[int] | str:\n    return ''\n",
         (("poll()", "poll(state: int | None = None)"),)),
    Help("PGF224", "write the parameter as state: int | None = None",
         "@flow.loop(max_rounds=3)\ndef poll(state: int = 0) -> Again[int] | str:\n    return ''\n", (("int = 0", "int | None = None"),)),
    Help("PGF224", "remove the parameter", "@flow.loop(max_rounds=3)\ndef poll(state: int | None = None) -> Again[None] | str:\n    return ''\n",
         (("state: int | None = None", ""),)),
    Help("PGF225", "write max_rounds=", "@flow.loop(every=3)\ndef poll() -> Again[None] | str:\n    return ''\n", (("every=3", "every=3, max_rounds=100"),)),
    Help("PGF226", 'write cron="30 2 * * *"', "flow.schedule('x', input={'url': '', 'gift': True})\n", (("'x'", "'x', cron='30 2 * * *'"),)),
    Help("PGF226", "write one of them", "flow.schedule('x', cron='30 2 * * *', every=60, input={'url': '', 'gift': True})\n", ((" every=60,", ""),)),
    Help("PGF226", "write input=", "flow.schedule('x', every=60)\n", (("every=60", "every=60, input={'url': '', 'gift': True}"),)),
    Help("PGF226", "give one of them another slug", 2 * "flow.schedule('x', every=60, input={'url': '', 'gift': True})\n",
         (("True})\nflow.schedule('x'", "True})\nflow.schedule('y'"),)),
    Help("PGF227", "write 5-59/15", "flow.schedule('x', cron='5/15 * * * *', input={'url': '', 'gift': True})\n", (("5/15", "5-59/15"),)),
    Help("PGF227", "write fri-6,0-mon", "flow.schedule('x', cron='0 6 * * fri-mon', input={'url': '', 'gift': True})\n", (("fri-mon", "fri-6,0-mon"),)),
    Help("PGF227", "choose another day", "flow.schedule('x', cron='0 6 30 feb *', input={'url': '', 'gift': True})\n", (("30 feb", "28 feb"),)),
    Help("PGF228", "did you mean 'Europe/Berlin'", "flow.schedule('x', every=60, timezone='Europe/Berlinn', input={'url': '', 'gift': True})\n",
         (("Berlinn", "Berlin"),)),
    Help("PGF229", "choose another hour", "flow.schedule('x', cron='30 2 * * *', timezone='Europe/Paris', input={'url': '', 'gift': True})\n",
         (("30 2", "30 5"),)),
    Help("PGF230", "takes In", "flow.schedule('x', every=60, input={'url': FIRE_DATE})\n", (("FIRE_DATE}", "FIRE_DATE, 'gift': False}"),)),
    Help("PGF231", "move it to version 2",
         "flow.schedule('x', every=60, input={'url': FIRE_DATE, 'gift': True})\nflow_2 = Flow[In]('SLUG', version=2)\n@flow_2.step\ndef second() -> int:\n    return 1\n",
         (("flow.schedule('x', every=60, input={'url': FIRE_DATE, 'gift': True})\n", ""), ("    return 1\n", "    return 1\nflow_2.schedule('x', every=60, input={'url': FIRE_DATE, 'gift': True})\n"))),
    Help("PGF232", "give 'first' a condition", "@flow.step(if_skipped=[first])\ndef other() -> int:\n    return 1\n",
         (("@flow.step\ndef first", "@flow.step(if_={'gift': True})\ndef first"),)),
    Help("PGF232", "leave it out of one", "@flow.step(when_exhausted='skip')\ndef wrap() -> int:\n    return 1\n@flow.step(if_skipped=[wrap], if_ran=[wrap])\ndef other() -> int:\n    return 1\n",
         ((", if_ran=[wrap]", ""),)),
    Help("PGF232", "remove the parameter", "@flow.step(when_exhausted='skip')\ndef wrap() -> int:\n    return 1\n@flow.step(if_skipped=[wrap])\ndef other(wrap: int = 0) -> int:\n    return 1\n",
         (("wrap: int = 0", ""),)),
    Help("PGF316", "remove the default", "@flow.step(if_={'gift': True})\ndef wrap(flow_input: In) -> str:\n    return ''\n@flow.step(if_ran=[wrap])\ndef other(wrap: str = '') -> int:\n    return 1\n",
         (("wrap: str = ''", "wrap: str"),)),
    Help("PGF310", "let a step return an object", "---\nmany = Flow[str]('SLUG_b')\n@many.step(if_={'a': 1})\ndef one(flow_input: str) -> str:\n    return ''\n",
         (("@many.step(if_={'a': 1})\ndef one(flow_input: str)", "@many.step\ndef judge(flow_input: str) -> dict[str, int]:\n    return {'a': 1}\n@many.step(if_={'judge': {'a': 1}})\ndef one(judge: dict[str, int])"),)),
    Help("PGF316", 'write when_unmet="skip"',
         "@flow.step(if_={'gift': True}, when_unmet='skip-cascade')\ndef wrap(flow_input: In) -> str:\n    return ''\n"
         + second("wrap: str | None = None"),
         (("'skip-cascade'", "'skip'"),)),
    Help("PGF316", "remove the default",
         "@flow.step(if_={'gift': True}, when_unmet='skip-cascade')\ndef wrap(flow_input: In) -> str:\n    return ''\n"
         + second("wrap: str") + "@flow.step\ndef third(second: str | None = None) -> str:\n    return ''\n",
         (("second: str | None = None", "second: str"),)),
    Help("PGF201", "for example 'get_it'", "@flow.step(slug='get-it')\ndef second(first: Page) -> str:\n    return ''\n",
         (("get-it", "get_it"),)),
    Help("PGF202", "give one of them another slug", "@flow.step(slug='first')\ndef second(first: Page) -> str:\n    return ''\n",
         (("(slug='first')", "(slug='other')"),)),
    Help("PGF209", "decorate a function with @empty.step", "empty = Flow[None]('SLUG_c')\n",
         (("empty = Flow[None]('SLUG_c')", "empty = Flow[None]('SLUG_c')\n@empty.step\ndef one() -> int:\n    return 1"),)),
    Help("PGF211", "bind it to a name at module level", "things = [Flow[None]('SLUG_d')]\n",
         (("things = [Flow[None]('SLUG_d')]", "thing = Flow[None]('SLUG_d')\n@thing.step\ndef one() -> int:\n    return 1"),)),
]  # fmt: skip


def _check(root: Path, *, verify: bool = False) -> tuple[Diagnostic, ...]:
    return check(Config(root.resolve()), verify=verify).diagnostics


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Diagnostic, ...]:
    """What is said about all the faults, in one project for the sake of time."""
    root = tmp_path_factory.mktemp("told")
    write_project(
        root, {_path(at): help.text(f"flow_{at}", mended=False) for at, help in enumerate(HELPS, start=1)}
    )
    return _check(root)


def _path(at: int) -> str:
    return f"flows/case_{at}.py"


@pytest.mark.parametrize("at", range(1, len(HELPS) + 1), ids=lambda at: f"{HELPS[at - 1].code}-{at}")
def test_the_help_is_given(told: tuple[Diagnostic, ...], at: int) -> None:
    help = HELPS[at - 1]
    found = [item for item in told if item.span.path == _path(at)]
    assert any(item.code == help.code and help.help in (item.help or "") for item in found), [
        (item.code, item.message, item.help) for item in found
    ]


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Diagnostic, ...]:
    """What is said when every help has been applied, all in one project for the sake of mypy's time."""
    root = tmp_path_factory.mktemp("mended")
    files = {_path(at): help.text(f"flow_{at}", mended=True) for at, help in enumerate(HELPS, start=1)}
    stubs = {
        "stubs/pandas.pyi": "class DataFrame:\n    def to_dict(self, how: str) -> list[dict[str, None]]: ...\n",
        "stubs/pendulum.pyi": "class DateTime: ...\ndef now() -> DateTime: ...\n",
        "mypy.ini": "[mypy]\nmypy_path = stubs\n",
    }
    write_project(root, files | stubs)
    return _check(root, verify=True)


@pytest.mark.parametrize("at", range(1, len(HELPS) + 1), ids=lambda at: f"{HELPS[at - 1].code}-{at}")
def test_applied_it_ends_the_finding(mended: tuple[Diagnostic, ...], at: int) -> None:
    told = [item for item in mended if item.span.path == _path(at)]
    assert not told, [(item.code, str(item.span), item.message, item.help) for item in told]


def test_nothing_else_is_said(mended: tuple[Diagnostic, ...]) -> None:
    assert not [(item.code, str(item.span), item.message) for item in mended]


def test_every_code_about_source_has_a_help_that_is_applied() -> None:
    """Those left are told by CPython or mypy, or have the same help as a neighbour and a case of their own."""
    elsewhere = {"PGF101", "PGF102", "PGF210", "PGF212", "PGF215", "PGF501"}
    about_source = {rule.code for rule in rules().values() if rule.kind == "module"}
    assert about_source - elsewhere <= {help.code for help in HELPS}
