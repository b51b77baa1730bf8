"""Whatever CPython parses is read: nothing that CPython accepts is called a syntax error."""

from __future__ import annotations

import ast
import random
import sysconfig
import warnings
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import libcst as cst
import pytest

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.source.files.text import SourceText, read_source
from pgflow_gen.source.names.index import build_index
from pgflow_gen.source.parsing.parse import ParsedFile, parse, parse_expression
from tests.support.analysis import read_flow

ODD = {
    "else and a lambda in brackets": "x = a if b else(lambda: 1)\n",
    "the same in a class": "class A:\n    f = a if b else(lambda: 1)\n    y: int\n",
    "the same as a default": "def f(x=a if b else(lambda: 1)): pass\n",
    "the same in a decorator": "@d(a if b else(lambda: 1))\ndef f(): pass\n",
    "the same in a head": "if a if b else(lambda: 1):\n    y = 2\nelse:\n    y = 3\n",
    "on one line": "y = 1; x = a if b else(lambda: 1); z = 2\n",
    "a block on one line": "if q: x = a if b else(lambda: 1); z = 2\nelse: z = 3\n",
    "in a try": (
        "try: x = a if b else(lambda: 1)\nexcept (A, B) as e: pass\nelse: z = 1\nfinally:\n\n  # c\n  q = 2\n"
    ),
    "in a match": "match q:\n    case [1, *_] if q:\n        x = a if b else(lambda: 1)\n    case _: pass\n",
    "in a loop": "for x, in y:\n    while x:\n        f = a if b else(lambda: 1)\n    else: pass\n",
    "in a with": "with a as b, c:\n    x = a if b else(lambda: 1)\n",
    "beside an elif": "if a:\n    pass\nelif b:\n    x = a if b else(lambda: 1)\nelse:\n    z = 1\n",
    "tabs after blanks": "if a:\n\tif b:\n        \tx = 1\n",
    "a backslash starts a block": "if a:\n    \\\n    x = 1\n",
    "a backslash at a line's start": "if a:\n\\\n    x = 1\n",
    "a declared name in brackets": "(x): int = 1\n(y): int\n(a.b): int = 2\n",
    "windows' line ends": "if a:\r\n    \\\r\n    x = 1\r\n",
    "joined strings": "x = (\n" + "    'a'\n" * 3000 + ")\ny = 1\n",
    "joined strings on a line": "x = " + "'a' " * 3000 + "\n",
    "joined f-strings": "x = (\n" + "    f'{a}'\n" * 500 + ")\n",
    "a long or": "x = " + " or ".join(["a"] * 5000) + "\n",
    "a long and in brackets": "x = (a) and(" + ") and(".join(["a"] * 500) + ")\n",
    "a long sum": "x = " + " + ".join(["a"] * 900) + "\n",
    "a long union": "x: " + " | ".join(["a"] * 500) + "\n",
    "a long difference": "x = " + " - ".join(["a"] * 500) + "\n",
    "a long chain of calls": "x = a" + ".b(1)" * 300 + "\n",
    "many brackets": "x = " + "[" * 199 + "]" * 199 + "\n",
    "many lambdas": "x = " + "lambda: " * 190 + "1\n",
    "a long elif": "if a: pass\n" + "elif b: x = 1\n" * 400 + "else: y = 1\n",
}  # fmt: skip


def source(text: str) -> SourceText:
    return SourceText("module.py", Path("module.py"), text, "")


def accepted(text: str) -> ParsedFile:
    ast.parse(text)
    found = parse(source(text))
    assert isinstance(found, ParsedFile), found
    return found


@pytest.mark.parametrize("name", ODD)
def test_what_python_allows_is_read(name: str) -> None:
    parsed = accepted(ODD[name])
    index = build_index("module", parsed)
    last = ODD[name].count("\n") + 1
    for binding in chain.from_iterable(index.bindings.values()):
        span = parsed.span(binding.node)
        assert 1 <= span.line <= span.end_line <= last
        assert binding.name in ODD[name].splitlines()[span.line - 1]


