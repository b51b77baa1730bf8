"""The code blocks of a page, with what its hidden comments say about them.

A fence inside an HTML comment is a block like any other, which readers do not see: it sets a stage. A comment
``<!-- test: WORDS -->`` right above a fence says how the block is run:

``fails``        a console block whose last command must fail
``background``   a console block whose command runs until the page's end; its shown output says it is ready
``skip: WHY``    not run here; the reason is the test's
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]+)(?: +title=\"(?P<title>[^\"]+)\")?[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"<!-- test: ([^\n]*?) -->\s*\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: ``line`` is its fence's, from 1."""

    language: str
    title: str | None
    text: str
    directive: str
    line: int


def blocks_of(page: str) -> list[Block]:
    found = []
    for fence in _FENCE.finditer(page):
        directive = _DIRECTIVE.search(page, 0, fence.start())
        text = textwrap.dedent(fence["text"]) if fence["indent"] else fence["text"]
        found.append(
            Block(
                fence["language"],
                fence["title"],
                text,
                directive[1] if directive is not None else "",
                page.count("\n", 0, fence.start()) + 1,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Command:
    """A line after ``$``, and what the page shows of its output; ``...`` stands for anything."""

    line: str
    shown: tuple[str, ...]


def commands_of(text: str) -> list[Command]:
    commands: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:], ()))
        elif commands and line.startswith("> "):
            last = commands.pop()
            commands.append(Command(f"{last.line}\n{line[2:]}", ()))
        elif commands and line.strip():
            last = commands.pop()
            commands.append(Command(last.line, (*last.shown, line)))
    return commands


def missing_line(shown: tuple[str, ...], output: str) -> str | None:
    """The first shown line that the output lacks, in order; runs of blanks count as one."""
    rest = iter(" ".join(line.split()) for line in output.splitlines())
    for line in shown:
        if line.strip() == "...":
            continue
        pattern = re.escape(" ".join(line.split())).replace(re.escape("..."), ".*")
        if not any(re.fullmatch(pattern, found) for found in rest):
            return line
    return None
