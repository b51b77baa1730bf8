"""Write docs/diagnostics.md from the rules: text, bad example, what the compiler says about it, good example.

With ``--check`` nothing is written; exit code 1 and a diff when the page is out of date.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import tempfile
from pathlib import Path

import libcst  # noqa: F401 - else every check forks a process that loads it

from pgflow_gen.checks import Rule, rules
from pgflow_gen.config import Config
from pgflow_gen.pipeline import check
from pgflow_gen.report import render_report

PAGE = Path(__file__).resolve().parent.parent / "docs" / "diagnostics.md"
HEAD = """\
# What the compiler says

Every finding has a code. `pgflow-gen explain PGF303` prints one of these sections, `pgflow-gen explain` the
list. This page is made from the rules in `pgflow_gen/checks/` by `scripts/diagnostics_page.py`; what the
compiler says about each bad example is its true output.

| code | fault |
|---|---|
"""


def page() -> str:
    """The whole page."""
    known = rules().values()
    table = "".join(f"| [{rule.code}](#{rule.code.lower()}) | {rule.title} |\n" for rule in known)
    return HEAD + table + "".join(_section(rule) for rule in known)


def _section(rule: Rule) -> str:
    if rule.kind == "session":
        examples = [("What happens:", "console", rule.bad), ("What to do:", "console", rule.good)]
    else:
        said = _said(rule)
        examples = [("", "python", _short(rule.bad)), ("The compiler says:", "text", said)]
        examples.append(("Better:", "python", _short(rule.good)))
    blocks = [f"{title}\n\n```{kind}\n{text.rstrip()}\n```" for title, kind, text in examples]
    body = "\n\n".join(block.strip() for block in blocks)
    return f"\n## {rule.code}\n\n**{rule.title}**\n\n{rule.text}\n\n{body}\n"


def _said(rule: Rule) -> str:
    """The report on a project that holds the bad example alone."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve()
        (root / "flows").mkdir()
        (root / "flows" / "example.py").write_text(rule.bad, encoding="utf-8")
        report = check(Config(root), verify=rule.needs_mypy)
    return render_report("text", report.diagnostics, report.sources)


def _short(text: str, limit: int = 60) -> str:
    """An example without the middle of a very long one."""
    lines = text.splitlines()
    if len(lines) <= limit:
        return text
    return "\n".join([*lines[:20], "", "# ... and so on ...", "", *lines[-6:]])


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/diagnostics.md from the rules.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 with a diff")
    wanted = page()
    if not parser.parse_args().check:
        PAGE.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    difference = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), str(PAGE), "the rules"
    )
    sys.stdout.writelines(difference)
    return int(found != wanted)


if __name__ == "__main__":
    sys.exit(main())
