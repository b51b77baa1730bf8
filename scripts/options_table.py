"""Write the table of options in docs/flows.md from ``pgflow_shared.options``.

With ``--check`` nothing is written; exit code 1 and a diff when the page is out of date.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from pgflow_shared.kinds import DECORATORS, WRITTEN
from pgflow_shared.options import OPTIONS, OptionRule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "flows.md"
HEAD = "| option | of | meaning | default |\n|---|---|---|---|\n"


def table() -> str:
    """The whole table."""
    return HEAD + "".join(
        f"| `{option.name}` | {_owners(option)} | {option.meaning} | {option.default} |\n"
        for option in OPTIONS
    )


def page(text: str) -> str:
    """``text`` with the table as it should be."""
    start = text.index(HEAD)
    return text[:start] + table() + text[text.index("\n\n", start) + 1 :]


def _owners(option: OptionRule) -> str:
    steps = [kind for kind in WRITTEN if kind in option.on]
    words = {tuple(WRITTEN): "steps", tuple(DECORATORS): "steps with a handler"}.get(
        tuple(steps), ", ".join(steps)
    )
    return " and ".join(filter(None, ["flow" if "flow" in option.on else "", words]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the table of options in docs/flows.md.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 with a diff")
    found = PAGE.read_text(encoding="utf-8")
    wanted = page(found)
    if not parser.parse_args().check:
        PAGE.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    difference = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), str(PAGE), "the options"
    )
    sys.stdout.writelines(difference)
    return int(found != wanted)


if __name__ == "__main__":
    sys.exit(main())
