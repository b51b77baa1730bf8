"""Nothing that a user wrote can leave the literal it is put into."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgflow_gen.render import literals

ANY_TEXT = st.text(st.characters(), max_size=40) | st.text("\"'\\ \n|`#<>;-\u2028\x00", max_size=20)


@given(ANY_TEXT | st.integers() | st.booleans() | st.none())
def test_a_python_literal_means_the_value(value: str | int | bool | None) -> None:
    assert ast.literal_eval(literals.py_literal(value)) == value


def test_python_strings_have_double_quotes_where_that_is_plain() -> None:
    assert literals.py_literal("a") == '"a"'
    assert literals.py_literal('say "a"') == "'say \"a\"'"
    assert literals.py_literal("it's") == '"it\'s"'


@given(ANY_TEXT, st.integers(0, 2))
def test_a_docstring_is_one_string_and_nothing_else(text: str, depth: int) -> None:
    source = f"class A:\n    {literals.py_docstring(text, 4)}\n"
    [definition] = ast.parse(source.encode()).body
    assert isinstance(definition, ast.ClassDef)
    assert len(definition.body) == 1
    [statement] = definition.body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    assert isinstance(statement.value.value, str)


def test_a_docstring_keeps_its_words() -> None:
    source = literals.py_docstring('First "line".\n\nLast:\n  indented \\ """x"""', 0)
    assert ast.literal_eval(source).strip() == 'First "line".\n\nLast:\n  indented \\ """x"""'


@given(ANY_TEXT.filter(lambda text: "\x00" not in text))
def test_an_sql_literal_ends_where_it_should(text: str) -> None:
    literal = literals.sql_literal(text)
    assert _sql_value(literal) == text


def _sql_value(literal: str) -> str:
    """The value of a quoted SQL string by PostgreSQL's rules; fails when anything stands behind it."""
    escaped = literal.startswith("E")
    body, value, at = literal[escaped:], "", 1
    assert body[0] == "'"
    while True:
        char = body[at]
        if char == "'" and body[at + 1 : at + 2] == "'":
            value, at = value + "'", at + 2
        elif char == "'":
            assert at == len(body) - 1, "text behind the literal"
            return value
        elif char == "\\":
            assert escaped, "a backslash whose meaning depends on a setting"
            value, at = value + body[at + 1], at + 2
            assert value[-1] == "\\"
        else:
            value, at = value + char, at + 1


def test_sql_has_no_text_with_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        literals.sql_literal("a\x00")


@pytest.mark.parametrize("value", [True, 1.5, None, ["a"]])
def test_sql_literals_are_text_and_integers(value: object) -> None:
    with pytest.raises(TypeError):
        literals.sql_literal(value)  # type: ignore[arg-type]


def test_sql_names_are_plain() -> None:
    assert literals.sql_name("max_attempts") == "max_attempts"
    with pytest.raises(ValueError, match="not a plain SQL name"):
        literals.sql_name('x" => 1, "y')


@given(
    st.recursive(
        ANY_TEXT | st.integers() | st.none(), lambda inner: st.dictionaries(ANY_TEXT, inner, max_size=3)
    )
)
def test_a_jsonb_literal_is_the_value_on_one_line(value: object) -> None:
    literal = literals.sql_jsonb(value)  # type: ignore[arg-type]
    assert literal.endswith("::jsonb")
    assert literal.isprintable()
    assert json.loads(_sql_value(literal.removesuffix("::jsonb"))) == value


@given(ANY_TEXT)
def test_comments_code_spans_and_labels_stay_on_their_line(text: str) -> None:
    for literal in (literals.sql_comment(text), literals.markdown_code(text), literals.mermaid(text)):
        assert literal.isprintable()
    assert '"' not in literals.mermaid(text)


@given(ANY_TEXT)
def test_markdown_has_no_markup_of_the_users(text: str) -> None:
    shown = literals.markdown(text)
    assert "<" not in shown
    assert "`" not in shown.replace("\\`", "")
