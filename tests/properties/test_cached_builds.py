"""Whatever is edited, and in whatever order: a build that remembers says and writes what one does without."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pgflow_gen.config import load_config
from pgflow_gen.incremental.cache import MODULES
from pgflow_gen.pipeline import BuildReport, Mode, build, check

_HEAD = "from __future__ import annotations\nfrom pgflow_runtime import Flow\n"


def _flow(name: str, imports: str, *, item: str = "Item", slug: str | None = None, options: str = "") -> str:
    return f"""\
{_HEAD}{imports}

{name} = Flow[{item}]("{slug or name}"{options})


@{name}.array
def first(flow_input: {item}) -> list[{item}]:
    return [flow_input]


@{name}.map(array=first)
def each(one: {item}) -> str:
    return str(one)
"""


_ITEM = "from typing import Any, TypedDict\n\nclass Item(TypedDict):\n    name: str\n"
_LINKS = "from typing import TypedDict\n\nclass Item(TypedDict):\n    left: A\n    right: B\n\n"

VARIANTS: dict[str, list[str]] = {
    "flows/one.py": [
        _flow("one", "from lib.types import Item"),
        _flow("one", "from lib.types import *"),
        _flow("one", "from lib import types", item="types.Item"),
        _flow("one", "try:\n    from extra import Item\nexcept ImportError:\n    from lib.types import Item"),
        _flow("one", "from lib.types import Item", options=", version=2"),
        _flow("one", "from lib.types import Item\nfrom lib.numbers import LIMIT", options=", timeout=LIMIT"),
        _flow("one", "from lib.types import A as Item"),
        _flow("one", "from lib.types import Item, Missing"),
        "def broken(:\n",
    ],
    "flows/two.py": [
        _flow("two", "from lib.types import Item"),
        _flow("two", "from lib.types import B as Item"),
        _flow("two", "from lib.types import Item", slug="one"),
        _flow("two", "from typing import Any", item="Any"),
        f"{_HEAD}from flows.one import one, each\n\n"
        "@one.step(depends_on=[each])\ndef last(first: list[str]) -> int:\n    return 1\n",
        f"{_HEAD}from flows.one import one\n\n@one.step\ndef last(each: list[str]) -> int:\n    return 1\n",
        "print('no flow here')\n",
    ],
    "flows/three.py": [
        f"{_HEAD}from lib.more import helper\n\nthree = Flow[None]('three')\n\n"
        "@three.step(depends_on=[helper])\ndef go() -> None: ...\n",
        f"{_HEAD}import lib.more\n\nSTEPS = [lib.more.helper]\nthree = Flow[None]('three')\n\n"
        "@three.step(depends_on=STEPS)\ndef go() -> None: ...\n",
    ],
    "lib/types.py": [
        _ITEM,
        f"{_ITEM}    size: int\n",
        f"{_ITEM}    anything: Any\n",
        f"{_LINKS}A = list['B'] | str\nB = dict[str, 'A']\n",
        "from lib.more import Item\n",
        "class Item(\n",
        "Item = dict[str, int]\nA = str\nB = int\n",
    ],
    "lib/more.py": [
        "from lib.types import Item\n\ndef helper() -> None: ...\n",
        f"{_ITEM}\ndef helper() -> None: ...\n",
        f"{_HEAD}four = Flow[None]('four')\n\n@four.step\ndef helper() -> None: ...\n",
    ],
    "lib/numbers.py": ["LIMIT = 30\n", "LIMIT = 31\n", "LIMIT = unknown()\n"],
    "lib/__init__.py": [""],
    "lib/types/__init__.py": [f"{_ITEM}    deeper: bool\n"],
    "extra.py": [_ITEM.replace("name", "extra")],
    "flows.py": [""],
}
Edit: TypeAlias = tuple[str, int | None]
"""A file and what it holds from now on; None: it is gone."""


def _spoil(content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        file = root / MODULES
        if file.exists():
            file.write_bytes(content(file.read_bytes()))

    return spoil


ACCIDENTS: dict[str, Callable[[Path], None]] = {
    "cache: gone": lambda root: shutil.rmtree(root / ".pgflow", ignore_errors=True),
    "cache: cut off": _spoil(lambda content: content[: len(content) // 2]),
    "cache: edited": _spoil(lambda content: content.replace(b"first", b"worst")),
    "cache: nonsense": _spoil(lambda content: b"\x00" * len(content)),
    "output: edited": lambda root: _edit_output(root),
    "output: gone": lambda root: (root / "generated" / "client.py").unlink(missing_ok=True),
}


def _edit_output(root: Path) -> None:
    for file in sorted((root / "generated").glob("*.py")):
        file.write_bytes(file.read_bytes() + b"# by hand\n")


EDITS = st.one_of(
    st.sampled_from(sorted(VARIANTS)).flatmap(
        lambda path: st.tuples(st.just(path), st.none() | st.integers(0, len(VARIANTS[path]) - 1))
    ),
    st.tuples(st.sampled_from(sorted(ACCIDENTS)), st.none()),
)
MODES: st.SearchStrategy[Mode | None] = st.sampled_from(["write", "write", "check", "diff", None])
START: list[Edit] = [(path, 0) for path in ("flows/one.py", "flows/two.py", "lib/types.py", "lib/more.py")]


def _apply(root: Path, edit: Edit) -> None:
    path, number = edit
    if path in ACCIDENTS:
        ACCIDENTS[path](root)
        return
    file = root / path
    if number is None:
        file.unlink(missing_ok=True)
    elif not file.parent.exists() or file.parent.is_dir():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(VARIANTS[path][number], encoding="utf-8")


def _told(root: Path, mode: Mode | None, *, cached: bool) -> tuple[object, ...]:
    """Everything a user can see of a command."""
    config = load_config(root)
    if mode is None:
        report = check(config, verify=False, history=True, cached=cached)
    else:
        report = build(config, verify=False, mode=mode, cached=cached)
    counts = (report.file_count, report.flow_count, report.step_count)
    return report.diagnostics, counts, _changes(report), _snippets(report), _files(root)


def _changes(report: BuildReport) -> list[tuple[str, str]]:
    if report.plan is None:
        return []
    return [(change.kind, change.path) for change in report.plan.changes if change.kind != "keep"]


def _snippets(report: BuildReport) -> list[str | None]:
    return [report.sources.get(item.span.path) for item in report.diagnostics]


def _files(root: Path) -> dict[str, bytes]:
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted((root / "generated").rglob("*"))
        if file.is_file()
    }


Round: TypeAlias = tuple[list[Edit], Mode | None]
"""Edits, and the command that follows; None is ``check``."""

STORIES: list[list[Round]] = [
    [([("lib/types/__init__.py", 0)], "write"), ([("lib/types/__init__.py", None)], "write")],
    [([("flows/one.py", 3)], "write"), ([("extra.py", 0)], "write"), ([("extra.py", None)], "check")],
    [([("flows/two.py", 4)], "write"), ([("flows/two.py", 6)], "write"), ([("flows/two.py", 0)], None)],
    [
        ([("flows/one.py", 6), ("flows/two.py", 1), ("lib/types.py", 3)], "write"),
        ([("flows/one.py", 0)], "write"),
    ],
    [([("flows/three.py", 1)], "write"), ([("lib/more.py", 2)], "write"), ([("lib/more.py", 0)], "write")],
    [
        ([("lib/types.py", 2)], "write"),
        ([("flows/two.py", 3)], "write"),
        ([("flows/two.py", None)], "write"),
    ],
    [([("lib/types.py", 5)], "write"), ([("lib/types.py", 0)], "write")],
    [([("cache: edited", None), ("flows/two.py", 0)], "write"), ([("output: edited", None)], "check")],
]


@pytest.mark.parametrize("story", STORIES)
def test_a_story_with_and_without_a_cache(story: list[Round]) -> None:
    live_through(story)


def test_any_story_with_and_without_a_cache(cache_examples: int, property_seed: int) -> None:
    @seed(property_seed)
    @settings(
        max_examples=cache_examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(st.tuples(st.lists(EDITS, min_size=1, max_size=3), MODES), min_size=1, max_size=5))
    def live(story: list[Round]) -> None:
        live_through(story)

    live()


def live_through(story: list[Round]) -> None:
    """The same edits in two projects, of which one remembers."""
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder).resolve() / name for name in ("remembers", "forgets")]
        for root in roots:
            root.mkdir()
            (root / "flows").mkdir()
            (root / "pyproject.toml").write_text("[tool.pgflow-gen]\n", encoding="utf-8")
        for edits, mode in [(START, "write"), *story]:
            for root in roots:
                for edit in edits:
                    _apply(root, edit)
            one, other = (_told(root, mode, cached=root == roots[0]) for root in roots)
            assert one == other
