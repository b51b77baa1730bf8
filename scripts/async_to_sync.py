"""Make the synchronous client, and the worker's way with sync handlers, from the asynchronous ones.

``python scripts/async_to_sync.py`` writes, ``--check`` compares and exits with 1 where they differ. What
cannot be converted word by word (tasks against threads) stands in ``client/concurrency.py`` and
``client/connecting.py``, twice, under names this script maps onto each other. What threads have no need of
stands in lines with the comment ``async only``.
"""

from __future__ import annotations

import argparse
import difflib
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "runtime" / "pgflow_runtime"
SOURCE = RUNTIME / "client" / "_async"
TARGET = RUNTIME / "client" / "_sync"
TASKS = RUNTIME / "worker" / "tasks"

NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aclosing": "closing",
    "acall": "call",
    "aconnect": "connect",
    "amake_pool": "make_pool",
    "asleep": "sleep",
    "aafter_fork": "after_fork",
    "ademand_loop": "demand_loop",
    "aborrow": "borrow",
    "aperform": "perform",
    "aconn": "conn",
    "asettle": "settle",
    "_async": "_sync",
    "AsyncIterator": "Iterator",
    "AsyncConnection": "Connection",
    "AsyncConnectionPool": "ConnectionPool",
}
HEADER = "# Made from {source} by scripts/async_to_sync.py; edit that one.\n"
WORDS = {"asynchronous": "synchronous"}
ASYNC_ONLY = "# async only"


def convert(source: str) -> str:
    """The synchronous text of an asynchronous module."""
    kept = (line for line in source.splitlines(keepends=True) if ASYNC_ONLY not in line)
    return "".join(_pieces("".join(kept)))


def _pieces(source: str) -> Iterator[str]:
    lines = source.splitlines(keepends=True)
    row, column = 1, 0
    skip_blank = False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        between = _between(lines, (row, column), token.start)
        yield between.lstrip(" ") if skip_blank else between
        skip_blank = token.type == tokenize.NAME and token.string in ("async", "await")
        if not skip_blank:
            yield _word(token)
        row, column = token.end


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]] if start[0] <= len(lines) else ""
    middle = "".join(lines[start[0] : end[0] - 1])
    last = lines[end[0] - 1][: end[1]] if end[0] <= len(lines) else ""
    return lines[start[0] - 1][start[1] :] + middle + last


def _word(token: tokenize.TokenInfo) -> str:
    text = token.string
    if token.type == tokenize.NAME:
        return _name(text)
    if token.type == tokenize.STRING and text.startswith('"""'):
        for word, other in WORDS.items():
            text = text.replace(word, other)
    return text


def _name(text: str) -> str:
    if text in NAMES:
        return NAMES[text]
    for prefix in ("Async", "_Async"):
        if text.startswith(prefix):
            return prefix.replace("Async", "") + text.removeprefix(prefix)
    return text


def generate() -> dict[Path, str]:
    """Every synchronous file, formatted."""
    files: dict[Path, str] = {}
    pairs = [(path, TARGET / path.name) for path in sorted(SOURCE.glob("*.py"))]
    for path, target in [*pairs, (TASKS / "perform_async.py", TASKS / "perform_sync.py")]:
        header = HEADER.format(source=path.relative_to(RUNTIME).as_posix())
        text = header + (_INIT if path.name == "__init__.py" else convert(path.read_text(encoding="utf-8")))
        files[target] = _formatted(text, target)
    return files


_SRC = "src = ['runtime', 'sql']"
_INIT = '"""The synchronous client: threads where the asynchronous one has tasks."""\n'


def _formatted(text: str, target: Path) -> str:
    for command in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", _SRC, "--stdin-filename", str(target), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode != 0:
            raise SystemExit(f"{target.name} does not convert to valid code:\n{done.stderr}")
        text = done.stdout
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the synchronous code from the asynchronous.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if files differ")
    arguments = parser.parse_args()
    wanted = generate()
    paths = {*TARGET.glob("*.py"), *(path for path in wanted if path.exists())}
    present = {path: path.read_text(encoding="utf-8") for path in sorted(paths)}
    stale = [path for path in {**present, **wanted} if present.get(path) != wanted.get(path)]
    if arguments.check:
        for path in stale:
            old, new = present.get(path, ""), wanted.get(path, "")
            name = str(path.relative_to(ROOT))
            lines = difflib.unified_diff(
                old.splitlines(keepends=True), new.splitlines(keepends=True), name, f"{name} (converted)"
            )
            sys.stdout.writelines(lines)
        if stale:
            print("the synchronous code is stale: run python scripts/async_to_sync.py", file=sys.stderr)
        return 1 if stale else 0
    TARGET.mkdir(exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
