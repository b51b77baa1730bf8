"""Text from outside as literals of Python, SQL, Markdown and Mermaid: nothing gets through unquoted."""

from __future__ import annotations

import json
import re
from inspect import cleandoc

import msgspec

from pgflow_gen.ir.flow import Json

_SQL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TICKS = re.compile(r"`+")
_MARKDOWN = re.compile(r"([\\`*_\[\]#|~])")


def pretty_json(document: object) -> str:
    """``document`` as formatters of JSON leave it: keys sorted, two blanks a level, ASCII, one line end."""
    # json's own indentation is written in Python and takes longer than everything else about a file.
    compact = json.dumps(document, allow_nan=False, sort_keys=True).encode()
    return msgspec.json.format(compact, indent=2).decode() + "\n"


def py_literal(value: str | int | bool | None) -> str:
    """``value`` as a Python literal, with double quotes where that needs no escapes."""
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text and "\\'" not in text:
        return f'"{text[1:-1]}"'
    return text


def py_docstring(text: str, indent: int = 0) -> str:
    """``text`` as a docstring's literal, its lines indented by ``indent`` blanks."""
    lines = [_printable(line).rstrip() for line in cleandoc(text).strip().splitlines()]
    margin = " " * indent
    body = "\n".join(margin + line if line and number else line for number, line in enumerate(lines))
    if len(lines) > 1:
        return f'"""{body}\n{margin}"""'
    return f'"""{body}"""'


def py_block(text: str) -> str:
    """Lines of text as a readable Python literal in triple quotes."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    body = "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in escaped)
    return f'"""\\\n{body}"""'


def _printable(line: str) -> str:
    """A line of a docstring: backslashes, quotes and everything invisible as escapes."""
    escaped = line.replace("\\", "\\\\")
    if '"""' in escaped:
        escaped = escaped.replace('"', '\\"')
    elif escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    if escaped.isprintable():
        return escaped
    return "".join(char if char.isprintable() or char == "\t" else _escape(char) for char in escaped)


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return repr(char)[1:-1]


def sql_literal(value: str | int) -> str:
    """``value`` as an SQL literal that means the same whatever ``standard_conforming_strings`` says."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"no SQL literal for {value!r}")
    if isinstance(value, int):
        return str(value)
    if "\x00" in value:
        raise ValueError("PostgreSQL has no text with a NUL character")
    quoted = value.replace("'", "''")
    if "\\" in quoted:
        doubled = quoted.replace("\\", "\\\\")
        return f"E'{doubled}'"
    return f"'{quoted}'"


def sql_name(text: str) -> str:
    """The name of an argument of our own functions; anything else is a fault of ours."""
    if not _SQL_NAME.fullmatch(text):
        raise ValueError(f"not a plain SQL name: {text!r}")
    return text


def sql_jsonb(value: Json) -> str:
    """A JSON value as a ``jsonb`` literal, on one line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isprintable():
        text = json.dumps(value, allow_nan=False)
    return f"{sql_literal(text)}::jsonb"


def sql_comment(text: str) -> str:
    """``text`` for the rest of a ``--`` line."""
    return _visible(text)


def markdown(text: str) -> str:
    """``text`` as words of Markdown that cannot become markup."""
    safe = (
        _MARKDOWN.sub(r"\\\1", cleandoc(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in safe)


def markdown_code(text: str) -> str:
    """``text`` as a code span that survives inside a table's cell."""
    flat = _visible(text)
    longest = max(map(len, _TICKS.findall(flat)), default=0) if "`" in flat else 0
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}".replace("|", "\\|")


def mermaid(text: str) -> str:
    """``text`` for the inside of a quoted Mermaid label."""
    safe = text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return "".join(char if char.isprintable() else " " for char in safe)
