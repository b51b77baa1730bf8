"""The compiler's understanding of a type is mypy's: on generated packages of TypedDicts and aliases.

Each type is revealed by mypy and read by the compiler; then the whole batch is compiled. Packages that mypy
itself refuses say nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Findings
from pgflow_gen.incremental.analysis import analyze
from pgflow_gen.ir.types import TypeExpr, TypeTable
from pgflow_gen.pipeline import check
from tests.support.project import REPOSITORY
from tests.support.reveal import agree, parse
from tests.support.typed_modules import TypedPackage, typed_packages

BATCH = 150
PYTHON = "3.13"
_ERROR = re.compile(
    r"^flows/(?P<crashed>c\d+)/.*error: INTERNAL ERROR"
    r'|^\{"file": "flows/(?P<refused>c\d+)/.*"severity": "error"\}$',
    re.MULTILINE,
)
_REVEALED = 'Revealed type is "'


@dataclass
class Judged:
    """What mypy said of one package: reveals of ``probe.py`` by line, and errors."""

    reveals: dict[int, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def generate(count: int, start: int, first: int) -> list[TypedPackage]:
    """``count`` packages, c<start>, c<start + 1>..., each from a seed of its own."""
    return [_generate_one(f"c{start + index}", first * 1_000_003 + start + index) for index in range(count)]


def _generate_one(name: str, number: int) -> TypedPackage:
    drawn: list[TypedPackage] = []

    # hypothesis begins with the simplest example; the second is the first that is drawn at random.
    @seed(number)
    @settings(max_examples=2, phases=[Phase.generate], deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(typed_packages(name))
    def collect(package: TypedPackage) -> None:
        drawn.append(package)

    collect()
    return drawn[-1]


def write(root: Path, packages: list[TypedPackage]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    # Types in brackets are read under any Python when mypy is told of a newer one.
    (root / "pyproject.toml").write_text(f'[tool.mypy]\npython_version = "{PYTHON}"\n', encoding="utf-8")
    for package in packages:
        for path, text in package.files.items():
            file = root / "flows" / package.name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")


def ask_mypy(root: Path, cache: Path, names: list[str]) -> dict[str, Judged]:
    """What mypy says of each package; those it gives up on are found, if need be by halving, and refused."""
    done = run_mypy(root, cache, names)
    if done.returncode not in (0, 1):
        output = done.stdout + done.stderr
        guilty = {match["crashed"] or match["refused"] for match in _ERROR.finditer(output)}
        # Below zero: bottomless types make mypy overflow its stack.
        assert guilty or "INTERNAL ERROR" in output or done.returncode < 0, output[-2000:]
        if guilty or len(names) == 1:
            # Some of them may only have errors; these are refused either way.
            rest = [name for name in names if name not in guilty] if len(names) > 1 else []
            gone = {name: Judged(errors=["mypy gave up"]) for name in names if name not in rest}
            return gone | (ask_mypy(root, cache, rest) if rest else {})
        guilty = {*names[: len(names) // 2]}
        parts = [name for name in names if name in guilty], [name for name in names if name not in guilty]
        return ask_mypy(root, cache, parts[0]) | ask_mypy(root, cache, parts[1])
    judged = {name: Judged() for name in names}
    for line in done.stdout.splitlines():
        item = json.loads(line)
        package = judged[Path(item["file"]).parts[1]]
        if item["severity"] == "error":
            package.errors.append(f"{item['file']}:{item['line']}: {item['message']}")
        elif item["message"].startswith(_REVEALED):
            revealed = item["message"][len(_REVEALED) : -1]
            package.reveals[item["line"]] = revealed
            if re.search(r"(?<![\w'])Any(?![\w'])", revealed):
                # Nobody wrote Any: a cycle of star imports that mypy gave up on.
                package.errors.append(f"mypy sees {revealed}")
    return judged


def run_mypy(root: Path, cache: Path, names: list[str]) -> subprocess.CompletedProcess[str]:
    roots = os.pathsep.join(str(place) for place in (root, REPOSITORY / "runtime", REPOSITORY / "sql"))
    flags = [
        "--output=json",
        "--namespace-packages",
        "--explicit-package-bases",
        f"--python-version={PYTHON}",
    ]
    paths = [f"flows/{name}" for name in names]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *flags, "--config-file=", "--cache-dir", str(cache), *paths],
        cwd=root,
        env={**os.environ, "MYPYPATH": roots},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def differences(
    package: TypedPackage, judged: Judged, types: dict[str, TypeExpr], table: TypeTable
) -> list[str]:
    """Where the two do not agree, in words; ``types`` by the name of the probe."""
    lines = package.files["probe.py"].split("\n")
    found: list[str] = []
    for number, revealed in judged.reveals.items():
        probe = lines[number - 1].split("(")[0].removeprefix("def ")
        type_ = types.get(probe)
        if type_ is None or not agree(parse(revealed), type_, table):
            found.append(f"{lines[number - 1]}\n  mypy: {revealed}\n  compiler: {type_}")
    return found


def compiler_types(root: Path) -> tuple[dict[str, dict[str, TypeExpr]], TypeTable, dict[str, list[str]]]:
    """Types by package and probe, the records behind them, and errors by package."""
    findings = Findings()
    analysis = analyze(Config(root), findings).analysis
    types: dict[str, dict[str, TypeExpr]] = defaultdict(dict)
    for flow in analysis.flows:
        for step in flow.steps:
            if step.returns is not None and step.slug.startswith("p"):
                types[flow.slug][f"r{step.slug[1:]}"] = step.returns
            for param in step.params:
                if param.type is not None:
                    types[flow.slug][step.slug] = param.type
    errors: dict[str, list[str]] = defaultdict(list)
    for item in findings:
        if item.severity == "error":
            errors[item.span.path.split("/")[1]].append(f"{item.span}: {item.code} {item.message}")
    return types, analysis.types, errors


def judge_batch(root: Path, cache: Path, packages: list[TypedPackage]) -> tuple[list[str], int]:
    """(failures, number of packages that mypy accepts and that were compared)."""
    write(root, packages)
    judged = ask_mypy(root, cache, [package.name for package in packages])
    accepted = [package for package in packages if not judged[package.name].errors]
    for package in packages:
        if package not in accepted:
            rmtree(root / "flows" / package.name, ignore_errors=True)
    types, table, errors = compiler_types(root)
    failures: list[str] = []
    for package in accepted:
        mine = judged[package.name]
        assert len(mine.reveals) == 2 * package.probes
        wrong = errors[package.name] or differences(package, mine, types[package.name], table)
        if wrong:
            failures.append("\n".join([str(package), *wrong]))
    if not failures:
        found = check(Config(root), verify=False).diagnostics
        failures += [f"{item.span}: {item.code} {item.message} {item.notes}" for item in found]
    return failures, len(accepted)


def test_the_compiler_and_mypy_mean_the_same_types(
    tmp_path: Path, oracle_examples: int, property_seed: int
) -> None:
    """More with ``--oracle-examples N``; the batches share mypy's cache of the standard library."""
    compared = made = 0
    while compared < oracle_examples:
        packages = generate(min(BATCH, oracle_examples - compared) + 5, made, property_seed)
        root = tmp_path / f"batch{made}"
        failures, count = judge_batch(root.resolve(), tmp_path / "mypy", packages)
        assert not failures, f"{len(failures)} of {count} packages\n" + "\n\n".join(failures[:3])
        rmtree(root)
        made += len(packages)
        compared += count
        # A generator whose types mypy refuses would let the test pass without comparing anything.
        assert compared * 2 > made, f"mypy accepts only {compared} of {made} packages"


@pytest.mark.parametrize(
    ("revealed", "other"),
    [
        ("int", "str"),
        ("list[int]", "typing.Sequence[int]"),
        ("Literal[1]", "Literal[True]"),
        ("TypedDict(m.A, {'a': int})", "TypedDict(m.A, {'a'?: int})"),
        ("TypedDict(m.A, {'a': int})", "TypedDict(m.A, {'a'=: int})"),
        ("TypedDict(m.A, {'it\\'s': int})", "TypedDict(m.B, {'it\\'s': int})"),
        ("int | None", "int"),
    ],
)
def test_the_comparison_tells_types_apart(revealed: str, other: str) -> None:
    assert parse(revealed) == parse(revealed) != parse(other)
