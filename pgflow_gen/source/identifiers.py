"""Identifiers as Python compares them: in normal form KC, whichever letters they are typed with.

``µ`` has two code points, ``é`` can be one or two, and a Japanese keyboard types wide letters: to Python each
pair is one name. Strings keep their letters, those of ``Literal`` and of options included.
"""

from __future__ import annotations

import io
import tokenize
import unicodedata
from collections.abc import Iterator


def normal(name: str) -> str:
    """The name that Python takes ``name`` for."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def with_normal_names(text: str) -> tuple[str, frozenset[int]]:
    """``text`` with its identifiers in normal form, and the lines on which places have moved by that."""
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return text, frozenset()
    lines = list(io.StringIO(text, newline=""))
    found = [(row, start, name) for row, start, name in _names(text) if normal(name) != name]
    moved: set[int] = set()
    for row, start, name in reversed(found):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + normal(name) + line[start + len(name) :]
        if len(normal(name)) != len(name):
            moved.add(row)
    return "".join(lines), frozenset(moved)


def _names(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, column and letters of every identifier."""
    row = end = -1
    start, name = 0, ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            # Before 3.12 tokenize ends a name at letters that combine with the one before.
            if token.type not in (tokenize.NAME, tokenize.ERRORTOKEN, tokenize.NUMBER):
                continue
            if token.start != (row, end) or not (name + token.string).isidentifier():
                if name:
                    yield row, start, name
                (row, start), name = token.start, token.string
            else:
                name += token.string
            end = token.end[1]
    except (tokenize.TokenError, SyntaxError):
        pass  # the parser has the say about what is wrong
    if name:
        yield row, start, name
