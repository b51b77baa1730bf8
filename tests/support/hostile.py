"""Flow modules that try to break the compiler: damaged examples, and words that try to break out."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
_TOKEN = re.compile(r"\w+|[^\w\s]|\n[ \t]*|[ \t]+")
_JUNK = (
    "(", ")", "[", "]", "{", ":", "=", ",", "*", "**", "@", ".", "|", "'", '"""', "\\", "f'{x}'", "...",
    "None", "Flow", "class", "def", "lambda", "type X = X", "\n", "\n    ", "\t", "é", "\x0c", "\x00",
    "\ufeff", "#", "1e999", "9" * 5000, "await", "yield", "import", "from . import *", "\u2028",
    "\U0001f980",
)  # fmt: skip
_CODECS = ("utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-32", "cp1252", "shift_jis", "utf-7")
_COOKIES = (
    "", "# coding: latin-1\n", "# -*- coding: utf-8 -*-\n", "# coding: nonsense\n", "# coding: utf-16\n",
    "# coding: rot13\n", "# coding: punycode\n", "# vim: set fileencoding=cp1252 :\n",
)  # fmt: skip
BREAKOUTS = (
    "'; drop table pgflow.flows; --", "$$; select 1; $$", "*/ select 1; /*", "\\'; select 1 --",
    "\n; select 1;\n", '"""\nraise SystemExit\n"""', "\\", "\\\n", "'''", '"', "'", "{{ 7 * 7 }}",
    "{% raw %}", "{x}", "%(x)s", "%s", "```\n# broken out\n```", "</script><script>alert(1)</script>",
    "| a | b |\n|---|---|", "\u2028\u2029", "\x85", "\r", "\r\nselect 1;", "\x00", "\x1b[2J", "\ud800",
    "\U0001f980", "-- migrate:down", "-->", "<!--", "end\nend", "é" * 300, "commit;", ":name", "?", "$1",
    "E'\\x27'", "U&'\\0027'", "{}", "]]>", "&lt;", "#quot;", "__proto__", "", " ",
)  # fmt: skip
SLUGS = (
    "crawl", "class", "None", "select", "Crawl", "__init__", "client", "_typecheck", "manifest", "a" * 47,
    "a" * 48, "é", "run", "con", "migrations", "crawl_v2", "table", "self", "flow", "ctx", "list", "str",
    "Any", "Literal", "AsyncClient", "..", "../../x", "a/b", "a'b", 'a"b', "a\nb", "a;b", "a b", "", "0a",
    "$$",
)  # fmt: skip


def examples() -> dict[str, str]:
    """The example flows by the names of their files, as they import each other."""
    return {file.name: file.read_text(encoding="utf-8") for file in sorted((ROOT / "flows").glob("*.py"))}


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """One of the example flows with lines and tokens lost, moved or doubled, then bytes and encodings."""
    text = draw(st.sampled_from(list(examples().values())))
    if draw(st.booleans()):
        lines = text.splitlines(keepends=True)
        for _ in range(draw(st.integers(1, 4))):
            at, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
            if draw(st.booleans()):
                lines[at] = ""
            else:
                lines[at], lines[other] = lines[other], lines[at]
        text = "".join(lines)
    else:
        tokens = _TOKEN.findall(text)
        for _ in range(draw(st.integers(1, 5))):
            at, other = draw(st.integers(0, len(tokens) - 1)), draw(st.integers(0, len(tokens) - 1))
            if draw(st.booleans()):
                tokens[at], tokens[other] = tokens[other], tokens[at]
            else:
                tokens[at] = draw(st.sampled_from(_JUNK))
        text = "".join(tokens)
    data = (draw(st.sampled_from(_COOKIES)) + text).encode(draw(st.sampled_from(_CODECS)), "replace")
    if draw(st.integers(1, 3)) == 1:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=12)) + data[at + draw(st.integers(0, 5)) :]
    return data.replace(b"\n", b"\r\n") if draw(st.integers(1, 5)) == 1 else data


@st.composite
def hostile_flows(draw: st.DrawFn) -> str:
    """A flow that would be well-formed, were it not for its words: slugs, texts, keys, values, options."""
    words = st.sampled_from(BREAKOUTS) | st.text(max_size=8)
    slug, first, second = (_quoted(draw(st.sampled_from(SLUGS) | words)) for _ in range(3))
    keys = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    fields = ", ".join(
        f"{_quoted(key)}: {draw(st.sampled_from(('str', 'list[Row]', 'int')))}" for key in keys
    )
    literals = ", ".join(_quoted(word) for word in draw(st.lists(words, min_size=1, max_size=3)))
    # Most must be right in all but their words, or nothing is ever generated.
    right = draw(st.integers(0, 3)) > 0
    pattern = f"{{{_quoted(keys[0])}: {_quoted(draw(words))}}}"
    timeout = draw(st.sampled_from(("60", "3", "0x10")))
    if not right:
        pattern = draw(st.sampled_from(("{}", literals, "[]", "None", "{1: 2}", "{'a': float('nan')}")))
        timeout = draw(st.sampled_from(("10**9", "True", "-1", "1e3", "'60'")))
    plain = draw(st.booleans())
    doc = _quoted(draw(words))
    return f"""\
{doc}
from typing import Literal, NotRequired, TypedDict
from pgflow_runtime import Flow
Row = TypedDict("Row", {{{fields}}})
class Page(TypedDict):
    {_quoted(draw(words))}
    url: Literal[{literals}]
flow = Flow[Row]({'"plain"' if plain else slug}, timeout={timeout})
@flow.array(slug={'"first"' if plain else first}, if_={pattern})
def one(flow_input: Row) -> list[Page]:
    {_quoted(draw(words))}
    raise NotImplementedError
@flow.map(slug={'"second"' if plain else second}, array=one)
def two(page: Page, /) -> Literal[{literals}]:
    {_quoted(draw(words))}
    raise NotImplementedError
"""


def _quoted(word: str) -> str:
    """A literal that survives being written as UTF-8."""
    return ascii(word) if word.isascii() or not word.isprintable() else repr(word)
