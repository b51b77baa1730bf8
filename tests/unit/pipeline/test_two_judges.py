"""Random flows before both judges: what the checks refuse, mypy refuses on the wiring, and nothing else.

Each flow is judged by the checks alone and by mypy alone; the steps that earn a finding must be the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from pgflow_gen.checks import run_checks
from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic, Findings
from pgflow_gen.incremental.analysis import analyze
from pgflow_gen.render import render
from pgflow_gen.verify import verify

SEED, FLOWS = 20_250_301, 80
HEAD = """\
from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from pgflow_runtime import Flow, JsonValue


class A(TypedDict):
    x: int
    y: str


class B(TypedDict):
    x: int
    y: str
    z: NotRequired[float]


class C(TypedDict):
    x: float
    y: str


class N(TypedDict):
    value: int
    next: "N | None"


"""
PLAIN = ["str", "int", "float", "bool", "None", "A", "B", "C", "N", "JsonValue"]
MIXED = ['Literal["a"]', 'Literal["a", "b"]', "Literal[1]", "str | None", "int | str", "A | None"]
INPUTS = ["str", "list[str]", "A", "list[A]", "dict[str, int]", "list[int | str]"]


class Author:
    """Writes random flows; most of what a handler asks for is near to what it gets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def any_type(self) -> str:
        inner = self.random.choice(PLAIN + MIXED)
        return self.random.choice([inner, f"list[{inner}]", f"dict[str, {inner}]", inner])

    def near(self, given: str) -> str:
        match self.random.randrange(6):
            case 0 | 1:
                return given
            case 2:
                return given.replace("list[", "Sequence[").replace("dict[", "Mapping[")
            case 3:
                return given if "None" in given else f"{given} | None"
            case 4:
                return given.replace("int", "float") if "int" in given else given.replace("B", "A")
            case _:
                return self.any_type()

    def module(self, name: str) -> str:
        given = self.random.choice(INPUTS)
        parts = [HEAD, f'{name} = Flow[{given}]("{name}")\n']
        outputs: dict[str, str] = {}
        for number in range(self.random.randrange(2, 5)):
            parts.append(self.step(name, f"s{number}", given, outputs))
        return "\n\n".join(parts)

    def step(self, flow: str, slug: str, given: str, outputs: dict[str, str]) -> str:
        """The text of one more step, whose output is added to ``outputs``."""
        kind = self.random.choice(["step", "step", "array", "map"])
        arrays = {f"(array={step})": type_ for step, type_ in outputs.items() if type_.startswith("list[")}
        if given.startswith("list["):
            arrays[""] = given
        if kind == "map" and arrays:
            array, type_ = self.random.choice(sorted(arrays.items()))
            returns = self.any_type()
            outputs[slug] = f"list[{returns}]"
            element = self.near(type_.removeprefix("list[").removesuffix("]"))
            return f"@{flow}.map{array}\nasync def {slug}(item: {element}) -> {returns}: ...\n"
        returns = f"list[{self.random.choice(PLAIN + MIXED)}]" if kind == "array" else self.any_type()
        asked = self.random.sample(sorted(outputs), min(len(outputs), self.random.randrange(3)))
        params = [f"{step}: {self.near(outputs[step])}" for step in asked]
        if not params or self.random.random() < 0.3:
            params.append(f"flow_input: {self.near(given)}")
        outputs[slug] = returns
        kind = "step" if kind == "map" else kind
        return f"@{flow}.{kind}\ndef {slug}({', '.join(params)}) -> {returns}: ...\n"


def refused(root: Path, diagnostics: Iterable[Diagnostic]) -> dict[str, list[str]]:
    """The handlers (file and text of the ``def``) with a finding, at the handler or at its decorator."""
    found: dict[str, list[str]] = {}
    for item in diagnostics:
        lines = (root / item.span.path).read_text().splitlines()
        line = lines[item.span.line - 1]
        line = lines[item.span.line] if line.startswith("@") else line
        found.setdefault(f"{item.span.path}: {line}", []).append(item.message)
    return found


def test_both_judges_refuse_the_same_steps(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "flows").mkdir()
    author = Author(SEED)
    for number in range(FLOWS):
        (root / "flows" / f"m{number}.py").write_text(author.module(f"f{number}"))
    config = Config(root)

    reading = Findings()
    analysis = analyze(config, reading).analysis
    assert list(reading) == []
    assert len(analysis.flows) == FLOWS
    by_checks, by_mypy = Findings(), Findings()
    run_checks(analysis, by_checks)
    verify(analysis, render(analysis, config), config, by_mypy)

    ours, mypys = refused(root, by_checks), refused(root, by_mypy)
    assert {key: ours[key] for key in ours.keys() - mypys.keys()} == {}
    assert {key: mypys[key] for key in mypys.keys() - ours.keys()} == {}
    assert len(ours) > FLOWS / 5, "flows that are all fine prove nothing"