def test_other_statements_keep_their_columns() -> None:
    parsed = accepted("a = 1\nx = a if b else(lambda: 1)\nfoo = bar\n")
    index = build_index("module", parsed)
    places = {item.name: parsed.span(item.node) for item in chain.from_iterable(index.bindings.values())}
    assert (places["foo"].line, places["foo"].column, places["foo"].end_column) == (3, 1, 4)
    assert (places["x"].line, places["x"].column) == (2, 1)


@pytest.mark.parametrize("name", [name for name in ODD if name != "windows' line ends"])
def test_a_flow_beside_odd_code_is_read(tmp_path: Path, name: str) -> None:
    odd = ODD[name] if not name.startswith(("a long", "a declared")) else ODD[name].replace("a.b", "q.b")
    read = read_flow(
        tmp_path,
        "from pgflow_runtime import Flow\n" + odd + "flow = Flow[str]('flow')\n"
        "@flow.step\ndef one(flow_input: str) -> int:\n    return 1 if flow_input else(lambda: 1)()\n",
    )
    assert [step.slug for step in read.flow.steps] == ["one"]
    assert not {"PGF101", "PGF102"} & set(read.codes), read.report()


def test_types_in_odd_spelling_are_read(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        "from typing import TypedDict\nfrom pgflow_runtime import Flow\n"
        "class Page(TypedDict):\n    \\\n    (url): str\n    size: int\n"
        "flow = Flow[Page]('flow')\n"
        "@flow.step\ndef one(flow_input: Page) -> int: ...\n",
    ).clean()
    assert [field.key for field in read.record("Page").fields] == ["url", "size"]


@pytest.mark.parametrize("before", ["a" + ".b(1)" * 300, "[" * 150 + "a" + "]" * 150])
def test_a_flow_hidden_in_deep_code_is_still_found(tmp_path: Path, before: str) -> None:
    hidden = before.replace("a", "Flow[str]('hidden')", 1)
    read = read_flow(
        tmp_path, f"from pgflow_runtime import Flow\nflow = Flow[None]('flow')\nx = {hidden}\n"
        "@flow.step\ndef one() -> int: ...\n"
    )  # fmt: skip
    found = read.one("PGF211")
    assert found.span.line == 3


def test_what_libcst_cannot_read_at_all_is_the_readers_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = cst.parse_module

    def broken(text: str) -> cst.Module:
        if "beyond" in text:
            raise TypeError("super(type, obj): obj must be an instance or subtype of type")
        return original(text)

    monkeypatch.setattr(cst, "parse_module", broken)
    step = "\n@flow.step\ndef one() -> int: ...\n"
    read = read_flow(
        tmp_path,
        f"from pgflow_runtime import Flow\nflow = Flow[None]('flow')\nbeyond = 1\n{step}",
        other=f"from pgflow_runtime import Flow\nflow = Flow[None]('other')\n{step}",
    )
    found = read.one("PGF102")
    assert "the reader's limit" in found.message
    assert found.help is not None
    assert found.span.path == "flows/crawl.py"
    assert read.flow.slug == "other"


def test_annotations_in_strings_are_read_in_any_spelling() -> None:
    assert parse_expression("a if b else(lambda: 1)") is not None
    assert parse_expression("(\n  a\n)") is not None


def _installed() -> list[Path]:
    """The standard library and what is installed for development."""
    roots = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")}
    return sorted({file for root in roots for file in root.rglob("*.py")})


def _chosen(request: pytest.FixtureRequest) -> Sequence[Path]:
    files = _installed()
    if request.config.getoption("--every-file"):
        return files
    return random.Random(20).sample([file for file in files if file.stat().st_size < 60_000], 60)


def test_installed_files_are_read_as_python_reads_them(request: pytest.FixtureRequest) -> None:
    wrong: list[str] = []
    for file in _chosen(request):
        found = read_source(file.parent, file)
        if isinstance(found, SourceText):
            result = parse(found)
            if isinstance(result, ParsedFile):
                build_index("module", result)
                [result.span(item) for item in result.tree.body[:3]]
            elif _is_python(found.text):
                wrong.append(f"{file}: {_shown(result)}")
    assert not wrong, "\n".join(wrong)


def _is_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "module", "exec", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _shown(found: Diagnostic) -> str:
    return f"{found.span.line}: {found.code} {found.message}"
