"""Small projects written to a folder and read by the compiler's front."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic, Findings, Span
from pgflow_gen.incremental.analysis import Analyzed, analyze
from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.types import Record, TypeExpr
from pgflow_gen.kept import kept


@dataclass(frozen=True)
class Read:
    """What the front made of a project."""

    root: Path
    analyzed: Analyzed
    findings: tuple[Diagnostic, ...]

    @property
    def flows(self) -> tuple[FlowSpec, ...]:
        return self.analyzed.analysis.flows

    @property
    def flow(self) -> FlowSpec:
        (flow,) = self.flows
        return flow

    @property
    def codes(self) -> list[str]:
        return [item.code for item in self.findings]

    def step(self, slug: str) -> StepSpec:
        found = self.flow.step(slug)
        assert found is not None, f"no step {slug!r} among {[step.slug for step in self.flow.steps]}"
        return found

    def record(self, name: str) -> Record:
        """The record that messages call ``name``."""
        (found,) = [
            record for key, record in self.analyzed.analysis.types.records.items() if str(key) == name
        ]
        return found

    def one(self, code: str | None = None) -> Diagnostic:
        """The only finding."""
        assert len(self.findings) == 1, self.report()
        (found,) = self.findings
        assert code is None or found.code == code, self.report()
        return found

    def clean(self) -> Read:
        """Itself, after nothing was found."""
        assert not self.findings, self.report()
        return self

    def text(self, span: Span | None) -> str:
        """What stands at a span of one line."""
        assert span is not None
        assert span.line == span.end_line
        line = self.analyzed.sources[span.path].split("\n")[span.line - 1]
        return line[span.column - 1 : span.end_column - 1]

    def at(self, item: Diagnostic) -> tuple[int, str]:
        """The line of a finding and the text it is about."""
        return item.span.line, self.text(item.span)

    def report(self) -> str:
        return "\n".join(f"{item.span}: {item.code}: {item.message} ({item.help})" for item in self.findings)


def write_project(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8", newline="")


def read_project(
    root: Path, files: Mapping[str, str], *, only: str | None = None, src: tuple[str, ...] = (".",)
) -> Read:
    """Write ``files`` below ``root`` and analyze them."""
    write_project(root, files)
    findings = Findings()
    config = Config(root.resolve(), src=src)
    analyzed = analyze(config, findings, only=root / only if only else None)
    return Read(root, analyzed, findings.sorted())


def read_flow(root: Path, text: str, **others: str) -> Read:
    """A project of ``flows/crawl.py`` and other modules below ``flows/``."""
    files = {f"flows/{name}.py": body for name, body in others.items()}
    return read_project(root, {"flows/crawl.py": text, **files})


def read_type(root: Path, annotation: str, prelude: str = "", **others: str) -> tuple[Read, TypeExpr]:
    """The type of a parameter with that annotation; ``prelude`` stands between the imports and the flow."""
    head = "import typing as t\nfrom typing import *\nfrom pgflow_runtime import Flow, JsonValue, Context\n"
    text = (
        f"{head}{textwrap.dedent(prelude)}\nflow = Flow[None]('flow')\n\n@flow.step\ndef one() -> None: ...\n"
    )
    text += f"\n@flow.step\ndef two(one: {annotation}) -> None: ...\n"
    read = read_flow(root, text, **others)
    found = read.step("two").params[0].type
    assert found is not None
    return read, found


def seed_cache(root: Path, mypy_cache: Path) -> None:
    """Have mypy begin in ``root`` with what it found out elsewhere, as if it had been there before."""
    with kept(root) as cache:
        shutil.copytree(mypy_cache, Path(cache.path) / "mypy")
