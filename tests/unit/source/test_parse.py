"""Files that cannot be read or parsed, and where things stand in those that can."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import sys
import textwrap
from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.source.files.text import SourceText, read_source
from pgflow_gen.source.parsing import positions as positions_module
from pgflow_gen.source.parsing.parse import ParsedFile, parse, parse_expression
from pgflow_gen.source.parsing.positions import positions


def read(root: Path, data: bytes) -> SourceText | Diagnostic:
    file = root / "module.py"
    file.write_bytes(data)
    return read_source(root, file)


def source(text: str) -> SourceText:
    return SourceText("module.py", Path("module.py"), text, "")


def refused(text: str) -> Diagnostic:
    found = parse(source(text))
    assert isinstance(found, Diagnostic)
    return found


def accepted(text: str) -> ParsedFile:
    found = parse(source(text))
    assert isinstance(found, ParsedFile), found
    return found


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\n", "x = 1\n"),
        ("x = 'é'\n".encode(), "x = 'é'\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'\n"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n",
         "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '€'\n"),
        (b"", ""),
    ],
)  # fmt: skip
def test_decoding(tmp_path: Path, data: bytes, text: str) -> None:
    found = read(tmp_path, data)
    assert isinstance(found, SourceText)
    assert found.text == text


@pytest.mark.parametrize(
    ("data", "message", "place"),
    [
        (b"x = 1\ny = '\xff'\n", "utf-8 (byte 0xff)", (2, 6)),
        ("# é\n".encode("utf-16"), "it is UTF-16", (1, 1)),
        (b"# coding: utf-9\nx = 1\n", "unknown encoding: utf-9", (1, 1)),
        (b"# coding: rot13\nx = 1\n", "rot13", (1, 1)),
        (b"# coding: base64\nx = 1\n", "base64", (1, 1)),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding problem", (1, 1)),
        (b"x = 1\nyy\0z = 2\n", "null byte", (2, 3)),
        (b"yy\0z = 2\n", "null byte", (1, 3)),
        (b"# coding: undefined\nx = 1\n", "undefined", (1, 1)),
    ],
)
def test_unreadable(tmp_path: Path, data: bytes, message: str, place: tuple[int, int]) -> None:
    found = read(tmp_path, data)
    assert isinstance(found, Diagnostic), found
    assert found.code == "PGF102"
    assert message in found.message
    assert (found.span.line, found.span.column) == place


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    for name, message in {"folder.py": "directory", "loop.py": "symbolic", "gone.py": "no such file"}.items():
        found = read_source(tmp_path, tmp_path / name)
        assert isinstance(found, Diagnostic)
        assert message in found.message
        assert found.span.path == name


def test_the_digest_does_not_see_crlf(tmp_path: Path) -> None:
    unix, windows = read(tmp_path, b"x = 1\ny = 2\n"), read(tmp_path, b"x = 1\r\ny = 2\r\n")
    assert isinstance(unix, SourceText)
    assert isinstance(windows, SourceText)
    assert unix.digest == windows.digest


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("def f(x: int) -> str\n    return x\n", (1, 21), "expected ':'"),
        ("x = (1,\ny = 2\n", (1, 5), "'(' was never closed"),
        ("x = 'abc\n", (1, 5), "unterminated string literal"),
        ("if x:\npass\n", (2, 1), "expected an indented block"),
        ("äöü = 1 +\n", (1, 10), "invalid syntax"),
        (
            "f(**x, *y)\n",
            (1, 6 if sys.version_info >= (3, 14) else 8),
            "iterable argument unpacking follows keyword argument unpacking",
        ),
        ("f(a=1, 2)\n", (1, 9), "positional argument follows keyword argument"),
        ("1 = x\n", (1, 1), "cannot assign to literal"),
        ("def f(:\n", (1, 7), "invalid syntax"),
        ("print 'x'\n", (1, 1), "Missing parentheses"),
        ("x = 0777\n", (1, 5), "leading zeros"),
    ],
)
def test_syntax_errors_in_cpythons_words_and_place(text: str, place: tuple[int, int], message: str) -> None:
    found = refused(text)
    assert found.code == "PGF101"
    assert message in found.message
    assert (found.span.line, found.span.column) == place
    assert (found.span.end_line, found.span.end_column) > place


@pytest.mark.parametrize(
    "text",
    [
        "type Pair[T] = tuple[T, T]\nclass Box[T = int]:\n    x: T\n",
        "def f[T: int, *Ts, **P](x: T) -> T: ...\n",
        'x = f"{d["key"]}"\n',
        "match x:\n    case {'a': [1, *_]}: ...\n",
        "try:\n    pass\nexcept* OSError:\n    pass\n",
        "x = 1\x0c\ny = 2\n",
        "\tif_ = 1\n".lstrip(),
        "x = 1\r\ny = 2\r\n",
        "x = 1\ry = 2\r",
        "x = '\\d'\n",
        "",
        "# only a comment",
    ],
)
def test_what_parses(text: str) -> None:
    accepted(text)


DEEP = {
    "brackets": "x = " + "(" * 5000 + "1" + ")" * 5000,
    "calls": "x = a" + "()" * 5000,
    "signs": "x = " + "-" * 5000 + "1",
    "words": "x = " + "not " * 5000 + "1",
    "sums": "x = " + "1+" * 5000 + "1",
    "unions": "x: " + "a|" * 5000 + "a",
    "attributes": "x = a" + ".b" * 5000,
    "subscripts": "x: " + "list[" * 5000 + "int" + "]" * 5000,
    "lambdas": "x = " + "lambda: " * 5000 + "1",
    "elif": "if x: pass\n" + "elif x: pass\n" * 3000,
    "blocks": "".join(" " * n + "if x:\n" for n in range(200)) + " " * 200 + "pass\n",
    "newer and deep": "type X = int\nx = " + "1+" * 5000 + "1",
    "newer and bracketed": "type X = int\nx = " + "[" * 199 + "]" * 199,
}


@pytest.mark.parametrize("name", DEEP)
def test_bottomless_nesting_is_a_finding_where_python_does_not_parse_it(name: str) -> None:
    found = parse(source(DEEP[name]))
    if isinstance(found, ParsedFile):  # newer Pythons go by the stack that is left: deeper
        ast.parse(DEEP[name])
    else:
        assert found.code in {"PGF101", "PGF102"}


@pytest.mark.parametrize(
    "text", ["", "x +", "x = 1", "(", "\0", "(" * 500 + ")" * 500, "a\nb", "1+" * 999 + "1"]
)
def test_strings_that_are_no_expression(text: str) -> None:
    assert parse_expression(text) is None


LEVELS = 95
DEEP_ENOUGH = {
    "calls": "x = a" + "()" * LEVELS,
    "sums": "x = " + "1+" * LEVELS + "1",
    "subscripts": "x: " + "list[" * LEVELS + "int" + "]" * LEVELS,
    "lambdas": "x = " + "lambda: " * LEVELS + "1",
    "elif": "if x: pass\n" + "elif x: pass\n" * LEVELS,
    "blocks": "".join(" " * n + "if x:\n" for n in range(LEVELS)) + " " * LEVELS + "pass\n",
}


@pytest.mark.parametrize("name", DEEP_ENOUGH)
def test_what_is_read_has_places(name: str) -> None:
    parsed = accepted(DEEP_ENOUGH[name])
    assert parsed.span(parsed.tree.body[0]).line == 1
    assert len(positions(parsed.tree)) > LEVELS


def test_columns_are_characters() -> None:
    parsed = accepted("class A:\n\tnamé: 'ü' = f(ß, x)\n")
    body = cst.ensure_type(parsed.tree.body[0], cst.ClassDef).body.body[0]
    field = cst.ensure_type(cst.ensure_type(body, cst.SimpleStatementLine).body[0], cst.AnnAssign)
    call = cst.ensure_type(field.value, cst.Call)
    assert [
        (parsed.span(node).line, parsed.span(node).column) for node in (field.target, call.args[1].value)
    ] == [
        (2, 2),
        (2, 19),
    ]


LIBRARY = [inspect.getsource(module) for module in (textwrap, contextlib, dataclasses)]


def test_what_counting_rests_on_is_in_libcst_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, libcst has changed inside: compare its CodegenState with ours, then pin anew."""
    assert positions_module.IS_KNOWN_LIBCST
    monkeypatch.setattr(positions_module, "_by_libcst", None)
    assert positions(accepted(LIBRARY[0]).tree)


@pytest.mark.parametrize("text", [*LIBRARY, "", "x", "#\r\n\x0c\r\nx=(1,\\\r\n2)"])
def test_positions_are_those_of_libcst(text: str) -> None:
    tree = accepted(text).tree
    theirs = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    ours = positions(tree)
    for node, place in theirs.items():
        if node is not tree:
            expected = (place.start.line, place.start.column, place.end.line, place.end.column)
            assert ours[id(node)] == expected, node


def test_positions_of_odd_spellings() -> None:
    text = "import a\n\n@d(1)\nasync def f(x: 'int' = (3), *, y) -> list[\n  int]:\n    return x  # c\n"
    tree = accepted(text).tree
    function = cst.ensure_type(tree.body[1], cst.FunctionDef)
    assert function.returns is not None
    assert positions(tree)[id(function.returns.annotation)] == (4, 37, 5, 6)
    assert positions(tree)[id(function.params.params[0].default)] == (4, 24, 4, 25)
