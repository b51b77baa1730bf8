"""Option values are read without running anything; what cannot be read is said where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.ir.flow import Json
from tests.support.analysis import Read, read_flow, read_project

HEAD = "from pgflow_runtime import Flow\n"


def read_option(root: Path, value: str, prelude: str = "", **others: str) -> Read:
    text = f"{HEAD}{prelude}\nflow = Flow[None]('flow')\n\n@flow.step(if_={value})\ndef one() -> None: ...\n"
    return read_flow(root, text, **others)


VALUES: list[tuple[str, Json]] = [
    ("3", 3),
    ("-3", -3),
    ("+3", 3),
    ("- -3", 3),
    ("1_000", 1000),
    ("0x10", 16),
    ("1.5", 1.5),
    ("-1.5", -1.5),
    ("60 * 60 * 24 + 1 - 2", 86399),
    ("7 // 2", 3),
    ("-7 // 2", -4),
    ("(1 + 2) * 3", 9),
    ("'text'", "text"),
    ("'adjacent ' \"strings\"", "adjacent strings"),
    ("r'raw\\n'", "raw\\n"),
    ("'\\u00e9\\n'", "é\n"),
    ('"""triple"""', "triple"),
    ("True", True),
    ("None", None),
    ("[1, 'a', [True]]", [1, "a", [True]]),
    ("(1, 2)", [1, 2]),
    ("{'a': 1, 'b': {'c': [None]}}", {"a": 1, "b": {"c": [None]}}),
    ("{}", {}),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_value(tmp_path: Path, text: str, value: Json) -> None:
    read = read_option(tmp_path, text).clean()
    (option,) = read.step("one").options
    assert (option.name, option.value, type(option.value)) == ("if_", value, type(value))
    assert read.text(option.span).startswith("if_=")


CONSTANTS = [
    ("LIMIT = 3", "LIMIT", {}, 3),
    ("from typing import Final\nLIMIT: Final = 3", "LIMIT * 2", {}, 6),
    ("LIMIT: int = 2 * 2", "-LIMIT", {}, -4),
    ("A = 1\nB = A + 1", "[A, B]", {}, [1, 2]),
    ("from flows.limits import LIMIT", "LIMIT", {"limits": "LIMIT = 5"}, 5),
    ("from .limits import LIMIT as L", "L", {"limits": "from .deep import LIMIT", "deep": "LIMIT = 6"}, 6),
    ("from flows import limits", "limits.LIMIT", {"limits": "LIMIT = 7"}, 7),
    ("import flows.limits", "flows.limits.LIMIT", {"limits": "LIMIT = 8"}, 8),
    ("WHERE = {'a': ONE}\nONE = 1", "WHERE", {}, {"a": 1}),
]


@pytest.mark.parametrize(("prelude", "text", "others", "value"), CONSTANTS)
def test_constant(tmp_path: Path, prelude: str, text: str, others: dict[str, str], value: Json) -> None:
    read = read_option(tmp_path, text, prelude, **others).clean()
    assert read.step("one").option("if_") == value
    assert read.text(read.step("one").options[0].span) == f"if_={text}"


NOT_STATIC = [
    ("int('3')", "", "a call"),
    ("f'{x}'", "", "an f-string"),
    ("f'plain' 'text'", "", "an f-string"),
    ("1 if x else 2", "", "a conditional expression"),
    ("[n for n in x]", "", "a comprehension"),
    ("LIMITS[0]", "LIMITS = [1]", "a subscript"),
    ("{1, 2}", "", "a set"),
    ("3j", "", "complex"),
    ("b'x'", "", "bytes"),
    ("1e999", "", "infinite"),
    ("2 ** 3", "", "the operator **"),
    ("4 / 2", "", "the operator /"),
    ("not True", "", "sign"),
    ("~3", "", "the operator ~"),
    ("1.5 + 1", "", "integers only"),
    ("True + 1", "", "integers only"),
    ("'a' + 'b'", "", "integers only"),
    ("1 // 0", "", "zero"),
    ("9" * 400, "", "too large"),
    ("[*x]", "", "unpacks"),
    ("{**x}", "", "unpacks"),
    ("{1: 2}", "", "not a string"),
    ("MISSING", "", "'MISSING' is not defined"),
    ("LIMIT", "LIMIT = 1\nLIMIT = 2", "more than once (flows/crawl.py:2, 3)"),
    ("LIMIT", "LIMIT = 1\nLIMIT += 1", "more than once"),
    ("LIMIT", "if x:\n    LIMIT = 1", "conditionally"),
    ("LIMIT", "for LIMIT in range(3): ...", "no constant"),
    ("LIMIT", "def LIMIT(): ...", "no constant"),
    ("LIMIT", "LIMIT = LIMIT", "by itself"),
    ("A", "A = B\nB = A", "by itself"),
    ("A", "A = [B]\nB = [A]", "by itself"),
    ("A0", "\n".join(f"A{n} = [A{n + 1}]" for n in range(400)) + "\nA400 = 1", "too many other constants"),
    ("LIMIT", "LIMIT: int", "not"),
    ("os.environ", "import os", "no constant"),
    ("lambda: 3", "", "a function"),
    ("...", "", "would have to be run"),
    ("x.y()", "", "a call"),
]


@pytest.mark.parametrize(("text", "prelude", "reason"), NOT_STATIC)
def test_not_static(tmp_path: Path, text: str, prelude: str, reason: str) -> None:
    read = read_option(tmp_path, text, prelude)
    fault = read.one("PGF104")
    assert reason in fault.message
    assert read.text(fault.span) == f"if_={text}"
    assert fault.highlight is not None
    assert read.text(fault.highlight) == text
    assert read.step("one").options == ()


@pytest.mark.filterwarnings("error")
def test_odd_escapes_are_the_authors_business(tmp_path: Path) -> None:
    assert read_option(tmp_path, "'\\d'").clean().step("one").option("if_") == "\\d"


def test_unpacked_options(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        f"{HEAD}flow = Flow[None]('flow', **options)\n"
        "@flow.step(*names, **options)\ndef one() -> None: ...\n",
    )
    assert [(item.code, read.at(item)) for item in read.findings] == [
        ("PGF104", (2, "**options")),
        ("PGF104", (3, "*names")),
        ("PGF104", (3, "**options")),
    ]


UNKNOWN = [
    ("@flow.step(timout=3)", "timout", "did you mean 'timeout'?"),
    ("@flow.step(array=x)", "array", "only @flow.map takes array="),
    ("@flow.step(version=2)", "version", "version is an option of Flow"),
    ("@flow.step(colour=2)", "colour", "options are depends_on"),
    ("@flow.step(retries=3)", "retries", "did you mean 'max_attempts'?"),
    ("@flow.array(if_unmet='skip')", "if_unmet", "did you mean 'when_unmet'?"),
    ("@flow.step('other')", "'other'", "did you mean slug='other'?"),
    ("@flow.step([flow])", "[flow]", "did you mean depends_on=[flow]?"),
]


@pytest.mark.parametrize(("decorator", "place", "help"), UNKNOWN)
def test_unknown_option(tmp_path: Path, decorator: str, place: str, help: str) -> None:
    read = read_flow(tmp_path, f"{HEAD}flow = Flow[None]('flow')\n{decorator}\ndef one() -> list[int]: ...\n")
    fault = read.one("PGF208")
    assert read.at(fault) == (3, place)
    assert help in (fault.help or "")


@pytest.mark.parametrize(
    ("call", "code", "place"),
    [
        ("Flow[None]('flow', timout=3)", "PGF208", "timout"),
        ("Flow[None]('flow', start_delay=3)", "PGF208", "start_delay"),
        ("Flow[None]('flow', 3)", "PGF208", "3"),
        ("Flow[None](name())", "PGF104", "name()"),
        ("Flow[None](f'{x}')", "PGF104", "f'{x}'"),
        ("Flow[None]()", "PGF104", "Flow[None]()"),
        ("Flow[None](3)", "PGF207", "3"),
        ("Flow[None]('flow', version='2')", "PGF207", "version='2'"),
        ("Flow[None]('flow', version=True)", "PGF207", "version=True"),
        ("Flow[None]('flow', version=0)", "PGF207", "version=0"),
        ("Flow[None]('my-flow')", "PGF201", "'my-flow'"),
        ("Flow[None]('')", "PGF201", "''"),
        ("Flow[None]('1st')", "PGF201", "'1st'"),
        ("Flow[None]('flöw')", "PGF201", "'flöw'"),
        ("Flow('flow')", "PGF301", "Flow"),
        ("Flow[None]('flow', timeout=3, timeout=4)", "PGF101", "timeout=4"),
    ],
)
def test_flow_arguments(tmp_path: Path, call: str, code: str, place: str) -> None:
    read = read_flow(tmp_path, f"{HEAD}flow = {call}\n@flow.step\ndef one() -> None: ...\n")
    assert read.at(read.one(code)) == (2, place)


def test_the_slug_of_a_step(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        f"{HEAD}NAME = 'first'\nflow = Flow[None]('flow')\n"
        "@flow.step(slug=NAME)\ndef one() -> None: ...\n@flow.step(slug='2nd')\ndef two() -> None: ...\n"
        "@flow.step\ndef três() -> None: ...\n@flow.step(slug=4)\ndef four() -> None: ...\n",
    )
    assert [step.slug for step in read.flow.steps] == ["first", "2nd", "três", "four"]
    assert [(item.code, read.at(item)) for item in read.findings] == [
        ("PGF201", (6, "'2nd'")),
        ("PGF201", (9, "três")),
        ("PGF207", (10, "slug=4")),
    ]
    assert read.text(read.flow.steps[0].slug_span) == "NAME"


DEPENDS_ON = [
    ("[one, two]", ""),
    ("(one, two)", ""),
    ("['one', 'two']", ""),
    ("[one, SECOND]", "SECOND = 'two'"),
    ("BOTH", "BOTH = [one, 'two']"),
    ("BOTH", "BOTH = (one, two)"),
    ("[again, two]", "again = one"),
    ("[other.one, flows.other.two]", "from flows import other\nimport flows.other"),
]


@pytest.mark.parametrize(("value", "prelude"), DEPENDS_ON)
def test_depends_on(tmp_path: Path, value: str, prelude: str) -> None:
    read = read_project(
        tmp_path,
        {
            "flows/crawl.py": f"{HEAD}from flows.other import flow, one, two\n{prelude}\n"
            f"@flow.step(depends_on={value})\ndef last() -> None: ...\n",
            "flows/other.py": f"{HEAD}flow = Flow[None]('flow')\n@flow.step\ndef one() -> None: ...\n"
            "@flow.step(slug='two')\ndef zwei() -> None: ...\ntwo = zwei\n",
        },
    ).clean()
    assert [name.slug for name in read.step("last").depends_on] == ["one", "two"]


@pytest.mark.parametrize(
    ("value", "code", "place"),
    [
        ("one", "PGF207", "depends_on=one"),
        ("'one'", "PGF207", "depends_on='one'"),
        ("[*steps]", "PGF104", "*steps"),
        ("steps()", "PGF104", "depends_on=steps()"),
        ("{'one': 1}", "PGF207", "depends_on={'one': 1}"),
        ("[steps()]", "PGF104", "steps()"),
        ("TWICE", "PGF104", "depends_on=TWICE"),
        ("[helper]", "PGF203", "helper"),
        ("[ome]", "PGF203", "ome"),
        ("[3]", "PGF207", "3"),
    ],
)
def test_depends_on_that_cannot_be_read(tmp_path: Path, value: str, code: str, place: str) -> None:
    read = read_flow(
        tmp_path,
        f"{HEAD}flow = Flow[None]('flow')\nTWICE = ['one']\nTWICE = ['two']\ndef helper(): ...\n"
        f"@flow.step\ndef one() -> None: ...\n@flow.step(depends_on={value})\ndef last() -> None: ...\n",
    )
    fault = read.one(code)
    assert read.at(fault) == (8, place)


def test_the_array_of_a_map(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        f"{HEAD}flow = Flow[None]('flow')\n@flow.array(slug='numbers')\ndef make() -> list[int]: ...\n"
        "@flow.map(array=make)\ndef a(n: int) -> int: ...\n"
        "@flow.map(array='numbers')\ndef b(n: int) -> int: ...\n"
        "@flow.map(make)\ndef c(n: int) -> int: ...\n",
    )
    assert [step.array and step.array.slug for step in read.flow.steps] == [None, "numbers", "numbers", None]
    array = read.step("a").array
    assert array is not None
    assert array.flow == read.flow.key
    assert read.one("PGF208").help == "did you mean array=make?"
