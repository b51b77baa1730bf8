"""Names that may enter generated code: validated once, carried as types of their own."""

from __future__ import annotations

import keyword
from typing import NewType

from pgflow_shared.slugs import is_slug

Slug = NewType("Slug", str)
"""A flow's or step's name in the database (specification/language.md, "Slugs")."""
PyIdent = NewType("PyIdent", str)
"""A Python identifier that is not a keyword."""
ClassName = NewType("ClassName", str)
"""A Python identifier in CapWords."""


def slug(text: str) -> Slug:
    """``text`` as a slug; ValueError when it is none."""
    if not is_slug(text):
        raise ValueError(f"not a slug: {text!r}")
    return Slug(text)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold ``text``: it has no NUL and no half of a surrogate pair (as in jsonb)."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def encodable(text: str) -> str:
    """``text`` with a replacement character for each half of a surrogate pair, which no encoding has."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def py_ident(text: str) -> PyIdent:
    """A slug as a Python identifier: a keyword gets a trailing underscore."""
    return PyIdent(f"{text}_" if keyword.iskeyword(text) else text)


def output_name(stem: str) -> str:
    """What a flow's output is called, by the name of its generated module."""
    return f"{public_name('Flow', stem)}Output"


def public_name(kind: str, slug: str) -> str:
    """The slug in CapWords; ``_`` and ``_1`` have no letter to start a public name with."""
    name = class_name(slug)
    return f"{kind}{name}" if name.startswith("_") else name


def class_name(text: str) -> ClassName:
    """A slug in CapWords: ``order_fulfilment`` becomes ``OrderFulfilment``, ``crawlV2`` ``CrawlV2``."""
    words = "".join(part[:1].upper() + part[1:] for part in text.split("_"))
    if not words or words[0].isdigit():
        words = f"_{words}"
    return ClassName(f"{words}_" if keyword.iskeyword(words) else words)
